"""KL divergence of the classes that are heard in reference and sound, as audioldm_eval measures it."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import mean_of
from sounddesk.evaluation.sound_metrics.registry import stacked
from sounddesk.evaluation.sound_metrics.registry import stacked_real


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """One value of each pair."""
    from sounddesk.evaluation.metrics.classifier_divergence import kl_of

    return mean_of(kl_of(stacked_real(evidence, "logits"), stacked(evidence, "logits")))


METRICS.register(
    SoundMetric(
        name="kl",
        title="KL",
        summary="KL divergence from the reference to the sound, softmax over the 527 classes of PANNs",
        origin="paper",
        better="lower",
        network="panns",
        needs=("reference",),
        least_clips=2,
        rank=3,
        prepare=prepare,
    )
)

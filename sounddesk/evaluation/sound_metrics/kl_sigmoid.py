"""KL divergence of the classes taken one by one, the other variant that audioldm_eval reports."""

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
    from sounddesk.evaluation.metrics.classifier_divergence import sigmoid_kl_of

    return mean_of(sigmoid_kl_of(stacked_real(evidence, "logits"), stacked(evidence, "logits")))


METRICS.register(
    SoundMetric(
        name="kl-sigmoid",
        title="KL sigmoid",
        summary="KL divergence from the reference to the sound, each of the 527 classes by itself",
        origin="paper",
        better="lower",
        network="panns",
        needs=("reference",),
        least_clips=2,
        rank=10,
        prepare=prepare,
    )
)

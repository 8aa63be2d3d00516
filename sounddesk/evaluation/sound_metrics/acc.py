"""Accuracy of the annotated classes (paper, appendix C): how probable PANNs take them for."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import mean_of
from sounddesk.evaluation.sound_metrics.registry import stacked


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """The sigmoid, which is what PANNs give out; the paper calls it softmax."""
    from scipy.special import expit

    from sounddesk.evaluation.sound_metrics.class_labels import label_scores

    logits = stacked(evidence, "logits")
    return mean_of(label_scores(expit(logits), [each.clip.labels for each in evidence]))


METRICS.register(
    SoundMetric(
        name="acc",
        title="ACC",
        summary="mean sigmoid of PANNs at the clip's labels; without speech, singing and music",
        origin="paper",
        better="higher",
        network="panns",
        needs=("labels",),
        least_clips=2,
        rank=1,
        prepare=prepare,
    )
)

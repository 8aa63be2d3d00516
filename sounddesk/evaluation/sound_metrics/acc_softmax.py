"""Accuracy of the annotated classes (paper, appendix C), with the softmax that the paper names."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import mean_of
from sounddesk.evaluation.sound_metrics.registry import stacked


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """Softmax over all 527 classes, which share one."""
    from scipy.special import softmax

    from sounddesk.evaluation.sound_metrics.class_labels import label_scores

    logits = stacked(evidence, "logits")
    return mean_of(label_scores(softmax(logits, axis=1), [each.clip.labels for each in evidence]))


METRICS.register(
    SoundMetric(
        name="acc-softmax",
        title="ACC softmax",
        summary="mean softmax of PANNs at the clip's labels; without speech, singing and music",
        origin="paper",
        better="higher",
        network="panns",
        needs=("labels",),
        least_clips=2,
        rank=9,
        prepare=prepare,
    )
)

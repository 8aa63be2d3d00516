"""Inception score of the classes that PANNs hear, as audioldm_eval measures it."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import Rows
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import stacked


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """Of the sounds alone, whatever the references are."""
    from sounddesk.evaluation.metrics.classifier_divergence import inception_score

    logits = stacked(evidence, "logits")

    def figure(rows: Rows) -> float:
        return inception_score(logits[rows])[0]

    return PreparedMetric(figure=figure)


METRICS.register(
    SoundMetric(
        name="is",
        title="IS",
        summary="inception score, 10 parts in the order of seed 2020: how sure and how varied the classes of PANNs are",
        origin="paper",
        better="higher",
        network="panns",
        needs=(),
        least_clips=10,
        rank=4,
        prepare=prepare,
    )
)

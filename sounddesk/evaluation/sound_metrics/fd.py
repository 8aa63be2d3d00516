"""Fréchet distance in the space of PANNs, as audioldm_eval measures it."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import Rows
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import stacked
from sounddesk.evaluation.sound_metrics.registry import stacked_real


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """One vector of each sound."""
    import numpy as np

    from sounddesk.evaluation.metrics.frechet import frechet_distance

    real = stacked_real(evidence, "embedding").astype(np.float64)
    made = stacked(evidence, "embedding").astype(np.float64)

    def figure(rows: Rows) -> float:
        return frechet_distance(real[rows], made[rows])

    return PreparedMetric(figure=figure)


METRICS.register(
    SoundMetric(
        name="fd",
        title="FD",
        summary="Fréchet distance to the references, 2048 values of PANNs",
        origin="paper",
        better="lower",
        network="panns",
        needs=("reference",),
        least_clips=2,
        rank=8,
        prepare=prepare,
    )
)

"""Fréchet distance in the space of the sound-effects encoder that ships."""

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
    """Over the 64 principal axes of both sides together, as `sounddesk evaluate realism`."""
    from sounddesk.evaluation.metrics.frechet import frechet_distance
    from sounddesk.evaluation.metrics.frechet import on_principal_axes

    real, made = on_principal_axes(stacked_real(evidence, "embedding"), stacked(evidence, "embedding"))

    def figure(rows: Rows) -> float:
        return frechet_distance(real[rows], made[rows])

    return PreparedMetric(figure=figure)


METRICS.register(
    SoundMetric(
        name="effects-distance",
        title="FD effects",
        summary="Fréchet distance to the references, 64 principal axes of the sound-effects encoder",
        origin="ours",
        better="lower",
        network="effects",
        needs=("reference",),
        least_clips=8,
        digits=1,
        rank=1,
        prepare=prepare,
    )
)

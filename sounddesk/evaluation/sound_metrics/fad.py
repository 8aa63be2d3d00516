"""Fréchet audio distance (Kilgour et al. 2019), as audioldm_eval measures it."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import Rows
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import real_of


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """Means and covariances over the windows of all sounds, so that long sounds count more."""
    import numpy as np

    from sounddesk.evaluation.metrics.frechet import frechet_distance

    made = [each.heard["windows"] for each in evidence]
    real = [real_of(each)["windows"] for each in evidence]

    def figure(rows: Rows) -> float:
        first = np.concatenate([real[row] for row in rows]).astype(np.float64)
        second = np.concatenate([made[row] for row in rows]).astype(np.float64)
        return frechet_distance(first, second) if min(len(first), len(second)) > 1 else float("nan")

    return PreparedMetric(figure=figure)


METRICS.register(
    SoundMetric(
        name="fad",
        title="FAD",
        summary="Fréchet distance to the references over all windows of 0.96 s, VGGish",
        origin="paper",
        better="lower",
        network="vggish",
        needs=("reference",),
        least_clips=2,
        rank=2,
        prepare=prepare,
    )
)

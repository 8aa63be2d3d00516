"""Audio-visual matching by ImageBind, which the paper also calls Synchformer-based (appendix D)."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import mean_of
from sounddesk.evaluation.sound_metrics.two_spaces import cosines


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """One value of each sound and its picture."""
    return mean_of(cosines(evidence))


METRICS.register(
    SoundMetric(
        name="ib",
        title="IB",
        summary="cosine of picture and sound in ImageBind",
        origin="paper",
        better="higher",
        network="imagebind",
        needs=("image",),
        least_clips=2,
        rank=6,
        prepare=prepare,
    )
)

"""Audio-visual correspondence by OpenL3 (paper, appendix C)."""

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
        name="avc",
        title="AVC",
        summary="cosine of picture and sound in OpenL3; it says something beside other figures only",
        origin="paper",
        better="higher",
        network="openl3",
        needs=("image",),
        least_clips=2,
        rank=5,
        prepare=prepare,
    )
)

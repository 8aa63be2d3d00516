"""CLIP-score of ImageHear (paper, appendix E)."""

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
    return mean_of(100.0 * cosines(evidence))


METRICS.register(
    SoundMetric(
        name="clip-score",
        title="CS",
        summary="cosine of sound (Wav2CLIP) and picture (CLIP ViT-B/32) times 100",
        origin="paper",
        better="higher",
        network="wav2clip",
        needs=("image",),
        least_clips=2,
        digits=2,
        rank=7,
        prepare=prepare,
    )
)

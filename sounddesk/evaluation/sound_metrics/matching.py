"""Do picture and sound belong together? By what ships: the starter's recogniser and the independent judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import mean_of
from sounddesk.evaluation.sound_metrics.registry import seen_of
from sounddesk.evaluation.sound_metrics.registry import stacked


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """Of each clip the chance that what is seen and what is heard are of one kind.

    NaN where nothing is seen that the judge knows, and for a recording that the judge has learned from.
    """
    from sounddesk.evaluation.judge.independent_judge import IndependentJudge

    judge = IndependentJudge.load()
    heard = np.exp(judge.of_embeddings(stacked(evidence, "embedding")).astype(np.float64))
    seen = np.stack([seen_of(each)["kinds"] for each in evidence]).astype(np.float64)
    known = seen.sum(axis=1)
    learned = np.array([each.heard_key in judge.learned_from for each in evidence])
    chance = (heard * seen).sum(axis=1) / np.maximum(known, 1e-9)
    return mean_of(np.where((known > 0) & ~learned, chance, np.nan))


METRICS.register(
    SoundMetric(
        name="matching",
        title="Matching",
        summary="chance that the object seen (starter's recogniser) and the sound (independent judge) are of one kind",
        origin="ours",
        better="higher",
        network="effects",
        needs=("image",),
        rank=4,
        prepare=prepare,
    )
)

"""The independent judge: does the sound belong to the object that was selected?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import PreparedMetric
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_metrics.registry import mean_of
from sounddesk.evaluation.sound_metrics.registry import stacked


def prepare(evidence: Sequence[ClipEvidence]) -> PreparedMetric:
    """1 where the judge takes the sound for the clip's object, among all that it knows, else 0.

    NaN for an object that it does not know, and for a recording that it has learned from.
    """
    from sounddesk.evaluation.judge.independent_judge import IndependentJudge
    from sounddesk.evaluation.picture_folder import normal_name

    judge = IndependentJudge.load()
    kinds = {normal_name(kind): index for index, kind in enumerate(judge.kinds)}
    chosen = judge.of_embeddings(stacked(evidence, "embedding")).argmax(axis=1)
    values = [
        float(choice == kinds[normal_name(each.clip.object)])
        if normal_name(each.clip.object) in kinds and each.heard_key not in judge.learned_from
        else np.nan
        for each, choice in zip(evidence, chosen, strict=True)
    ]
    return mean_of(values)


METRICS.register(
    SoundMetric(
        name="judge",
        title="Right object",
        summary="share that the independent judge takes for the clip's object, among all kinds that it knows",
        origin="ours",
        better="higher",
        network="effects",
        needs=("object",),
        rank=3,
        prepare=prepare,
    )
)

"""Can the sounds be told from the references?"""

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
    """AUC of a logistic regression that never saw a clip nor its reference; it is not fitted again for intervals."""
    from sounddesk.evaluation.metrics.two_sample import area_under_curve
    from sounddesk.evaluation.metrics.two_sample import two_sample_test

    groups = [each.clip.object or each.clip.id for each in evidence]
    if len(set(groups)) < 2:
        groups = [each.clip.id for each in evidence]
    told = two_sample_test(
        stacked_real(evidence, "embedding"), stacked(evidence, "embedding"), real_groups=groups, made_groups=groups
    )

    def figure(rows: Rows) -> float:
        return area_under_curve(told.real[rows], told.made[rows])

    return PreparedMetric(figure=figure)


METRICS.register(
    SoundMetric(
        name="realism",
        title="AUC real",
        summary="how well sounds are told from references, objects kept together: 0.5 is not at all, 1 always",
        origin="ours",
        better="lower",
        network="effects",
        needs=("reference",),
        least_clips=8,
        rank=2,
        prepare=prepare,
    )
)

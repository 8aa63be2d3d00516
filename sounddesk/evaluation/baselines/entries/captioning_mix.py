"""Captioning & Mix (paper, table 7): a captioner describes the object alone."""

from __future__ import annotations

from sounddesk.evaluation.baselines.registry import BASELINES
from sounddesk.evaluation.baselines.registry import BaselineContext
from sounddesk.evaluation.baselines.registry import BaselineEntry
from sounddesk.evaluation.baselines.registry import MakeSound


def start(context: BaselineContext) -> MakeSound:
    """Words of the object."""
    from sounddesk.evaluation.baselines.picture_sounds import from_pictures

    return from_pictures(context, "caption-mix")


BASELINES.register(
    BaselineEntry(
        name="captioning-mix", summary="a captioner's words for the object alone", needs=("image",), start=start
    )
)

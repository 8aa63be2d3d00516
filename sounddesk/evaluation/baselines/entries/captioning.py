"""Captioning (paper, section 4.1): a captioner describes the whole picture, a text model makes its sound."""

from __future__ import annotations

from sounddesk.evaluation.baselines.registry import BASELINES
from sounddesk.evaluation.baselines.registry import BaselineContext
from sounddesk.evaluation.baselines.registry import BaselineEntry
from sounddesk.evaluation.baselines.registry import MakeSound


def start(context: BaselineContext) -> MakeSound:
    """Words of the whole picture."""
    from sounddesk.evaluation.baselines.picture_sounds import from_pictures

    return from_pictures(context, "caption")


BASELINES.register(
    BaselineEntry(name="captioning", summary="a captioner's words for the whole picture", needs=("image",), start=start)
)

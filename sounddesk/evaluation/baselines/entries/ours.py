"""The method itself: the sound follows the pixels of the selected object."""

from __future__ import annotations

from sounddesk.evaluation.baselines.registry import BASELINES
from sounddesk.evaluation.baselines.registry import BaselineContext
from sounddesk.evaluation.baselines.registry import BaselineEntry
from sounddesk.evaluation.baselines.registry import MakeSound


def start(context: BaselineContext) -> MakeSound:
    """The bundle sees the object."""
    from sounddesk.evaluation.baselines.picture_sounds import from_pictures

    return from_pictures(context, "object")


BASELINES.register(
    BaselineEntry(
        name="ours", summary="the bundle's own way: the pixels of the selected object", needs=("image",), start=start
    )
)

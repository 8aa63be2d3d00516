"""What carries masks along a shot: a segmenter's own memory where one is installed (SAM 2), else optical flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sounddesk.batch.mask_tracking import MaskTracker
from sounddesk.batch.options import Follow
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.registry import Registry
from sounddesk.engine.segmenters.entry import Coverage
from sounddesk.engine.segmenters.entry import MaskTracking
from sounddesk.engine.segmenters.entry import Tracker
from sounddesk.engine.segmenters.entry import TrackerEntry
from sounddesk.engine.segmenters.registry import SEGMENTERS
from sounddesk.engine.types import RgbImage

FLOW: Final = TrackerEntry(
    name="flow",
    title="optical flow",
    rank=90,
    find=lambda _device: MaskTracking(name="flow", start=MaskTracker),
)


def ranked_trackers() -> tuple[TrackerEntry, ...]:
    """Every way to track masks, the preferred one first: those that segmenters bring, and optical flow.

    Raises:
        DuplicateNameError: two have one name.
    """
    trackers: Registry[TrackerEntry] = Registry("mask tracker")
    for segmenter in SEGMENTERS:
        if segmenter.tracker is not None:
            trackers.register(segmenter.tracker)
    trackers.register(FLOW)
    return tuple(sorted(trackers, key=lambda entry: (entry.rank, entry.name)))


def follow_help() -> str:
    """What `--follow auto` does, e.g. 'SAM 2 where one is installed, else by optical flow'."""
    *installed, last = (entry.title for entry in ranked_trackers())
    return "".join(f"{title} where one is installed, else by " for title in installed) + last


def choose_tracking(follow: Follow, *, device: str = "auto") -> MaskTracking:
    """The preferred tracking that is there where `follow` is 'auto', else the one of that name, else optical flow."""
    for entry in ranked_trackers():
        if follow in ("auto", entry.name):
            found = entry.find(device)
            if found is not None:
                return MaskTracking(name=found.name, start=_Start(found))
    return MaskTracking(name=FLOW.name, start=MaskTracker)


class _Start:
    """Starts a tracker; what goes wrong while its network is loaded comes with a way out."""

    def __init__(self, tracking: MaskTracking) -> None:
        self._tracking = tracking

    def __call__(self, image: RgbImage, masks: Mapping[str, Coverage]) -> Tracker:
        try:
            return self._tracking.start(image, masks)
        except EngineError as error:
            raise BadInputError(f"{error}; or follow by optical flow: --follow flow") from error

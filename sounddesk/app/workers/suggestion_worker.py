"""Objects that nobody pointed at, one by one, on a thread of their own: clicks are answered meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject

from sounddesk.app.workers.image_search_worker import ImageSearch
from sounddesk.app.workers.image_search_worker import ImageSearchWorker
from sounddesk.app.workers.naming_worker import OpenRecogniser
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.domain.tiled_mask import TiledMask

MAX_SUGGESTIONS: Final = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class SuggestedMask:
    """One suggestion: its mask, and what it may be where something recognises objects."""

    found: FoundMask
    recognised: RecognisedObject | None


class SuggestionWorker(ImageSearchWorker[Sequence[TiledMask]]):
    """Looks for objects that sound, the likeliest first. A search is asked with the masks of those known already."""

    def __init__(
        self, segment: SegmentationWorker, open_recogniser: OpenRecogniser, parent: QObject | None = None
    ) -> None:
        """`open_recogniser`: called with each search, on its thread."""
        super().__init__(segment, parent, name="the suggestions")
        self._open_recogniser = open_recogniser

    def look(self, search: ImageSearch[Sequence[TiledMask]], control: JobControl) -> None:
        """Report each object as a `SuggestedMask`."""
        from sounddesk.engine.segmenters.suggestions import suggest_objects

        suggestions = suggest_objects(
            search.encoded,
            segmenter=search.choice.proposer,
            recogniser=self._open_recogniser(),
            taken=[mask.to_bool() for mask in search.query],
            limit=MAX_SUGGESTIONS,
            cancel=control.cancel,
        )
        for each in suggestions:
            found = FoundMask(candidate=each.candidate)
            # Not on the UI thread.
            _ = found.mask
            control.report(SuggestedMask(found=found, recognised=each.recognised))

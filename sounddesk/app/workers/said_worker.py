"""Words to masks on a thread of their own: 'the dog on the left'."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from sounddesk.app.runtime.heavy_imports import gil_friendly_imports
from sounddesk.app.workers.image_search_worker import ImageSearch
from sounddesk.app.workers.image_search_worker import ImageSearchWorker
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.segmentation_worker import SegmentationWorker
from sounddesk.app.workers.serial_thread import JobControl

if TYPE_CHECKING:
    from sounddesk.engine.prompters.registry import Prompter

OpenPrompter = Callable[[], "Prompter"]


class SaidWorker(ImageSearchWorker[str]):
    """Finds what words mean: one `FoundMask`, or the search ends with the error."""

    def __init__(self, segment: SegmentationWorker, open_prompter: OpenPrompter, parent: QObject | None = None) -> None:
        """`open_prompter`: called with each search, on its thread."""
        super().__init__(segment, parent, name="words to masks")
        self._open_prompter = open_prompter

    def look(self, search: ImageSearch[str], control: JobControl) -> None:
        """Report what the words of the search mean."""
        from sounddesk.engine.prompters.said_object import find_said

        with gil_friendly_imports():
            prompter = self._open_prompter()
        control.cancel.raise_if_cancelled()
        candidate = find_said(
            search.encoded, search.query, prompter=prompter, segmenter=search.choice.segmenter, cancel=control.cancel
        )
        found = FoundMask(candidate=candidate)
        # Not on the UI thread.
        _ = found.mask
        control.report(found)

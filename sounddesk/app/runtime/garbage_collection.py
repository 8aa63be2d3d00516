"""Python's cyclic garbage, collected on the UI thread alone."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer

_EVERY_MS: Final = 250

# One for each block of `collection_paused` that runs, on whatever thread.
_pauses: set[object] = set()


@contextlib.contextmanager
def collection_paused() -> Iterator[None]:
    """Inside the block nothing is collected, on no thread; for imports, whose many new objects all stay anyway."""
    own = object()
    was_enabled = gc.isenabled()
    _pauses.add(own)
    gc.disable()
    try:
        yield
    finally:
        _pauses.discard(own)
        if was_enabled:
            gc.enable()
        # What was imported stays for good: no collection needs to look at it again.
        gc.freeze()


class UiThreadGarbageCollector(QObject):
    """Takes the place of the automatic collector, which runs on whatever thread allocates next.

    A closed dialog is garbage with cycles: its signals hold its methods, its methods hold it. Where a worker's thread
    collected it, its widgets, which only the UI thread may destroy, were each put off to that thread; there a parent
    had deleted its children before their own turn came, and the program died. The thresholds are Python's own.

    Make one on the UI thread. Collecting needs its event loop, or calls of `collect_what_is_due`.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        # The imports of the start stay for good as well.
        gc.freeze()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.collect_what_is_due)
        self._timer.start()

    def collect_what_is_due(self) -> int | None:
        """Collect the oldest generation that is due, with those younger than it; its number, or None."""
        if _pauses:
            return None
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return generation
        return None

    def close(self) -> None:
        """Collect all that is left, and give the work back to Python."""
        self._timer.stop()
        gc.collect()
        if self._was_enabled:
            gc.enable()

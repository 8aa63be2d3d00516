"""Short work of widgets (pictures, measurements) off the UI thread, with the answer back on it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtCore import QRunnable
from PySide6.QtCore import Qt
from PySide6.QtCore import QThreadPool
from PySide6.QtCore import Signal

from sounddesk.app.runtime.thread_priority import stand_behind_the_ui

_log = logging.getLogger(__name__)


class _Task(QRunnable):
    def __init__(self, owner: Background, key: object, work: Callable[[], Any]) -> None:
        super().__init__()
        self._owner = owner
        self._key = key
        self._work = work

    def run(self) -> None:
        stand_behind_the_ui()
        try:
            result = self._work()
        except Exception as error:  # noqa: BLE001  # told to the widget, which knows what to show instead
            _log.debug("background work failed", exc_info=True)
            self._owner._ended.emit(self._key, None, error)
        else:
            self._owner._ended.emit(self._key, result, None)


class Background(QObject):
    """Runs functions on a small pool of threads. Only the newest work of a key is answered.

    Signals:
        done(key, result), failed(key, error).
    """

    done = Signal(object, object)
    failed = Signal(object, object)
    _ended = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 1) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._generation: dict[object, int] = {}
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self, key: object, work: Callable[[], Any]) -> None:
        """Run `work`; its result arrives with `done`. Work of the same key that has not answered yet is forgotten."""
        number = self._generation.get(key, 0) + 1
        self._generation[key] = number
        self._pool.start(_Task(self, (key, number), work))

    def is_running(self, key: object) -> bool:
        return key in self._generation

    def close(self) -> None:
        """Forget what has not begun and wait for the rest."""
        self._generation.clear()
        self._pool.clear()
        self._pool.waitForDone()

    def _deliver(self, numbered: tuple[object, int], result: object, error: object) -> None:
        key, number = numbered
        if self._generation.get(key) != number:
            return
        del self._generation[key]
        if error is None:
            self.done.emit(key, result)
        else:
            self.failed.emit(key, error)

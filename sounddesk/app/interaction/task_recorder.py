"""Counts what a task takes: time, generations, and presses of mouse buttons and keys. Off unless somebody asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import QEvent
from PySide6.QtCore import QObject
from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QWindow

from sounddesk.app.workers.generation_queue import GenerationQueue
from sounddesk.domain.recorded_task import RecordedTask


class TaskRecorder(QObject):
    """Looks at the application's events while a task is recorded, and only then."""

    def __init__(
        self, queue: GenerationQueue, parent: QObject | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._begun: RecordedTask | None = None
        self._from_s = 0.0
        self._attempts = self._gestures = 0
        self._counted = False
        queue.queued.connect(self._on_queued)

    @property
    def running(self) -> bool:
        return self._begun is not None

    def begin(self, *, task: str, method: str, participant: str) -> None:
        """Count from now on."""
        self._begun = RecordedTask(
            task=task, method=method, participant=participant, began_unix_s=time.time(), seconds=0.0, attempts=0
        )
        self._from_s, self._attempts, self._gestures = self._clock(), 0, 0
        _application().installEventFilter(self)

    def counted(self) -> RecordedTask:
        """What there is so far. Raises: RuntimeError, no task is recorded."""
        if self._begun is None:
            raise RuntimeError("no task is recorded")
        seconds = round(self._clock() - self._from_s, 1)
        return replace(self._begun, seconds=seconds, attempts=self._attempts, gestures=self._gestures)

    def end(self) -> None:
        """Count no longer."""
        self._begun = None
        _application().removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        # Each press comes to a window of the system first, and then to one widget or several.
        if event.type() == QEvent.Type.MouseButtonPress:
            self._gestures += isinstance(watched, QWindow)
        # Not KeyPress, which keys that are shortcuts never become.
        elif event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            self._gestures += isinstance(watched, QWindow) and not event.isAutoRepeat()
        return False

    def _on_queued(self) -> None:
        """One request may queue several jobs, which are one attempt."""
        if self._begun is not None and not self._counted:
            self._attempts += 1
            self._counted = True
            QTimer.singleShot(0, self, self._count_again)

    def _count_again(self) -> None:
        self._counted = False


def _application() -> QCoreApplication:
    found = QCoreApplication.instance()
    assert found is not None
    return found

"""Who gets a processor first: the UI thread, or the threads that compute for it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Final

from PySide6.QtCore import QThread

# Of 20 steps below the window.
_STEPS: Final = 5


def stand_behind_the_ui() -> None:
    """Let this thread, and the threads that it starts (OpenMP's too), wait where the UI thread wants a processor.

    With equal rights the UI thread, however short its work, stood in line behind two networks for up to 46 ms. Linux
    alone gives each thread a number of its own; elsewhere nothing happens. May be called again and again.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            wanted = min(19, os.getpriority(os.PRIO_PROCESS, os.getpid()) + _STEPS)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), wanted)


class LaneThread(QThread):
    """The thread of a lane: an event loop that stands behind the UI thread's."""

    def run(self) -> None:
        stand_behind_the_ui()
        if sys.platform != "linux":
            self.setPriority(QThread.Priority.LowPriority)
        self.exec()

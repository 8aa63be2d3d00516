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


def lower_thread_priority() -> None:
    """Let this thread wait where the UI thread wants a processor, and on Linux those that it starts (OpenMP's too).

    With equal rights the UI thread, however short its work, stood in line behind two networks for up to 46 ms. Linux
    gives each thread a niceness of its own. May be called again and again; never on the UI thread.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            wanted = min(19, os.getpriority(os.PRIO_PROCESS, os.getpid()) + _STEPS)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), wanted)
    else:
        QThread.currentThread().setPriority(QThread.Priority.LowPriority)

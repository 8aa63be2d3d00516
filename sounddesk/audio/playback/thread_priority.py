"""A processor first for the threads that nobody may wait for: those that mix and play."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Final

_NICENESS: Final = -10


def raise_thread_priority() -> None:
    """Let this thread go before others where the system allows it: on Linux by a niceness of its own.

    Without the right to do so (see `ulimit -e`) it stays as it is.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

"""Ctrl-C and a polite kill end a command without leaving anything half-written."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sounddesk.cli.exit_codes import ExitCode
from sounddesk.engine.tasks import CancelToken


@contextmanager
def cancel_on_signals(token: CancelToken, *, tell: Callable[[str], None]) -> Iterator[None]:
    """Inside the block, the first Ctrl-C (or SIGTERM, SIGHUP) cancels `token`.

    The second raises KeyboardInterrupt where the program stands, so that temporary files are still
    removed; the third ends the process on the spot.
    """
    count = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count == 1:
            token.cancel()
            tell("stopping after this step; press Ctrl-C again to stop at once")
        elif count == 2:
            raise KeyboardInterrupt
        else:
            os._exit(ExitCode.CANCELLED)

    with _handling(on_signal):
        yield


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Inside the block, Ctrl-C (or SIGTERM, SIGHUP) raises KeyboardInterrupt, also where the parent ignored them."""
    with _handling(signal.default_int_handler):
        yield


@contextmanager
def _handling(on_signal: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Loading of torch and diffusers on a worker thread without freezing the window."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def friendly_to_the_ui() -> Iterator[None]:
    """Inside the block imports on this thread leave the UI thread its turns.

    The garbage collector walks all of the many new objects again and again: with it, eight freezes of 66 to 235 ms
    were measured on 2 busy cores; without it, one or two of 50 to 250 ms, while torch's libraries are mapped.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(min(interval_s, 0.001))
    try:
        yield
    finally:
        sys.setswitchinterval(interval_s)
        if was_enabled:
            gc.enable()
            # What was imported stays for good: no collection needs to look at it again.
            gc.freeze()

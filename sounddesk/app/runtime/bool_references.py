"""A guard against a fault of PySide6 6.12 under Python 3.11: it drops one reference too many to what a call returns.

`Signal.emit` does so with True; `update`, `processEvents` and others that return nothing, with None. When none is left,
Python ends the process ("bool_dealloc", "none_dealloc"). From Python 3.12 on they live for ever, and nothing needs
to be done.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

# More emits than any session makes, far from the end of the counter's range.
_SPARE: Final = 1 << 40


def guard_bool_references() -> None:
    """Give True, False and None references to spare. Harmless when called again."""
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return
    for value in (True, False, None):
        if sys.getrefcount(value) < _SPARE // 2:
            # ob_refcnt is the first field of every object, except in builds for debugging references.
            ctypes.c_ssize_t.from_address(id(value)).value += _SPARE

"""Whether a screen answers, found out before Qt is asked: Qt ends the whole program where none does."""

from __future__ import annotations

import contextlib
import ctypes
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError

_REMEDY: Final = "start it on a desktop, or use 'sounddesk render'"
_TIMEOUT_S: Final = 5.0


def check_display(environment: Mapping[str, str]) -> None:
    """Refuse a screen that is not there.

    Args:
        environment: DISPLAY, WAYLAND_DISPLAY, XDG_RUNTIME_DIR and QT_QPA_PLATFORM count.

    Raises:
        BadInputError: none is named, or nothing answers at the one that is.
    """
    platform = environment.get("QT_QPA_PLATFORM", "").partition(":")[0]
    x11, wayland = environment.get("DISPLAY"), environment.get("WAYLAND_DISPLAY")
    if platform not in ("", "xcb", "wayland"):
        return
    if not x11 and not wayland:
        raise BadInputError(f"there is no screen here (DISPLAY and WAYLAND_DISPLAY are not set): {_REMEDY}")
    # Without a platform Qt takes either that answers.
    answers = []
    if x11 and platform != "wayland":
        answers.append((x11, _x11_answers(x11)))
    if wayland and platform != "xcb":
        answers.append((wayland, _wayland_answers(wayland, environment)))
    if answers and not any(answer for _, answer in answers):
        raise BadInputError(f"no display at {' or '.join(name for name, _ in answers)}: {_REMEDY}")


def _x11_answers(name: str) -> bool:
    """Whether an X server lets us in; taken for granted where libxcb is missing, of which `doctor` tells."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    # Never NULL: a connection that failed says so when asked.
    connection = xcb.xcb_connect(name.encode(errors="surrogateescape"), None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)


def _wayland_answers(name: str, environment: Mapping[str, str]) -> bool:
    path = Path(environment.get("XDG_RUNTIME_DIR", "")) / name
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_TIMEOUT_S)
        probe.connect(str(path))
        return True
    return False

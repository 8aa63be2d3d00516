"""Exceptions on their way from a worker process to the one that started it."""

from __future__ import annotations

import pickle
import traceback

from sounddesk.domain.errors import FaultError
from sounddesk.domain.errors import SounddeskError


def portable_error(error: Exception) -> Exception:
    """The exception itself where pickle can carry it there and back, else one with its message.

    What nobody foresaw takes its traceback along as a note, because pickle leaves tracebacks behind.
    """
    if not isinstance(error, SounddeskError):
        error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        arrived = pickle.loads(pickle.dumps(error))  # what was pickled right here
    # Pickling runs the methods of any class.
    except Exception:  # noqa: BLE001
        arrived = None
    if type(arrived) is type(error) and str(arrived) == str(error):
        return error
    stand_in = FaultError(f"{type(error).__name__}: {error}")
    for note in getattr(error, "__notes__", ()):
        stand_in.add_note(note)
    return stand_in

"""Puts the add-on for graphics cards, where one is installed, before the torch that the app brings.

The first thing of all, since torch must not be imported yet. Whatever is wrong with it, the app starts with its own.
"""

from __future__ import annotations

import sys

from sounddesk.storage.addon_record import record_path


def _use_addon() -> None:
    from sounddesk.engine.torch_addon import use_addon

    state = use_addon()
    if state is not None and state.problem:
        _tell(state.problem)


def _tell(problem: str) -> None:
    # A program of Windows without a console has no stderr; the window tells it, too.
    if sys.stderr is not None:
        print(f"computing on the processor: {problem}", file=sys.stderr)


if record_path().is_file():
    try:
        _use_addon()
    except Exception as error:  # noqa: BLE001  # an app that does not start could not say what is wrong
        _tell(f"the add-on cannot be used ({error})")

"""Exit codes of every subcommand; the README's table repeats them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAULT = 1  # a fault of sounddesk itself; also `doctor` when rendering cannot work here
    BAD_INPUT = 2  # the message names the value and the remedy
    ENGINE_FAILED = 3  # the input was good, the engine could not finish (memory, damaged bundle)
    SOME_FAILED = 4  # `batch`: frames or sounds are missing, the others are there; the manifest says why
    CANCELLED = 130  # Ctrl-C, or asked to end by the system


class BadInputError(Exception):
    """What the user gave cannot be used; the message names the value and the remedy."""

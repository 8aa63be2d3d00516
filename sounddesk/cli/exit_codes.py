"""Exit codes of every subcommand; the README's table repeats them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import OutputError


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAULT = 1  # a fault of sounddesk itself; also `doctor` when rendering cannot work here
    BAD_INPUT = 2  # the message names the value and the remedy
    ENGINE_FAILED = 3  # the input was good, the engine could not finish (memory, damaged bundle)
    SOME_FAILED = 4  # `batch`: frames or sounds are missing, the others are there; the manifest says why
    CANCELLED = 130  # Ctrl-C, or asked to end by the system


# The first that fits: an image file that cannot be read is the engine's error and bad input, and ends as bad input.
EXIT_CODES: Final[dict[type[BaseException], ExitCode]] = {
    Cancelled: ExitCode.CANCELLED,
    KeyboardInterrupt: ExitCode.CANCELLED,
    BadInputError: ExitCode.BAD_INPUT,
    OutputError: ExitCode.BAD_INPUT,
    EngineError: ExitCode.ENGINE_FAILED,
    MemoryError: ExitCode.ENGINE_FAILED,
}


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code of a command that ends with `error`; FAULT for all that nobody foresaw."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), ExitCode.FAULT)

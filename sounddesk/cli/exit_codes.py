"""Exit codes of every subcommand: the help text and the table in the README are made from them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import FaultError
from sounddesk.domain.errors import OutputError


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAULT = 1
    BAD_INPUT = 2
    ENGINE_FAILED = 3
    SOME_FAILED = 4
    CANCELLED = 130

    @property
    def meaning(self) -> str:
        """For the help text and the README."""
        return _MEANINGS[self]


_MEANINGS: Final[dict[ExitCode, str]] = {
    ExitCode.OK: "done",
    ExitCode.FAULT: "a fault of sounddesk (please report it); from `doctor`: rendering cannot work here",
    ExitCode.BAD_INPUT: "the input cannot be used; the message names the value and the remedy",
    ExitCode.ENGINE_FAILED: (
        "the engine could not finish, for example for lack of memory, on a full disk or because a bundle is damaged"
    ),
    ExitCode.SOME_FAILED: (
        "from `batch`: some frames or sounds are missing, the others are there; the manifest says why"
    ),
    ExitCode.CANCELLED: "cancelled by Ctrl-C or a signal",
}


# The first that fits: an image file that cannot be read is the engine's error and bad input, and ends as bad input.
EXIT_CODES: Final[dict[type[BaseException], ExitCode]] = {
    Cancelled: ExitCode.CANCELLED,
    KeyboardInterrupt: ExitCode.CANCELLED,
    DiskFullError: ExitCode.ENGINE_FAILED,
    BadInputError: ExitCode.BAD_INPUT,
    OutputError: ExitCode.BAD_INPUT,
    EngineError: ExitCode.ENGINE_FAILED,
    MemoryError: ExitCode.ENGINE_FAILED,
    FaultError: ExitCode.FAULT,
}


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code of a command that ends with `error`; FAULT for all that nobody foresaw."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), ExitCode.FAULT)


def exit_code_table() -> str:
    """The exit codes as a Markdown table, as the README has it."""
    rows = [f"| {int(code)} | {code.meaning} |" for code in ExitCode]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows]) + "\n"

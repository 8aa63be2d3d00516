"""The root of all exceptions of sounddesk, and the kinds that decide how a command ends.

Every exception class of the package derives from `SounddeskError` through one of the kinds below; `cli.exit_codes`
gives each kind its exit code. Where callers also catch a built-in class (the `ValueError` of a setter, say), the
exception class derives from both.
"""

from __future__ import annotations

from typing import Any
from typing import Final

_MAX_SHOWN: Final = 4000


class SounddeskError(Exception):
    """Something that the user is told in one sentence.

    All can be pickled, whatever their constructors ask for, so that a worker process can hand them to its parent.

    Attributes:
        message: what is wrong, with the value that is at fault.
        remedy: what to do about it; empty where the message says it already.

    Example:
        >>> str(SounddeskError("seconds is 900", remedy="choose at most 600"))
        'seconds is 900: choose at most 600'
    """

    def __init__(self, message: str = "", *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.message}: {self.remedy}" if self.remedy else self.message
        # Values out of other people's files stand in messages; what is wrong stands before them, the remedy after.
        return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN // 2]} ... {text[-_MAX_SHOWN // 2 :]}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args), self.__dict__


def _restored(cls: type[SounddeskError], args: tuple[Any, ...]) -> SounddeskError:
    """Without the constructor, whose arguments are a subclass's own; pickle then restores the attributes."""
    return cls.__new__(cls, *args)


class BadInputError(SounddeskError):
    """What the user gave cannot be used."""


class OutputError(SounddeskError):
    """Something could not be written; the message names the path."""


class DiskFullError(OutputError):
    """There is no room left for it: on the disk, in the user's quota, or under a limit on the size of files."""


class EngineError(SounddeskError):
    """The input was good, but the engine could not finish: memory, a damaged bundle, a broken download."""


class MissingPackageError(BadInputError):
    """An optional package is not installed; the remedy is the command that installs it."""


class FaultError(SounddeskError):
    """A fault of sounddesk itself, told in one sentence."""


class Cancelled(SounddeskError):  # noqa: N818  # a normal ending, not an error
    """Raised inside long work after its `CancelToken` was cancelled; catch it before `SounddeskError`."""

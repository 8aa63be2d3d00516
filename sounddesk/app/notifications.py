"""What the user is told: any part of the window notifies, the window shows.

Example:
    >>> told = []
    >>> connection = notifier.noticed.connect(told.append)
    >>> notifier.info("3 files are in /tmp/out", button=NoticeButton(text="Show", press=lambda: None))
    >>> notifier.error("The project cannot be saved.", cause="The disk is full.", remedy="Free some space.")
    >>> for notice in told:
    ...     print(notice.level, notice.line)
    info 3 files are in /tmp/out
    error The project cannot be saved. The disk is full. Free some space.
    >>> notifier.noticed.disconnect(connection)
    True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.domain.errors import SounddeskError

_ENDS: Final = (".", "!", "?", "…")


class Level(StrEnum):
    """How much a notice matters.

    INFO: something was done. WARNING: what was asked for was not done, or not quite. ERROR: something failed that the
    user has to know about before going on.
    """

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class NoticeButton:
    """What can be done about a notice, at one press.

    Attributes:
        text: a verb, as on any button.
        press: called in the UI thread.
    """

    text: str
    press: Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that the user is told. All of it is plain text, whoever named the files and objects in it.

    Attributes:
        title: what happened, as a sentence.
        cause: why, where it is known.
        remedy: what to do about it.
        button: does it.
    """

    level: Level
    title: str
    cause: str = ""
    remedy: str = ""
    button: NoticeButton | None = None

    @property
    def line(self) -> str:
        """All of it in one line: what an exception says has no full stop, and what follows explains it.

        What was done may end with a folder's name, to which nothing is added; what was not done ends as a sentence.
        """
        line = ""
        for part in (self.title, self.cause, self.remedy):
            if not line or not part:
                line += part
            else:
                line += f" {as_sentence(part)}" if line.endswith(_ENDS) else f": {part}"
        return line if self.level is Level.INFO else with_full_stop(line)


class Notifier(QObject):
    """Hands notices to whoever shows them, from any thread.

    Signals:
        noticed(Notice).
    """

    noticed = Signal(object)

    def info(self, title: str, *, button: NoticeButton | None = None) -> None:
        """Say that something was done."""
        self.noticed.emit(Notice(level=Level.INFO, title=title, button=button))

    def warning(self, title: str, *, cause: str = "", remedy: str = "", button: NoticeButton | None = None) -> None:
        """Say that something was not done, or not quite, and what to do about it."""
        self.noticed.emit(Notice(level=Level.WARNING, title=title, cause=cause, remedy=remedy, button=button))

    def error(self, title: str, *, cause: str = "", remedy: str = "", button: NoticeButton | None = None) -> None:
        """Say that something failed."""
        self.noticed.emit(Notice(level=Level.ERROR, title=title, cause=cause, remedy=remedy, button=button))

    def failed(
        self, error: Exception, *, title: str = "", level: Level = Level.ERROR, button: NoticeButton | None = None
    ) -> None:
        """Say what an exception says; `title` tells what was tried, and the exception is its cause then."""
        message = error.message if isinstance(error, SounddeskError) else str(error)
        remedy = error.remedy if isinstance(error, SounddeskError) else ""
        message = message or type(error).__name__
        cause = message if title else ""
        self.noticed.emit(Notice(level=level, title=title or message, cause=cause, remedy=remedy, button=button))

    def refused(self, error: Exception, *, title: str = "") -> None:
        """Say, as a warning, why what was asked for was not done; otherwise as `failed`."""
        self.failed(error, title=title, level=Level.WARNING)


def with_full_stop(text: str) -> str:
    """As a sentence ends."""
    return text if not text or text.endswith(_ENDS) else f"{text}."


def as_sentence(text: str) -> str:
    """As a sentence begins: what an exception says also stands behind a colon, in other places."""
    return text[:1].upper() + text[1:]


# One for the process: what is told is told to the one person before the screen.
notifier: Final = Notifier()

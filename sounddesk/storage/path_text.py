"""Paths that somebody typed or a file names, and the user's own folder, where the system may know neither."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

from sounddesk.domain.errors import BadInputError

# As the usual file systems have them; beyond these even a question whether a file exists fails.
_MOST_BYTES: Final = 4_000
_MOST_BYTES_OF_A_NAME: Final = 255
_NOWHERE: Final = Path(os.devnull) / "there is no home folder, set HOME" / "sounddesk"


class PathError(BadInputError, ValueError):
    """A text that is no path; the message shows the beginning of it."""


def path_of(text: str) -> Path:
    """The path that `text` means, with `~` and `~user` at its beginning as that user's home.

    Raises:
        PathError: it is empty, too long, holds a NUL, or names a user that is not known here.
    """
    check_path(text)
    if not text:
        raise PathError("the path is empty", remedy="name a file or folder")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        user = text.partition("/")[0]
        raise PathError(f"the home folder {user[:80]!r} is not known here", remedy="write the whole path") from None


def check_path(text: str) -> None:
    """Raises: PathError, for a text that no file system takes."""
    shown = repr(text if len(text) <= 60 else f"{text[:57]}...")
    if "\0" in text:
        raise PathError(f"the path {shown} holds a NUL character", remedy="remove it")
    try:
        data = os.fsencode(text)
    except UnicodeEncodeError:
        raise PathError(f"the path {shown} holds half a character", remedy="write it as UTF-8") from None
    if len(data) > _MOST_BYTES or any(len(part) > _MOST_BYTES_OF_A_NAME for part in data.split(b"/")):
        raise PathError(f"the path {shown} is too long", remedy="choose shorter names")


def user_data_folder() -> Path:
    """The user's folder for sounddesk's own data; where there is no home, one in which nothing is found or made."""
    return _or_nowhere(platformdirs.user_data_path)


def user_state_folder() -> Path:
    """The user's folder for logs and queues; as `user_data_folder`."""
    return _or_nowhere(platformdirs.user_state_path)


def _or_nowhere(find: Callable[..., Path]) -> Path:
    try:
        folder = find("sounddesk", appauthor=False)
    # Without HOME and an entry among the users, as in a container.
    except RuntimeError:
        return _NOWHERE
    # Older versions leave the '~', which would become a folder of that name here.
    return folder if folder.is_absolute() and "~" not in folder.parts else _NOWHERE


def home_folder() -> Path:
    """Where dialogs begin: the user's home, or the current folder where there is none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path.cwd()

"""Folders that a measurement writes into again: its own, and nobody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError

LOCK_NAME: Final = ".lock"


def check_report_folder(folder: Path, *, marker: str) -> None:
    """Refuse a folder that holds other things than an earlier run's.

    Args:
        marker: name of a file or folder that every run leaves there.

    Raises:
        BadInputError: a file, or a folder with other files and without the marker.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"{folder} is a file: choose a folder")
    if folder.is_dir() and not (folder / marker).exists() and any(each.name != LOCK_NAME for each in folder.iterdir()):
        raise BadInputError(f"{folder} holds other files: name an empty folder, or one of an earlier run")

"""Folders that a measurement writes into again: its own, and nobody else's."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json

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


def keep_settings(path: Path, facts: Mapping[str, Any], *, as_before: Mapping[str, Any] | None = None) -> None:
    """Keep what a folder's sounds were made with, or refuse to add sounds of other settings.

    Args:
        path: of the file in that folder.
        facts: as JSON.
        as_before: how an earlier version of sounddesk wrote the same settings.

    Raises:
        BadInputError: the file says otherwise, or cannot be read.
        OutputError: it cannot be written.
    """
    if path.is_file():
        try:
            before = read_json(path)
        except (OSError, FieldError) as error:
            raise BadInputError(f"{path} cannot be read ({error}): name an empty folder") from error
        if before not in (facts, as_before):
            raise BadInputError(f"{path.parent} holds sounds of other settings ({path.name}): name another folder")
    else:
        write_file(path, (json.dumps(facts, indent=1) + "\n").encode())


def told_folder(folder: Path) -> str:
    """Which folder of hers it was, without saying where: what is written beside sounds may be handed on with them."""
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
    return f"{folder.name} ({digest[:12]})"

"""Where recordings lay that this user made takes of: by their hash, on this computer alone.

A project names a recording by its file's name and its hash, since a project is handed on and folders are not.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import SounddeskError
from sounddesk.domain.limits import Sha256
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.path_text import user_state_folder
from sounddesk.storage.text_formats import read_json

_FILE: Final = "recordings.json"
_MOST: Final = 5000


@dataclass(frozen=True, kw_only=True)
class RememberedFile:
    """A file as it was when it was used."""

    path: Path
    size: int
    mtime_ns: int


def remember_recording(sha256: str, path: Path) -> None:
    """Note where a recording lies. Where that cannot be written, only the library knows it."""
    with contextlib.suppress(SounddeskError, OSError, UnicodeError):
        found = path.stat()
        file = RememberedFile(path=path.absolute(), size=found.st_size, mtime_ns=found.st_mtime_ns)
        known = remembered_recordings()
        if known.pop(sha256, None) == file:
            return
        target = user_state_folder() / _FILE
        target.parent.mkdir(parents=True, exist_ok=True)
        newest = dict([*known.items(), (sha256, file)][-_MOST:])
        write_file(target, json.dumps({key: encode(each) for key, each in newest.items()}).encode())


def remembered_recordings() -> dict[str, RememberedFile]:
    """Files by the hash that they had, the newest last; what cannot be read counts as nothing."""
    try:
        return decode(dict[Sha256, RememberedFile], read_json(user_state_folder() / _FILE))
    except (SounddeskError, OSError, ValueError):
        return {}

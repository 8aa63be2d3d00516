"""Finds a text in files, whatever they pack it into: a private path that was written down somewhere."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path


def files_that_say(secret: str, folder: Path) -> list[str]:
    """Files below a folder in whose name or bytes (UTF-8 or UTF-16, also inside of zip files) a text stands."""
    needles = (secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be"))
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if secret in str(path.relative_to(folder))
        or (path.is_file() and any(needle in data for data in _contents(path) for needle in needles))
    ]


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)

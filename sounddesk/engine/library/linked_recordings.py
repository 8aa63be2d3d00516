"""Finds the recordings that a project's takes are made of: beside the project, where they were used, in the library."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sounddesk.engine.library.remembered_recordings import RememberedFile
from sounddesk.engine.library.remembered_recordings import remembered_recordings
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.verified_files import hash_file
from sounddesk.engine.verified_files import safe_relative_path
from sounddesk.storage.closing import Closing
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library_schema import LibraryError

# A project comes from anybody, and file systems take no longer names.
_MOST_BYTES: Final = 200
COLLECTED_FOLDER: Final = "recordings"
"""Beside a collected project."""


class RecordingFinder(Closing):
    """Finds recordings by their hash. What a project says leads nowhere but into its own folder.

    Args:
        folder: of the project; None for one without a file.
        library_path: of the index, where there is one.
        cancel: looked at while files are hashed; then `find` and `lost` raise Cancelled.
    """

    def __init__(self, *, folder: Path | None, library_path: Path, cancel: CancelToken | None = None) -> None:
        self._folder = folder
        self._cancel = cancel or CancelToken()
        self._remembered = remembered_recordings()
        self._library: Library | None = None
        if library_path.is_file():
            with contextlib.suppress(LibraryError):
                self._library = Library(library_path)

    def close(self) -> None:
        if self._library is not None:
            self._library.close()

    def find(self, sha256: str, name: str) -> Path | None:
        """A file of this content; None where there is none, or none that is as it was."""
        return next((path for path, known in self._places(sha256, name) if self._is_same(path, sha256, known)), None)

    def lost(self, names: Mapping[str, str], *, embedded: Container[str] = frozenset()) -> list[str]:
        """A line for each recording that is gone, or was changed.

        Args:
            names: file names by hash, as `names_of_recordings` gives them.
            embedded: hashes of those that the project itself holds.
        """
        return [
            self._said_of(sha256, name)
            for sha256, name in names.items()
            if sha256 not in embedded and self.find(sha256, name) is None
        ]

    def _places(self, sha256: str, name: str) -> Iterator[tuple[Path, RememberedFile | None]]:
        if self._folder is not None:
            yield from ((each, None) for each in places_beside(self._folder / COLLECTED_FOLDER, sha256, name))
        if (known := self._remembered.get(sha256)) is not None:
            yield known.path, known
        if (found := self._in_library(sha256)) is not None:
            yield found.path, found

    def _in_library(self, sha256: str) -> RememberedFile | None:
        # A damaged index is told where the library itself is used, and keeps no project from being saved.
        with contextlib.suppress(LibraryError):
            if self._library is not None and (found := self._library.file_with_content(sha256)) is not None:
                path, size, mtime_ns = found
                return RememberedFile(path=path, size=size, mtime_ns=mtime_ns)
        return None

    def _is_same(self, path: Path, sha256: str, known: RememberedFile | None) -> bool:
        try:
            found = path.stat()
            if known is not None and (found.st_size, found.st_mtime_ns) == (known.size, known.mtime_ns):
                return True
            if known is not None and found.st_size != known.size:
                return False
            return hash_file(path, on_bytes=lambda _: self._cancel.raise_if_cancelled()).sha256 == sha256
        except (OSError, ValueError):
            # No path at all, in an index that somebody else wrote.
            return False

    def _said_of(self, sha256: str, name: str) -> str:
        there = [path for path, _ in self._places(sha256, name)]
        changed = next((path for path in there if path.exists()), None)
        if changed is not None:
            return f"{changed} was changed"
        known = [path for path, was in self._places(sha256, name) if was is not None]
        return f"{known[0]} is not there" if known else f"{name} is not on this computer"


def places_beside(folder: Path, sha256: str, name: str) -> list[Path]:
    """Where in `folder` a recording of this name may be; the second is for another one of the same name."""
    usable = safe_relative_path(name) and "/" not in name and len(name.encode(errors="replace")) <= _MOST_BYTES
    plain = [folder / name] if usable else []
    return [*plain, folder / (sha256[:12] if sha256.isalnum() else "recording")]

"""Which exports on save this machine's user has allowed, and which files they wrote.

A project may come from anybody, so what it asks for happens only where the user has said so on this machine, and only
files that such an export wrote here, and nobody changed since, are replaced by it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sounddesk.app.settings import Settings

_MOST_KEPT: Final = 50

# Size in bytes and time of the last change in ns.
_Stamp = tuple[int, int]


class ExportsOnSave:
    """Kept in the application's settings by the project's text for the export (`ProjectSettings.export_on_save`).

    Safe to ask and tell from any thread, but for `allow` and `keep`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guard = threading.Lock()
        self._files: dict[str, dict[str, _Stamp]] = dict(settings.exports_on_save)

    def is_allowed(self, text: str) -> bool:
        """Whether the user has asked for this export here, or has allowed it."""
        with self._guard:
            return text in self._files

    def allow(self, text: str) -> None:
        """From now on every save of a project with this text exports."""
        with self._guard:
            # The newest last; what was not asked for in a long time is asked about again.
            self._files[text] = self._files.pop(text, {})
        self.keep()

    def wrote(self, text: str, files: Iterable[Path]) -> None:
        """The export has just written these files."""
        found = {}
        for path in files:
            stamp = _stamp(path)
            if stamp is not None:
                found[str(path)] = stamp
        with self._guard:
            self._files.setdefault(text, {}).update(found)

    def may_replace(self, text: str, path: Path) -> bool:
        """Whether the file was written by this export, and is as it was then."""
        with self._guard:
            stamp = self._files.get(text, {}).get(str(path))
        return stamp is not None and stamp == _stamp(path)

    def keep(self) -> None:
        """Store in the settings."""
        with self._guard:
            newest = list(self._files)[-_MOST_KEPT:]
            self._files = {text: self._files[text] for text in newest}
            self._settings.exports_on_save = self._files


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns

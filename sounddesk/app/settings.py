"""What the user has set, as typed attributes over `QSettings`. Anything unreadable falls back to its default."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Final
from typing import Generic
from typing import TypeVar
from typing import overload

from PySide6.QtCore import QByteArray
from PySide6.QtCore import QObject
from PySide6.QtCore import QSettings
from PySide6.QtCore import Signal

from sounddesk.audio.playback.playback import BUFFERS_S
from sounddesk.domain.timecode import TIME_UNITS
from sounddesk.storage.text_formats import parse_json

THEMES: Final = ("system", "dark", "light")
PRECISIONS: Final = ("auto", "full")
# The engine's own names; it is not imported here, because it brings torch along.
MEMORY_PLANS: Final = ("auto", "keep", "offload", "sequential")
WAV_FORMATS: Final = ("PCM_16", "PCM_24", "FLOAT")
MAX_RECENT: Final = 12


Value = TypeVar("Value")
Word = TypeVar("Word", bound=str)


class Setting(Generic[Value]):
    """One setting, declared once: its key is the attribute's name.

    What is stored and cannot be read, or is out of range, counts as the default; what is set and out of range is
    refused or clipped, so that it is never stored.
    """

    def __init__(
        self, default: Value, *, read: Callable[[Any], Value | None], write: Callable[[str, Value], Any]
    ) -> None:
        """`read` gives None for what cannot be used; `write` is given the key too, for its message."""
        self.default = default
        self._read = read
        self._write = write

    def __set_name__(self, _owner: type[object], name: str) -> None:
        self.key = name

    @overload
    def __get__(self, settings: None, owner: type[object]) -> Setting[Value]: ...
    @overload
    def __get__(self, settings: Settings, owner: type[object]) -> Value: ...
    def __get__(self, settings: Settings | None, owner: type[object]) -> Setting[Value] | Value:
        if settings is None:
            return self
        stored = settings.stored(self.key)
        found = None if stored is None else self._read(stored)
        return self.default if found is None else found

    def __set__(self, settings: Settings, value: Value) -> None:
        settings.store(self.key, self._write(self.key, value))


def _choice(*choices: Word, default: Word | None = None) -> Setting[Word]:
    """One of some words. Setting another one raises ValueError."""

    def write(key: str, value: Word) -> Word:
        if value not in choices:
            raise ValueError(f"{key} is {value!r}: choose one of {', '.join(choices)}")
        return value

    return Setting(default or choices[0], read=lambda stored: stored if stored in choices else None, write=write)


def _text(default: str = "") -> Setting[str]:
    """Any words; none at all count as the default."""

    def read(stored: Any) -> str | None:
        return stored if isinstance(stored, str) and stored else None

    return Setting(default, read=read, write=lambda _key, value: value)


def _whole(default: int, *, low: int, high: int) -> Setting[int]:
    """A whole number from `low` to `high`."""

    def read(stored: Any) -> int | None:
        try:
            value = int(stored)
        except (TypeError, ValueError, OverflowError):
            return None
        return value if low <= value <= high else None

    return Setting(default, read=read, write=lambda _key, value: min(max(int(value), low), high))


def _switch(default: bool) -> Setting[bool]:
    """On or off."""
    words = {"true": True, "false": False, True: True, False: False}

    def read(stored: Any) -> bool | None:
        return words.get(stored) if isinstance(stored, str | bool) else None

    return Setting(default, read=read, write=lambda _key, value: bool(value))


def _path() -> Setting[Path | None]:
    """A file or folder, or none."""

    def read(stored: Any) -> Path | None:
        return Path(stored) if isinstance(stored, str) and stored else None

    return Setting(None, read=read, write=lambda _key, value: "" if value is None else str(value))


def _bytes() -> Setting[QByteArray]:
    """Bytes in Qt's own format."""

    def read(stored: Any) -> QByteArray | None:
        return stored if isinstance(stored, QByteArray) else None

    return Setting(QByteArray(), read=read, write=lambda _key, value: value)


def _mapping(keep: Callable[[dict[str, Any]], dict[str, Value]]) -> Setting[Mapping[str, Value]]:
    """A JSON object with names for keys; `keep` takes what can be used of it."""

    def read(stored: Any) -> Mapping[str, Value] | None:
        found = _from_json(stored)
        return keep(found) if isinstance(found, dict) else None

    return Setting(
        {}, read=read, write=lambda _key, value: json.dumps({name: _plain(each) for name, each in value.items()})
    )


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    # A name that is too long for a file.
    except (OSError, ValueError):
        return False


def _from_json(stored: Any) -> Any:
    try:
        return parse_json(stored) if isinstance(stored, str) and stored else None
    except (ValueError, RecursionError):
        return None


class Settings(QObject):
    """Settings of the application, typed. Attributes read and write through.

    Signals:
        changed(name): the attribute `name` has another value.
    """

    changed = Signal(str)

    # The look.
    theme = _choice(*THEMES)
    window_geometry = _bytes()
    window_state = _bytes()
    # What the ruler counts in, and whether clips show spectrograms.
    ruler_unit = _choice(*TIME_UNITS)
    spectrograms = _switch(False)
    # Loop ranges by project file: start and end in seconds, and whether it is repeated.
    loop_ranges = _mapping(lambda found: {name: each for name, each in found.items() if isinstance(each, list)})
    # How much masks cover the image, in per cent; 0 for their outlines alone.
    mask_opacity = _whole(100, low=0, high=100)
    # Rebound shortcuts by command id; empty text for none.
    shortcuts = _mapping(lambda found: {name: str(keys) for name, keys in found.items()})

    # The engine. Device: 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'.
    device = _text("auto")
    # 'auto' for the quickest of the device, or 'full' for float32.
    precision = _choice(*PRECISIONS)
    # Where networks are between their uses: 'auto', or one of the engine's memory plans.
    memory = _choice(*MEMORY_PLANS)
    # Name or folder of the bundle of new projects.
    bundle = _text("starter")
    # Whether a new take takes the place of the one in use.
    use_new_takes = _switch(False)
    # The SAM checkpoint to select with; None looks for an installed one.
    sam_checkpoint = _path()

    # Whether objects get the names of what they are recognised as.
    name_objects = _switch(default=True)

    # Sound and files. Name of the output; empty for the system's default.
    audio_device = _text()
    # Whether stopping puts the playhead back to where playing began.
    return_on_stop = _switch(False)
    # How much sound the output has in its buffer: a large one does not break off, a small one answers at once.
    audio_buffer = _choice(*BUFFERS_S, default="normal")
    # How often a project that has a file is saved into it; 0 for never. The recovery copy is kept anyway.
    autosave_minutes = _whole(0, low=0, high=120)
    export_format = _choice(*WAV_FORMATS, default="PCM_24")
    export_rate_hz = _whole(48_000, low=8_000, high=192_000)
    # Where the last export went.
    export_folder = _path()
    # Settings of the last export, as `ExportSettings.to_json` gives them.
    last_export = _mapping(lambda found: found)
    # The user's own export presets by name, likewise.
    export_presets = _mapping(lambda found: {name: each for name, each in found.items() if isinstance(each, dict)})
    # Exports on save that the user has allowed on this machine, with the files that each wrote (`ExportsOnSave`).
    exports_on_save = _mapping(lambda found: {name: each for name, each in found.items() if isinstance(each, dict)})
    # What the last batch was asked for, as `BatchRequest.to_json` gives it.
    last_batch = _mapping(lambda found: found)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = QSettings()

    @property
    def recent_files(self) -> tuple[Path, ...]:
        """Images and projects, newest first, without those that are gone."""
        found = _from_json(self.stored("recent_files"))
        paths = [Path(str(each)) for each in found] if isinstance(found, list) else []
        return tuple(path for path in paths if _exists(path))

    def add_recent_file(self, path: Path) -> None:
        """Put `path` first."""
        path = path.absolute()
        kept = [str(path), *(str(each) for each in self.recent_files if each != path)]
        self.store("recent_files", json.dumps(kept[:MAX_RECENT]))

    def clear_recent_files(self) -> None:
        self.store("recent_files", "[]")

    def sync(self) -> None:
        """Write to the disk now."""
        self._store.sync()

    def stored(self, key: str) -> Any:
        """What is kept under a key, as it was stored; None for nothing."""
        try:
            return self._store.value(key)
        # A damaged file may name a type of Qt's that Python has none for.
        except RuntimeError:
            return None

    def store(self, key: str, value: Any) -> None:
        """Keep a value that `QSettings` can hold, and say so where it is another one."""
        if self.stored(key) != value:
            self._store.setValue(key, value)
            self.changed.emit(key)

"""What the user has set, as typed attributes over `QSettings`. Anything unreadable falls back to its default."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QSettings
from PySide6.QtCore import Signal

from sounddesk.app.setting import Setting
from sounddesk.app.setting import by_name
from sounddesk.app.setting import choice
from sounddesk.app.setting import file_path
from sounddesk.app.setting import list_of
from sounddesk.app.setting import qt_bytes
from sounddesk.app.setting import switch
from sounddesk.app.setting import text
from sounddesk.app.setting import value_of
from sounddesk.app.setting import whole
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.playback.playback import BUFFERS_S
from sounddesk.domain.timecode import TIME_UNITS
from sounddesk.storage.text_formats import FieldError

THEMES: Final = ("system", "dark", "light")
PRECISIONS: Final = ("auto", "full")
# The engine's own names; it is not imported here, because it brings torch along.
MEMORY_PLANS: Final = ("auto", "keep", "offload", "sequential")
WAV_FORMATS: Final = ("PCM_16", "PCM_24", "FLOAT")
MAX_RECENT: Final = 12


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    # A name that is too long for a file.
    except (OSError, ValueError):
        return False


class Settings(QObject):
    """Settings of the application, typed. Attributes read and write through.

    Signals:
        changed(name): the attribute `name` has another value.
    """

    changed = Signal(str)

    # The look.
    theme = choice(*THEMES)
    window_geometry = qt_bytes()
    window_state = qt_bytes()
    # What the ruler counts in, and whether clips show spectrograms.
    ruler_unit = choice(*TIME_UNITS)
    spectrograms = switch(False)
    # Loop ranges by project file: start and end in seconds, and whether it is repeated.
    loop_ranges = by_name(tuple[float, float, bool])
    # How much masks cover the image, in per cent; 0 for their outlines alone.
    mask_opacity = whole(100, low=0, high=100)
    # Rebound shortcuts by command id; empty text for none.
    shortcuts = by_name(str)

    # The engine. Device: 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'.
    device = text("auto")
    # 'auto' for the quickest of the device, or 'full' for float32.
    precision = choice(*PRECISIONS)
    # Where networks are between their uses: 'auto', or one of the engine's memory plans.
    memory = choice(*MEMORY_PLANS)
    # Name or folder of the bundle of new projects.
    bundle = text("starter")
    # Whether a new take takes the place of the one in use.
    use_new_takes = switch(False)
    # The SAM checkpoint to select with; None looks for an installed one.
    sam_checkpoint = file_path()

    # Whether objects get the names of what they are recognised as.
    name_objects = switch(default=True)

    # Sound and files. Name of the output; empty for the system's default.
    audio_device = text()
    # Whether stopping puts the playhead back to where playing began.
    return_on_stop = switch(False)
    # How much sound the output has in its buffer: a large one does not break off, a small one answers at once.
    audio_buffer = choice(*BUFFERS_S, default="normal")
    # How often a project that has a file is saved into it; 0 for never. The recovery copy is kept anyway.
    autosave_minutes = whole(0, low=0, high=120)
    export_format = choice(*WAV_FORMATS, default="PCM_24")
    export_rate_hz = whole(48_000, low=8_000, high=192_000)
    # Where the last export went.
    export_folder = file_path()
    last_export = value_of(ExportSettings)
    # The user's own export presets by name.
    export_presets = by_name(ExportSettings)
    # Exports on save that the user has allowed on this machine, with the files that each wrote (`ExportsOnSave`).
    exports_on_save = by_name(dict[str, tuple[int, int]])
    # What the last batch was asked for: a `BatchRequest`, encoded.
    last_batch = by_name(Any)
    # Images and projects, newest first.
    _recent_files = list_of(Path)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = QSettings()

    @property
    def recent_files(self) -> tuple[Path, ...]:
        """Images and projects, newest first, without those that are gone."""
        return tuple(path for path in self._recent_files if _exists(path))

    def add_recent_file(self, path: Path) -> None:
        """Put `path` first."""
        path = path.absolute()
        self._recent_files = (path, *(each for each in self.recent_files if each != path))[:MAX_RECENT]

    def clear_recent_files(self) -> None:
        self._recent_files = ()

    def odd_values(self) -> tuple[str, ...]:
        """What is stored and cannot be used, so that its default counts: a sentence each, with the key."""
        damaged = self._store.status() == QSettings.Status.FormatError
        found = [f"{self._store.fileName()} has lines that are no settings"] if damaged else []
        return (*found, *(problem for each in self._declared() for problem in each.found(self)[1]))

    def forget_odd_values(self) -> None:
        """Store what counts in their place. What of a damaged file Qt could read, Qt writes again."""
        for each in self._declared():
            if each.found(self)[1]:
                setattr(self, each.attribute, each.found(self)[0])

    def sync(self) -> None:
        """Write to the disk now."""
        self._store.sync()

    def stored(self, key: str) -> Any:
        """What is kept under a key, as it was stored; None for nothing.

        Raises:
            FieldError: Python has no type for it.
        """
        try:
            return self._store.value(key)
        except RuntimeError:
            raise FieldError(f"{key} is of a type that it cannot have") from None

    def store(self, key: str, value: Any) -> None:
        """Keep a value that `QSettings` can hold, and say so where it is another one."""
        try:
            if self.stored(key) == value:
                return
        except FieldError:
            pass
        self._store.setValue(key, value)
        self.changed.emit(key)

    @classmethod
    def _declared(cls) -> list[Setting[Any]]:
        return [each for each in vars(cls).values() if isinstance(each, Setting)]

"""What the user has set, as typed attributes over `QSettings`. Anything unreadable falls back to its default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Final

from PySide6.QtCore import QByteArray
from PySide6.QtCore import QObject
from PySide6.QtCore import QSettings
from PySide6.QtCore import Signal

THEMES: Final = ("system", "dark", "light")
PRECISIONS: Final = ("auto", "full")
# The engine's own names; it is not imported here, because it brings torch along.
MEMORY_PLANS: Final = ("auto", "keep", "offload", "sequential")
WAV_FORMATS: Final = ("PCM_16", "PCM_24", "FLOAT")
MAX_RECENT: Final = 12


class Settings(QObject):
    """Settings of the application. Attributes read and write through; a value out of range is never stored.

    Signals:
        changed(name): the attribute `name` has another value.
    """

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = QSettings()

    def sync(self) -> None:
        """Write to the disk now."""
        self._store.sync()

    # ------------------------------------------------------------------ look

    @property
    def theme(self) -> str:
        """'system', 'dark' or 'light'."""
        return self._choice("theme", THEMES)

    @theme.setter
    def theme(self, value: str) -> None:
        self._set_choice("theme", value, THEMES)

    @property
    def window_geometry(self) -> QByteArray:
        return self._bytes("window_geometry")

    @window_geometry.setter
    def window_geometry(self, value: QByteArray) -> None:
        self._set("window_geometry", value)

    @property
    def window_state(self) -> QByteArray:
        return self._bytes("window_state")

    @window_state.setter
    def window_state(self, value: QByteArray) -> None:
        self._set("window_state", value)

    @property
    def shortcuts(self) -> dict[str, str]:
        """Rebound shortcuts by command id; empty text for none."""
        found = self._json("shortcuts", {})
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    @shortcuts.setter
    def shortcuts(self, value: Mapping[str, str]) -> None:
        self._set("shortcuts", json.dumps(dict(value)))

    # ------------------------------------------------------------------ engine

    @property
    def device(self) -> str:
        """'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'."""
        return self._text("device", "auto") or "auto"

    @device.setter
    def device(self, value: str) -> None:
        self._set("device", value)

    @property
    def precision(self) -> str:
        """'auto' for the quickest of the device, or 'full' for float32."""
        return self._choice("precision", PRECISIONS)

    @precision.setter
    def precision(self, value: str) -> None:
        self._set_choice("precision", value, PRECISIONS)

    @property
    def memory(self) -> str:
        """Where networks are between their uses: 'auto', or one of the engine's memory plans."""
        return self._choice("memory", MEMORY_PLANS)

    @memory.setter
    def memory(self, value: str) -> None:
        self._set_choice("memory", value, MEMORY_PLANS)

    @property
    def bundle(self) -> str:
        """Name or folder of the bundle of new projects."""
        return self._text("bundle", "starter") or "starter"

    @bundle.setter
    def bundle(self, value: str) -> None:
        self._set("bundle", value)

    @property
    def sam_checkpoint(self) -> Path | None:
        """The SAM checkpoint to select with; None looks for an installed one."""
        text = self._text("sam_checkpoint", "")
        return Path(text) if text else None

    @sam_checkpoint.setter
    def sam_checkpoint(self, value: Path | None) -> None:
        self._set("sam_checkpoint", "" if value is None else str(value))

    # ------------------------------------------------------------------ sound and files

    @property
    def audio_device(self) -> str:
        """Name of the output; empty for the system's default."""
        return self._text("audio_device", "")

    @audio_device.setter
    def audio_device(self, value: str) -> None:
        self._set("audio_device", value)

    @property
    def autosave_minutes(self) -> int:
        """How often a project that has a file is saved into it; 0 for never. The recovery copy is kept anyway."""
        return self._whole("autosave_minutes", 0, low=0, high=120)

    @autosave_minutes.setter
    def autosave_minutes(self, value: int) -> None:
        self._set("autosave_minutes", min(max(int(value), 0), 120))

    @property
    def export_format(self) -> str:
        """'PCM_16', 'PCM_24' or 'FLOAT'."""
        return self._choice("export_format", WAV_FORMATS, default="PCM_24")

    @export_format.setter
    def export_format(self, value: str) -> None:
        self._set_choice("export_format", value, WAV_FORMATS)

    @property
    def export_rate_hz(self) -> int:
        return self._whole("export_rate_hz", 48_000, low=8_000, high=192_000)

    @export_rate_hz.setter
    def export_rate_hz(self, value: int) -> None:
        self._set("export_rate_hz", min(max(int(value), 8_000), 192_000))

    @property
    def export_folder(self) -> Path | None:
        """Where the last export went."""
        text = self._text("export_folder", "")
        return Path(text) if text else None

    @export_folder.setter
    def export_folder(self, value: Path | None) -> None:
        self._set("export_folder", "" if value is None else str(value))

    @property
    def last_export(self) -> dict[str, Any]:
        """Settings of the last export, as `ExportSettings.to_json` gives them."""
        found = self._json("last_export", {})
        return found if isinstance(found, dict) else {}

    @last_export.setter
    def last_export(self, value: Mapping[str, Any]) -> None:
        self._set("last_export", json.dumps(dict(value)))

    @property
    def export_presets(self) -> dict[str, dict[str, Any]]:
        """The user's own export presets by name."""
        found = self._json("export_presets", {})
        return {str(k): v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}

    @export_presets.setter
    def export_presets(self, value: Mapping[str, Mapping[str, Any]]) -> None:
        self._set("export_presets", json.dumps({name: dict(each) for name, each in value.items()}))

    @property
    def last_batch(self) -> dict[str, Any]:
        """What the last batch was asked for, as `BatchRequest.to_json` gives it."""
        found = self._json("last_batch", {})
        return found if isinstance(found, dict) else {}

    @last_batch.setter
    def last_batch(self, value: Mapping[str, Any]) -> None:
        self._set("last_batch", json.dumps(dict(value)))

    @property
    def recent_files(self) -> tuple[Path, ...]:
        """Images and projects, newest first, without those that are gone."""
        found = self._json("recent_files", [])
        paths = [Path(str(each)) for each in found] if isinstance(found, list) else []
        return tuple(path for path in paths if path.exists())

    def add_recent_file(self, path: Path) -> None:
        """Put `path` first."""
        path = path.absolute()
        kept = [str(path), *(str(each) for each in self.recent_files if each != path)]
        self._set("recent_files", json.dumps(kept[:MAX_RECENT]))

    def clear_recent_files(self) -> None:
        self._set("recent_files", "[]")

    # ------------------------------------------------------------------ reading and writing

    def _set(self, name: str, value: Any) -> None:
        if self._store.value(name) != value:
            self._store.setValue(name, value)
            self.changed.emit(name)

    def _set_choice(self, name: str, value: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            raise ValueError(f"{name} is {value!r}: choose one of {', '.join(choices)}")
        self._set(name, value)

    def _text(self, name: str, default: str) -> str:
        value = self._store.value(name, default)
        return value if isinstance(value, str) else default

    def _choice(self, name: str, choices: tuple[str, ...], *, default: str | None = None) -> str:
        value = self._text(name, "")
        return value if value in choices else (default or choices[0])

    def _whole(self, name: str, default: int, *, low: int, high: int) -> int:
        try:
            value = int(self._store.value(name, default))  # type: ignore[call-overload]
        except (TypeError, ValueError):
            return default
        return value if low <= value <= high else default

    def _json(self, name: str, default: Any) -> Any:
        try:
            return json.loads(self._text(name, "") or "null") or default
        except ValueError:
            return default

    def _bytes(self, name: str) -> QByteArray:
        value = self._store.value(name)
        return value if isinstance(value, QByteArray) else QByteArray()

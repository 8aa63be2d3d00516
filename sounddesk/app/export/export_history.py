"""What the user exported last, and presets of her own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

from sounddesk.app.settings import Settings
from sounddesk.audio.exporters.export_settings import PRESETS
from sounddesk.audio.exporters.export_settings import ExportSettings

_FORMAT_OF: Final = {"PCM_24": "wav24", "PCM_16": "wav16", "FLOAT": "wav32f"}
_PREFERENCE_OF: Final = {name: value for value, name in _FORMAT_OF.items()}


class ExportHistory:
    """Kept in the application's settings; what cannot be read there is left out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def folder(self) -> Path | None:
        """Where the last export went."""
        return self._settings.export_folder

    @property
    def last(self) -> ExportSettings:
        """As last time, with the WAV format and rate of the preferences."""
        last = self._settings.last_export or ExportSettings()
        if last.format in _PREFERENCE_OF:
            format_name = _FORMAT_OF[self._settings.export_format]
            try:
                return dataclasses.replace(last, format=format_name, sample_rate_hz=self._settings.export_rate_hz)
            except ValueError:
                return last
        return last

    def remember(self, settings: ExportSettings, folder: Path) -> None:
        """Keep what was exported. The range belongs to this export alone."""
        self._settings.export_folder = folder
        self._settings.last_export = dataclasses.replace(settings, range_s=None)
        if settings.format in _PREFERENCE_OF:
            self._settings.export_format = _PREFERENCE_OF[settings.format]
            self._settings.export_rate_hz = settings.sample_rate_hz

    def presets(self) -> dict[str, ExportSettings]:
        """Presets by name, the user's own last."""
        return {**{name: each.settings for name, each in PRESETS.items()}, **self._settings.export_presets}

    def title_of(self, name: str) -> str:
        """What a preset is called; the user's own have the names that she gave them, also where ours has that name."""
        return name if name in self._settings.export_presets else PRESETS[name].title

    def keep_preset(self, name: str, settings: ExportSettings) -> None:
        """Keep a preset of the user's own; one of the same name is replaced."""
        self._settings.export_presets = {**self._settings.export_presets, name: settings}

"""What the user left as it was: the ruler's unit and the like for all projects, the loop range for each."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QSlider

from sounddesk.app.services import Services
from sounddesk.app.timeline.timeline_panel import TimelinePanel

# Loop ranges are kept of so many projects, the newest.
MAX_LOOPS = 50


class RememberedViews(QObject):
    """Puts views back at the start and when a project is opened, and keeps them when they change."""

    def __init__(self, services: Services, timeline: TimelinePanel, opacity: QSlider, parent: QObject) -> None:
        """`opacity`: of masks."""
        super().__init__(parent)
        self._services = services
        self._settings = services.settings
        self._opening = False
        timeline.set_unit(self._settings.ruler_unit)
        opacity.setValue(self._settings.mask_opacity)
        opacity.valueChanged.connect(lambda value: setattr(self._settings, "mask_opacity", value))
        if self._settings.spectrograms:
            services.actions["timeline.spectrograms"].trigger()
        services.actions["timeline.spectrograms"].toggled.connect(
            lambda on: setattr(self._settings, "spectrograms", on)
        )
        timeline.unit_changed.connect(lambda: setattr(self._settings, "ruler_unit", timeline.unit))
        services.player.loop_changed.connect(self._keep_loop)
        services.document.replacing.connect(self._on_replacing)
        services.store.path_changed.connect(lambda _path: self._on_path())

    def _on_replacing(self) -> None:
        # The loop range goes with its project: that is no wish of the user's.
        self._opening = True

    def _on_path(self) -> None:
        path, opened, self._opening = self._services.store.path, self._opening, False
        if path is None:
            return
        if not opened:
            # Saved under this name just now.
            self._keep_loop()
            return
        if found := self._settings.loop_ranges.get(str(path)):
            start_s, end_s, is_on = found
            self._services.player.set_loop((start_s, end_s), on=is_on)

    def _keep_loop(self) -> None:
        path, player = self._services.store.path, self._services.player
        if path is None or self._opening:
            return
        kept = {name: each for name, each in self._settings.loop_ranges.items() if name != str(path)}
        if player.loop_s is not None:
            kept[str(path)] = (*player.loop_s, player.is_looping)
        self._settings.loop_ranges = dict(list(kept.items())[-MAX_LOOPS:])

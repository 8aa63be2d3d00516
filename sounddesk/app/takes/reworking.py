"""Takes made from a take: asked for in a dialog, made by the queue."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.open_once import open_once
from sounddesk.app.services import Services
from sounddesk.app.takes.rework_dialog import ReworkDialog
from sounddesk.domain.take import Take
from sounddesk.engine.generation.sound_edits import LEAST_RANGE_S


class Reworking(QObject):
    """Connects the dialog with the selected take and the generation."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window

    def ask(self, take_id: str, page: str) -> None:
        """Ask what is to be made from a take, in a way of `REWORKS`; the dialog that is open for it is used again."""
        services = self._services
        take = services.document.takes[take_id]
        mark = services.document.project.mark_of(take.id)
        name = mark.name or self.tr("take {number}").format(number=take.number)

        def make() -> ReworkDialog:
            dialog = ReworkDialog(take, name, self._window, range_s=self._looped_range(take))
            dialog.requested.connect(lambda edit, count: services.generation.rework(take, edit, count=count))
            services.document.replaced.connect(dialog.close)
            return dialog

        open_once(self._window, ReworkDialog, make, same=lambda it: it.take_id == take.id).show_page(page)

    def _looped_range(self, take: Take) -> tuple[float, float] | None:
        """The loop range of the timeline within the first clip that plays the take, in seconds of the take."""
        loop_s = self._services.player.loop_s
        clip = next((each for each in self._services.document.project.clips if each.take_id == take.id), None)
        if loop_s is None or clip is None or clip.reversed:
            return None
        start_s, end_s = (min(take.seconds, max(0.0, each - clip.start_s + clip.offset_s)) for each in loop_s)
        return (start_s, end_s) if end_s - start_s >= LEAST_RANGE_S else None

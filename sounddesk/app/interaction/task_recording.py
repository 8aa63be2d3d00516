"""Recording of tasks from the menu: begun and ended by one command, kept in the user's own log."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.interaction.task_recorder import TaskRecorder
from sounddesk.app.notifications import notifier
from sounddesk.app.services import Services
from sounddesk.domain.errors import OutputError
from sounddesk.domain.recorded_task import RecordedTask
from sounddesk.storage.task_log import append_task
from sounddesk.storage.task_log import own_task_log


class TaskRecording(QObject):
    """Asks, counts, asks again, and writes one line."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._actions = services.actions
        self.recorder = TaskRecorder(services.generate, self)
        services.actions.add(COMMANDS, owner=self)

    def switch(self, on: bool) -> None:
        """Ask for a task, or how it went; what is cancelled changes nothing."""
        if on == self.recorder.running:
            return
        if on:
            self._ask_before()
        else:
            self._ask_after()

    def close(self) -> None:
        """Keep what was counted of a task that the closing of the window breaks off."""
        if self.recorder.running:
            counted = self.recorder.counted()
            self.recorder.end()
            self._keep(counted)

    def _ask_before(self) -> None:
        from sounddesk.app.interaction.task_dialogs import TaskBeginDialog

        dialog = TaskBeginDialog(str(own_task_log()), self._window)

        def begin() -> None:
            self.recorder.begin(
                task=dialog.task.text().strip(),
                method=dialog.method.text().strip(),
                participant=dialog.participant.text().strip(),
            )

        dialog.accepted.connect(begin)
        dialog.finished.connect(self._show_state)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _ask_after(self) -> None:
        from sounddesk.app.interaction.task_dialogs import TaskEndDialog

        # Before the form is filled in, which is no part of the task.
        counted = self.recorder.counted()
        dialog = TaskEndDialog(counted, self._window)

        def keep() -> None:
            if not self.recorder.running:
                return
            self.recorder.end()
            self._keep(
                replace(
                    counted,
                    satisfaction=dialog.satisfaction.currentData(),
                    succeeded=dialog.succeeded.isChecked(),
                    comment=dialog.comment.text().strip(),
                )
            )

        dialog.discarded.connect(self.recorder.end)
        dialog.accepted.connect(keep)
        dialog.finished.connect(self._show_state)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _keep(self, task: RecordedTask) -> None:
        try:
            append_task(own_task_log(), task)
        except OutputError as error:
            notifier.failed(error)

    def _show_state(self) -> None:
        self._actions["help.task"].setChecked(self.recorder.running)


COMMANDS: Final[tuple[Command[TaskRecording], ...]] = (
    Command("help.task", "&Record a task", switch=TaskRecording.switch, menu="Help", section="task",
            tip="Count the time, generations and presses that a task takes, for a study of interaction"),
)  # fmt: skip

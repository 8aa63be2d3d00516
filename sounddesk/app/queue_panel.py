"""The queue of generations in the status bar: what runs, how long it still takes, and a button to stop it."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QProgressBar
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.elided_label import ElidedLabel
from sounddesk.app.workers.generation_queue import GenerateJob
from sounddesk.app.workers.generation_queue import GenerationQueue
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.engine.tasks import Progress


class QueuePanel(QWidget):
    """Hidden while nothing is queued."""

    def __init__(self, queue: GenerationQueue, actions: CommandRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._label = ElidedLabel(parent=self)
        self._bar = QProgressBar(self)
        self._bar.setFixedWidth(180)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the generation"))
        self._actions = actions
        actions.add(COMMANDS, owner=self)
        self._button = command_button(QPushButton, actions, "takes.cancel", self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label)
        layout.addWidget(self._bar)
        layout.addWidget(self._button)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        queue.queued.connect(lambda _ticket: self._show_queue())
        queue.finished.connect(lambda _ticket, _takes: self._show_queue())
        queue.failed.connect(lambda _ticket, _error: self._show_queue())
        queue.cancelled.connect(lambda _ticket: self._show_queue())
        queue.progressed.connect(self._show_progress)
        self._show_queue()

    @property
    def is_busy(self) -> bool:
        """Whether there is a generation to cancel."""
        return bool(self._queue.waiting)

    def cancel_all(self) -> None:
        self._queue.cancel_all()

    def cancel_first(self) -> None:
        """Cancel the generation that runs."""
        for ticket in self._queue.waiting[:1]:
            self._queue.cancel(ticket.id)
            self._label.setText(self.tr("Cancelling {title}").format(title=ticket.job.title))

    def _show_queue(self) -> None:
        waiting = self._queue.waiting
        self.setVisible(bool(waiting))
        self._actions.refresh()
        if waiting:
            more = self.tr(" (+{count} waiting)").format(count=len(waiting) - 1) if len(waiting) > 1 else ""
            self._label.setText(self.tr("Generating {title}").format(title=waiting[0].job.title) + more)
            self._bar.setRange(0, 0)

    def _show_progress(self, ticket: Ticket[GenerateJob], progress: Progress) -> None:
        self._bar.setRange(0, max(1, progress.total))
        self._bar.setValue(progress.done)
        left = progress.remaining_s
        time_left = "" if left is None else self.tr(", {seconds} s left").format(seconds=f"{left:.0f}")
        waiting = len(self._queue.waiting) - 1
        more = self.tr(" (+{count} waiting)").format(count=waiting) if waiting else ""
        self._label.setText(f"{ticket.job.title}: {self._doing(progress.stage)}{time_left}{more}")

    def _doing(self, stage: str) -> str:
        """A stage of the engine in words for who waits for it."""
        known = {
            "check bundle": self.tr("checking the model"),
            "load": self.tr("loading the model"),
            "encode image": self.tr("looking at the image"),
            "denoise": self.tr("making the sound"),
            "decode": self.tr("finishing the sound"),
        }
        return known.get(stage, stage)


COMMANDS: Final[tuple[Command[QueuePanel], ...]] = (
    Command("takes.cancel", "&Cancel generation", QueuePanel.cancel_first, menu="Takes", section="generate",
            keys="Ctrl+.", label="Cancel", enabled=lambda it: it.is_busy),
    Command("takes.cancel_all", "Cancel all ge&nerations", QueuePanel.cancel_all, menu="Takes", section="generate",
            enabled=lambda it: it.is_busy),
)  # fmt: skip

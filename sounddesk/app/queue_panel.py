"""The queue of generations in the status bar: what runs, how long it still takes, and a button to stop it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QProgressBar
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.actions import ActionRegistry
from sounddesk.app.workers.generation_queue import GenerateJob
from sounddesk.app.workers.generation_queue import GenerateLane
from sounddesk.engine.tasks import Progress


class QueuePanel(QWidget):
    """Hidden while nothing is queued."""

    def __init__(self, lane: GenerateLane, actions: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._label = QLabel(self)
        self._bar = QProgressBar(self)
        self._bar.setFixedWidth(180)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the generation"))
        cancel = actions.add(
            "takes.cancel", self.tr("Cancel generation"), self._cancel_first, shortcut="Ctrl+.", group="Takes"
        )
        actions.add("takes.cancel_all", self.tr("Cancel all generations"), lane.cancel_all, group="Takes")
        self._button = QPushButton(self.tr("Cancel"), self)
        self._button.setToolTip(cancel.text())
        self._button.clicked.connect(cancel.trigger)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label)
        layout.addWidget(self._bar)
        layout.addWidget(self._button)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        lane.queued.connect(self._on_queue)
        lane.finished.connect(lambda _job, _takes: self._on_queue(None))
        lane.failed.connect(lambda _job, _message: self._on_queue(None))
        lane.cancelled.connect(self._on_queue)
        lane.progressed.connect(self._on_progress)
        self._on_queue(None)

    def _cancel_first(self) -> None:
        for job in self._lane.waiting[:1]:
            self._lane.cancel(job.id)
            self._label.setText(self.tr("Cancelling {title}").format(title=job.title))

    def _on_queue(self, _job: GenerateJob | None) -> None:
        waiting = self._lane.waiting
        self.setVisible(bool(waiting))
        if waiting:
            more = self.tr(" (+{count} waiting)").format(count=len(waiting) - 1) if len(waiting) > 1 else ""
            self._label.setText(self.tr("Generating {title}").format(title=waiting[0].title) + more)
            self._bar.setRange(0, 0)

    def _on_progress(self, job_id: int, progress: Progress) -> None:
        job = next((each for each in self._lane.waiting if each.id == job_id), None)
        if job is None or job.cancel.cancelled:
            return
        self._bar.setRange(0, max(1, progress.total))
        self._bar.setValue(progress.done)
        left = progress.remaining_s
        time_left = "" if left is None else self.tr(", {seconds} s left").format(seconds=f"{left:.0f}")
        waiting = len(self._lane.waiting) - 1
        more = self.tr(" (+{count} waiting)").format(count=waiting) if waiting else ""
        self._label.setText(f"{job.title}: {self._doing(progress.stage)}{time_left}{more}")

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

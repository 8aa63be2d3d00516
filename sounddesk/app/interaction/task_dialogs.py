"""What is asked before a recorded task and after it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.dialogs.dialog_buttons import ok_and_cancel
from sounddesk.app.plain_text import PlainLabel
from sounddesk.domain.recorded_task import SATISFACTION_LEVELS
from sounddesk.domain.recorded_task import RecordedTask

_LONGEST: Final = 500


class TaskBeginDialog(QDialog):
    """Says what is counted and where it goes, and asks for the task."""

    def __init__(self, log: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("task_begin")
        self.setWindowTitle(self.tr("Record a task"))
        told = PlainLabel(
            self.tr(
                "From now on the time, the generations, and how many buttons and keys are pressed are counted, not "
                "which. When you end the task you rate it, and one line is added to\n{log}\nNothing is sent anywhere."
            ).format(log=log)
        )
        told.setWordWrap(True)
        self.task, self.participant, self.method = QLineEdit(), QLineEdit(), QLineEdit("sounddesk")
        form = QFormLayout()
        for label, field in (
            (self.tr("&Task"), self.task),
            (self.tr("&Participant (optional)"), self.participant),
            (self.tr("&Method"), self.method),
        ):
            field.setMaxLength(_LONGEST)
            form.addRow(label, field)
        buttons = ok_and_cancel(self)
        self._begin = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._begin.setText(self.tr("Begin"))
        for field in (self.task, self.method):
            field.textChanged.connect(self._refresh)
        layout = QVBoxLayout(self)
        layout.addWidget(told)
        layout.addLayout(form)
        layout.addWidget(buttons)
        self._refresh()

    def _refresh(self) -> None:
        self._begin.setEnabled(bool(self.task.text().strip() and self.method.text().strip()))


class TaskEndDialog(QDialog):
    """Asks how it went: the form of satisfaction. Cancel goes on with the task.

    Signals: discarded(), where nothing of the task is to be kept.
    """

    discarded = Signal()

    def __init__(self, counted: RecordedTask, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("task_end")
        self.setWindowTitle(self.tr("End the task"))
        minutes = f"{counted.seconds / 60:.1f}"
        told = PlainLabel(
            self.tr("{task}\n{minutes} min, generations: {attempts}, presses: {gestures}").format(
                task=counted.task, minutes=minutes, attempts=counted.attempts, gestures=counted.gestures
            )
        )
        told.setWordWrap(True)
        self.satisfaction = QComboBox()
        self.satisfaction.addItem(self.tr("choose"), None)
        ends = {
            1: self.tr("1 – not at all"),
            SATISFACTION_LEVELS: self.tr("{most} – completely").format(most=SATISFACTION_LEVELS),
        }
        for level in range(1, SATISFACTION_LEVELS + 1):
            self.satisfaction.addItem(ends.get(level, str(level)), level)
        self.succeeded = QCheckBox(self.tr("The &result is what the task asks for"))
        self.comment = QLineEdit()
        self.comment.setMaxLength(_LONGEST)
        form = QFormLayout()
        form.addRow(self.tr("How &satisfied are you?"), self.satisfaction)
        form.addRow("", self.succeeded)
        form.addRow(self.tr("&Comment (optional)"), self.comment)
        buttons = ok_and_cancel(self)
        self._keep = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._keep.setText(self.tr("Keep"))
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setText(self.tr("Go on"))
        discard = buttons.addButton(QDialogButtonBox.StandardButton.Discard)
        discard.clicked.connect(self._discard)
        self.satisfaction.currentIndexChanged.connect(self._refresh)
        layout = QVBoxLayout(self)
        layout.addWidget(told)
        layout.addLayout(form)
        layout.addWidget(buttons)
        self._refresh()

    def _refresh(self) -> None:
        self._keep.setEnabled(self.satisfaction.currentData() is not None)

    def _discard(self) -> None:
        self.discarded.emit()
        self.done(QDialog.DialogCode.Accepted)

"""Settings of the current object: prompts, length, seed."""

from __future__ import annotations

import secrets
from typing import Any
from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import PanelKey
from sounddesk.app.look.icons import icon
from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.look.theme import GAP
from sounddesk.app.look.theme import SMALL
from sounddesk.app.look.theme import font
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.seeds import MAX_SEED

# What is shown as 0 % is no guess.
_WORTH_TELLING: Final = 0.005
# The mnemonics of the labels below.
INSPECTOR_KEYS: Final = (
    PanelKey(panel="Object", keys="Alt+P", does="go to its prompt"),
    PanelKey(panel="Object", keys="Alt+N", does="go to its negative prompt"),
    PanelKey(panel="Object", keys="Alt+G", does="go to its length"),
)


class ObjectInspector(QWidget):
    """Every edit is one undo step that says what it did."""

    def __init__(self, document: Document, selection: SelectionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._shown: str | None = None
        form = QFormLayout(self)
        form.setContentsMargins(0, 4, 0, 0)
        self._guess = PlainLabel(parent=self)
        self._guess.setWordWrap(True)
        form.addRow(self._guess)
        self._hint = QLineEdit(self)
        self._hint.setToolTip(self.tr("Which of its sounds the object makes"))
        self._proposal = self._hint.addAction(
            icon("suggest"),
            QLineEdit.ActionPosition.TrailingPosition,
        )
        self._proposal.setToolTip(self.tr("Write the proposed prompt into the field"))
        self._proposal.triggered.connect(self._take_proposal)
        self._hint.editingFinished.connect(lambda: self._set("hint", self._hint.text(), self.tr("Prompt of {name}")))
        form.addRow(self.tr("&Prompt"), self._hint)
        self._negative = QLineEdit(self)
        self._negative.setToolTip(self.tr("What it must not sound like"))
        self._negative.setPlaceholderText(self.tr("e.g. music"))
        self._negative.editingFinished.connect(
            lambda: self._set("negative_hint", self._negative.text(), self.tr("Negative prompt of {name}"))
        )
        form.addRow(self.tr("&Negative prompt"), self._negative)
        self._length = DoubleSpinBox(self)
        self._length.setRange(0.0, 60.0)
        self._length.setDecimals(2)
        self._length.setSuffix(self.tr(" s"))
        self._length.setSpecialValueText(self.tr("as the project"))
        self._length.setKeyboardTracking(False)
        self._length.valueChanged.connect(self._set_length)
        form.addRow(self.tr("Len&gth"), self._length)
        self._seed = QLineEdit(self)
        self._seed.setAccessibleName(self.tr("Seed"))
        self._seed.editingFinished.connect(self._set_seed)
        self._lock = QToolButton(self)
        self._lock.setCheckable(True)
        self._lock.setIcon(icon("lock"))
        self._lock.setAccessibleName(self.tr("Lock the seed"))
        self._lock.setToolTip(self.tr("Lock the seed: the next take uses this very one again"))
        self._lock.clicked.connect(lambda on: self._set("seed_locked", on, self.tr("Lock seed of {name}")))
        dice = QToolButton(self)
        dice.setIcon(icon("dice"))
        dice.setAccessibleName(self.tr("New random seed"))
        dice.setToolTip(dice.accessibleName())
        dice.clicked.connect(lambda: self._set("seed", secrets.randbelow(2**31), self.tr("New seed of {name}")))
        # Across the whole width, and small: a seed has up to 19 figures.
        self._seed.setFont(font(SMALL))
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(PlainLabel(self.tr("Seed"), parent=self))
        row.addWidget(self._seed, 1)
        for button in (self._lock, dice):
            button.setProperty("compact", True)
            row.addWidget(button)
        form.addRow(row)
        document.changed.connect(lambda old, new: self.refresh() if old.objects is not new.objects else None)
        document.replaced.connect(self.refresh)
        selection.objects_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the current object's settings."""
        object_id = self._selection.current_object_id
        self.setEnabled(object_id is not None)
        if object_id is None:
            self._show_nothing()
            return
        current = self._document.project.object(object_id)
        self.setEnabled(not current.locked)
        for field, text in ((self._hint, current.hint), (self._negative, current.negative_hint)):
            # Half-typed text stays until the field is left, or another object is looked at.
            if field.text() != text and not (field.hasFocus() and field.isModified() and object_id == self._shown):
                field.setText(text)
        if self._seed.text() != str(current.seed):
            self._seed.setText(str(current.seed))
            # Of a number that is too long the end is hidden, not the beginning.
            self._seed.setCursorPosition(0)
            self._seed.setToolTip(self._seed.text())
        self._lock.setChecked(current.seed_locked)
        self._shown = object_id
        self._show_guess(current)
        self._length.blockSignals(True)
        self._length.setValue(current.seconds or 0.0)
        self._length.blockSignals(False)

    def _show_nothing(self) -> None:
        """Nothing of the object that was selected before."""
        self._shown = None
        for field in (self._hint, self._negative, self._seed):
            field.clear()
        self._seed.setToolTip("")
        self._lock.setChecked(False)
        self._guess.hide()
        self._proposal.setVisible(False)
        self._hint.setPlaceholderText(self.tr("e.g. siren"))
        self._length.blockSignals(True)
        self._length.setValue(0.0)
        self._length.blockSignals(False)

    def _show_guess(self, current: SceneObject) -> None:
        text = guess_text(current)
        self._guess.setText(text)
        self._guess.setVisible(bool(text))
        proposed = current.proposed_prompt
        self._proposal.setVisible(bool(proposed) and not current.hint)
        self._hint.setPlaceholderText(
            self.tr("{prompt} (a guess)").format(prompt=proposed) if proposed else self.tr("e.g. siren")
        )

    def _take_proposal(self) -> None:
        """The proposed prompt becomes the object's own, to be edited."""
        object_id = self._selection.current_object_id
        if object_id is not None:
            proposed = self._document.project.object(object_id).proposed_prompt
            self._set("hint", proposed, self.tr("Prompt of {name}"))
            self._hint.setFocus()

    def _set_length(self, seconds: float) -> None:
        value = None if seconds <= 0.0 else max(1.0, seconds)
        self._set("seconds", value, self.tr("Length of {name}"))

    def _set_seed(self) -> None:
        text = self._seed.text().strip()
        if text.isdecimal() and int(text) <= MAX_SEED:
            self._set("seed", int(text), self.tr("Seed of {name}"))
        else:
            self.refresh()

    def _set(self, field: str, value: Any, text: str) -> None:
        object_id = self._selection.current_object_id
        if object_id is None:
            return
        project = self._document.project
        current = project.object(object_id)
        if getattr(current, field) != value:
            self._document.commit(
                text.format(name=current.name), project.with_changed_object(object_id, **{field: value})
            )


def guess_text(found: SceneObject) -> str:
    """What an object may be and how sure that is, in a line; empty where nothing was guessed."""
    parts = []
    for index, each in enumerate(found.guesses):
        if index != found.guess and each.confidence < _WORTH_TELLING:
            continue
        parts.append(f"{each.name} {each.percent}" if index != found.guess else f"[{each.name} {each.percent}]")
    if not parts:
        return ""
    return QCoreApplication.translate("ObjectInspector", "Recognised: {guesses}. F3: the next one").format(
        guesses=", ".join(parts)
    )

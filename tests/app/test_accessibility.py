"""Everything that can be operated says what it is, to a screen reader and in words that a user reads: in the window and
in every dialog.
"""

from __future__ import annotations

from typing import Final

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractItemView
from PySide6.QtWidgets import QAbstractSpinBox
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QHeaderView
from PySide6.QtWidgets import QKeySequenceEdit
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QScrollBar
from PySide6.QtWidgets import QTabBar
from PySide6.QtWidgets import QTabWidget
from PySide6.QtWidgets import QWidget

from sounddesk.app.batch.batch_window import BatchWindow
from sounddesk.app.dialogs.recovery_dialog import RecoveryDialog
from sounddesk.app.export.export_dialog import ExportDialog
from sounddesk.app.export.export_history import ExportHistory
from sounddesk.app.main_window import MainWindow
from sounddesk.app.takes.compare_dialog import CompareDialog
from sounddesk.app.takes.rework_dialog import ReworkDialog
from tests.app.shown_texts import unfit_texts
from tests.app.takes.test_takes_panel import make_take

# What they hold (tabs, headers, what is scrolled) has names, and a label is read as its text.
_FRAMES: Final = (QScrollArea, QTabWidget, QTabBar, QScrollBar, QHeaderView, QLabel)
_COMMANDS: Final = (
    "app.preferences", "app.models", "file.project_settings", "help.manual", "help.shortcuts", "help.palette",
    "help.log", "help.about", "help.task", "file.batch",
)  # fmt: skip


@pytest.fixture
def selected(window: MainWindow) -> MainWindow:
    """The window with an object selected, so that every field shows something."""
    window.services.selection.select_objects([window.services.document.project.objects[0].id])
    return window


def part_of_another(widget: QWidget) -> bool:
    """The field in a spin box and the list under a combo box are read as parts of these."""
    parent = widget.parentWidget()
    if isinstance(widget, QLineEdit) and isinstance(parent, QAbstractSpinBox | QComboBox | QKeySequenceEdit):
        return True
    above = parent.parentWidget() if parent is not None else None
    return isinstance(widget, QAbstractItemView) and isinstance(above, QComboBox)


def nameless(root: QWidget) -> list[str]:
    """Widgets below `root` that take the focus and have no name, each with its parents."""
    found = []
    for widget in root.findChildren(QWidget):
        if widget.focusPolicy() == Qt.FocusPolicy.NoFocus or isinstance(widget, _FRAMES) or part_of_another(widget):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if not interface.text(QAccessible.Text.Name).strip():
            path, each = [], widget
            while each is not None and each is not root:
                path.append(type(each).__name__)
                each = each.parentWidget()
            found.append(" in ".join(path))
    return found


def test_everything_in_the_window_has_a_name(selected: MainWindow) -> None:
    window = selected
    assert len(window.findChildren(QWidget)) > 100
    assert nameless(window) == []
    take = make_take(window.services.document, window.services.document.project.objects[0].id)
    window.services.selection.select_take(take.id)
    assert unfit_texts(window) == []


def test_what_no_user_should_read_is_found(qapp: QApplication) -> None:
    unfit = ("bundle da898cb90dba", "Take {number}", "<Take object at 0x7f00>", "1 takes")
    for text in (*unfit, "1 take", "Seed 4821646885523931505", "1 s", "10 takes", "Stop"):
        assert bool(unfit_texts(QLabel(text))) == (text in unfit), text
    button = QPushButton("Move")
    button.setToolTip("to the end")
    assert unfit_texts(button) == ["tip of QPushButton: to the end"]


def shown_dialog(window: MainWindow) -> QDialog:
    """The batch window opens another one over it for the first batch: the newest counts."""
    return [each for each in window.findChildren(QDialog) if each.isVisible()][-1]


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.slow
def test_everything_in_a_dialog_has_a_name(window: MainWindow, command: str) -> None:
    window.services.actions[command].trigger()
    dialog = shown_dialog(window)
    assert nameless(dialog) == []
    assert unfit_texts(dialog) == []
    dialog.close()


def test_everything_in_dialogs_that_need_takes_has_a_name(window: MainWindow) -> None:
    document = window.services.document
    take = make_take(document, document.project.objects[0].id)
    memory = ExportHistory(window.services.settings)
    dialogs: list[QDialog] = [
        ExportDialog(document.project, document.takes, memory, "farm", window),
        CompareDialog([take, take], document.project, window),
        RecoveryDialog((), window),
        ReworkDialog(take, "take 1", window),
    ]
    for dialog in dialogs:
        assert nameless(dialog) == []
        assert unfit_texts(dialog) == []
        dialog.close()


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.slow
def test_a_closed_dialog_is_gone(window: MainWindow, command: str) -> None:
    """The palette is opened a hundred times a day: none may stay behind."""
    window.services.actions[command].trigger()
    dialog = shown_dialog(window)
    dialog.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    # The one of the batches goes on showing them in the background.
    assert [each for each in window.findChildren(QDialog) if not isinstance(each, BatchWindow)] == []

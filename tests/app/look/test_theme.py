"""The theme: every text and every sign can be read on every ground that it stands on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QTabBar
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

import sounddesk.app
from sounddesk.app.look.icons import COMMAND_ICONS
from sounddesk.app.look.icons import app_icon
from sounddesk.app.look.icons import icon
from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.look.theme import DARK
from sounddesk.app.look.theme import LIGHT
from sounddesk.app.look.theme import Theme
from sounddesk.app.look.theme import contrast
from sounddesk.app.look.theme import palette
from sounddesk.app.look.theme import theme
from sounddesk.app.mixer.strip import Fader
from sounddesk.app.mixer.strip import PanSlider

_SURFACES = ("window", "panel", "raised", "sunken", "hover")
_TEXT = [
    *((ink, ground) for ink in ("text", "muted") for ground in _SURFACES),
    ("accent", "panel"),
    ("on_accent", "accent"), ("on_selection", "selection"), ("on_lit", "mute"), ("on_lit", "solo"), ("on_lit", "on"),
]  # fmt: skip
_SIGNS = [
    *(("disabled", ground) for ground in ("window", "panel", "raised", "sunken")),
    *((ink, "sunken") for ink in ("good", "warning", "error", "frame", "accent")),
    *((ink, "hover") for ink in ("good", "warning", "error")),
    *((ink, "panel") for ink in ("frame", "accent", "error")),
]


@pytest.mark.parametrize("of", [DARK, LIGHT], ids=lambda of: of.name)
def test_text_has_4_5_to_1_and_signs_have_3_to_1(of: Theme) -> None:
    for pairs, least in ((_TEXT, 4.5), (_SIGNS, 3.0)):
        found = {(ink, ground): contrast(getattr(of, ink), getattr(of, ground)) for ink, ground in pairs}
        assert not {pair: round(value, 2) for pair, value in found.items() if value < least}


@pytest.mark.parametrize("of", [DARK, LIGHT], ids=lambda of: of.name)
def test_the_theme_is_shown(qapp: QApplication, of: Theme) -> None:
    apply_theme(qapp, of.name)
    try:
        assert theme() is of
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(of.panel)
        assert palette(of.name).color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text) == QColor(of.disabled)
        assert of.accent in qapp.styleSheet()
    finally:
        apply_theme(qapp, "dark")
        qapp.setStyleSheet("")


def test_no_widget_has_colours_of_its_own() -> None:
    """What is not in the theme cannot follow it, and nobody computes its contrast. On photographs there is no theme."""
    folder = Path(sounddesk.app.__file__).parent
    allowed = {"theme.py"}
    found = {
        f"{path.relative_to(folder)}: {line.strip()}"
        for path in folder.rglob("*.py")
        if path.name not in allowed and path.parent.name not in ("canvas", "tools")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r'"#[0-9a-fA-F]{6}"', line)
    }
    assert found == set()


def test_every_command_with_an_icon_has_its_drawing(qapp: QApplication) -> None:
    for name in set(COMMAND_ICONS.values()):
        image = icon(name).pixmap(20, 20).toImage()
        assert any(image.pixelColor(x, y).alpha() for x in range(20) for y in range(20)), name


def test_the_app_has_an_icon_in_its_own_colours(qapp: QApplication) -> None:
    image = app_icon().pixmap(32, 32).toImage()
    colours = {
        image.pixelColor(x, y).name() for x in range(32) for y in range(32) if image.pixelColor(x, y).alpha() == 255
    }
    assert len(colours) > 2


_KINDS = (
    QPushButton, QToolButton, QCheckBox, QLineEdit, QComboBox, QSpinBox, QListWidget, QTreeWidget, QTabBar, Fader,
    PanSlider,
)  # fmt: skip


@pytest.mark.parametrize("of", [DARK, LIGHT], ids=lambda of: of.name)
def test_the_focus_can_be_seen(qapp: QApplication, of: Theme) -> None:
    apply_theme(qapp, of.name)
    page = QWidget()
    rest = QLineEdit(page)
    column = QVBoxLayout(page)
    column.addWidget(rest)
    widgets = [kind(page) for kind in _KINDS]
    for widget in widgets:
        if isinstance(widget, QPushButton | QToolButton | QCheckBox):
            widget.setText("text")
        elif isinstance(widget, QListWidget | QComboBox):
            widget.addItem("text")
        elif isinstance(widget, QTabBar):
            widget.addTab("text")
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column.addWidget(widget)
    page.resize(300, 900)
    page.show()
    page.activateWindow()
    unseen = []
    rest.setFocus()
    QApplication.processEvents()
    before = [widget.grab().toImage() for widget in widgets]
    for widget, without in zip(widgets, before, strict=True):
        focus = QApplication.focusWidget()
        assert focus is not None
        # As by the hand: some styles mark the focus only where it came by a key.
        QTest.keyClick(focus, Qt.Key.Key_Tab)
        QApplication.processEvents()
        assert widget.hasFocus()
        if widget.grab().toImage() == without:
            unseen.append(type(widget).__name__)
    page.close()
    apply_theme(qapp, "dark")
    qapp.setStyleSheet("")
    assert unseen == []

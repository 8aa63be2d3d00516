"""Fields for numbers: what is typed after a click takes the place of what was there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.look.spin_boxes import SpinBox
from tests.app.conftest import wait_until


@pytest.mark.parametrize("kind", [SpinBox, DoubleSpinBox])
def test_a_click_selects_the_number(qapp: object, kind: type[SpinBox] | type[DoubleSpinBox]) -> None:
    window = QWidget()
    layout, other, field = QVBoxLayout(window), QLineEdit(), kind()
    layout.addWidget(other)
    layout.addWidget(field)
    field.setValue(12)
    window.show()
    window.activateWindow()
    other.setFocus()
    wait_until(other.hasFocus)
    QTest.mouseClick(field.lineEdit(), Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    QTest.keyClicks(field, "3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.value() == 3
    # A second click puts the cursor where it is, as in any field.
    QTest.mouseClick(field.lineEdit(), Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert not field.lineEdit().hasSelectedText()
    window.hide()

"""Names of others are shown as they are: no label, box or tool tip opens a file because an object is called so."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QWidget

from sounddesk.app.main_window import MainWindow
from sounddesk.app.plain_text import ForeignMarkdown
from sounddesk.app.plain_text import plain_tip
from tests.app.conftest import wait_until
from tests.app.takes.test_takes_panel import make_take

NAME = '<img src="/etc/hostname"><b>cow</b>'


def read_as_text(tip: str) -> str:
    """What a tool tip shows."""
    shown = QTextDocument()
    shown.setHtml(tip)
    return shown.toPlainText() if tip.startswith("<") else tip


def tips_of(tree: QTreeWidget) -> list[str]:
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [item.toolTip(column) for item in items if item is not None for column in range(tree.columnCount())]


def test_an_object_with_markup_for_a_name(window: MainWindow) -> None:
    document = window.services.document
    first = document.project.objects[0]
    make_take(document, first.id)
    document.commit("Rename", document.project.with_changed_object(first.id, name=NAME))
    window.services.selection.select_objects([first.id])
    wait_until(lambda: len(window.mixer.strips) == len(document.project.objects))
    window.services.generation.generate([first.id])
    labels = window.findChildren(QLabel)
    naming = [each for each in labels if "<img" in each.text()]
    assert len(naming) >= 2, [each.text() for each in labels]
    assert {each.textFormat() for each in naming} == {Qt.TextFormat.PlainText}
    tips = [each.toolTip() for each in window.findChildren(QWidget)]
    for tree in window.findChildren(QTreeWidget):
        tips += tips_of(tree)
    naming_tips = [tip for tip in tips if "img" in tip]
    assert naming_tips and all(NAME in read_as_text(tip) for tip in naming_tips)
    window.services.generate.cancel_all()
    wait_until(lambda: not window.services.generate.waiting, seconds=60)


def test_a_question_is_plain_text(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[QMessageBox] = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box) or QMessageBox.StandardButton.Cancel)
    window.services.document.commit("Change", window.services.document.project.with_settings(steps=3))
    assert not window.files.may_leave(then=lambda: None)
    assert asked[0].textFormat() == Qt.TextFormat.PlainText


@pytest.mark.parametrize("text", ["plain", "cow & calf", "a\nb", NAME, f"{NAME}\nsecond  line", "<", "1 < 2 > 0"])
def test_a_tip_shows_its_text(qapp: object, text: str) -> None:
    item = QTreeWidgetItem()
    item.setToolTip(0, plain_tip(text))
    assert read_as_text(item.toolTip(0)) == text


def test_a_card_of_others_opens_nothing_by_itself(qapp: object) -> None:
    view = ForeignMarkdown()
    view.resize(300, 200)
    view.show_markdown(f"# Card\n\n{NAME}\n\n![picture](/etc/hostname) [link](https://example.org)")
    assert "<img" in view.toPlainText() and "Card" in view.toPlainText()
    assert view.loadResource(QTextDocument.ResourceType.ImageResource, QUrl("/etc/hostname")) is None
    assert not view.openLinks()


def test_comments_of_a_card_are_not_read_and_its_tables_stay_whole(qapp: QApplication) -> None:
    page = ForeignMarkdown()
    page.resize(300, 120)
    page.show()
    rows = "\n".join(f"| part {number} | {number} |\n<!-- from here\non -->" for number in range(40))
    page.show_markdown(f"# Card\n\n<!-- figures -->\n| what | n |\n|---|---|\n{rows}\n\nText <!-- aside -->goes on.")
    assert "<!--" not in page.toPlainText() and "|" not in page.toPlainText()
    assert page.toPlainText().endswith("Text goes on.")
    # A page begins at its beginning.
    assert page.verticalScrollBar().value() == 0
    assert page.document().findBlock(len(page.toPlainText()) - 1).blockFormat().bottomMargin() > 0
    page.close()

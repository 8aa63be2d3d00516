from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QKeySequenceEdit
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QTextBrowser
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import PanelKey
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.dialogs.about import AboutBox
from sounddesk.app.dialogs.command_palette import CommandPalette
from sounddesk.app.dialogs.preferences import Preferences
from sounddesk.app.dialogs.recovery_dialog import RecoveryDialog
from sounddesk.app.dialogs.shortcut_editor import ShortcutEditor
from sounddesk.app.dialogs.welcome_page import WelcomePage
from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.manual_window import PAGES
from sounddesk.app.manual_window import ManualWindow
from sounddesk.app.project.demo_project import demo_project
from sounddesk.app.project.document import Document
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.app.project.recovery import Recoverable
from sounddesk.app.project.working_copy import working_folder
from sounddesk.app.settings import Settings
from tests.app.conftest import succeeds


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def actions(qapp: QApplication, done: list[str]) -> CommandRegistry:
    def push(name: str) -> Callable[[list[str]], None]:
        return lambda done: done.append(name)

    made = CommandRegistry()
    commands: tuple[Command[list[str]], ...] = (
        Command("file.export", "&Export stems", push("export"), menu="File", section="export", keys="Ctrl+E"),
        Command("play.play", "Play or stop", push("play"), menu="Transport", section="play", keys="Space"),
        Command("mixer.mute", "Mute", push("mute"), menu="Mixer", section="strips", keys="M"),
        Command("mixer.solo", "Solo", push("solo"), menu="Mixer", section="strips", keys="S", enabled=lambda _: False),
        Command("timeline.next", "Next marker", push("next"), menu="Timeline", section="markers"),
        Command("edit.undo", "&Undo", push("undo"), menu="Edit", section="history"),
    )
    made.add(commands, owner=done)
    made.reserve([PanelKey(panel="Canvas", keys="Tab", does="next candidate")])
    return made


def button(parent: QWidget, text: str) -> QPushButton:
    return next(each for each in parent.findChildren(QPushButton) if each.text().replace("&", "") == text)


def click(widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=QPoint(8, widget.height() // 2))


def test_palette_finds_and_runs(actions: CommandRegistry, done: list[str]) -> None:
    palette = CommandPalette(actions)
    palette.show()
    field = palette.findChild(QLineEdit)
    QTest.keyClicks(field, "ex")
    assert palette.found[:2] == ["file.export", "timeline.next"]
    QTest.keyClick(field, Qt.Key.Key_Down)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert done == ["next"] and not palette.isVisible()


def test_palette_does_not_run_what_is_disabled(actions: CommandRegistry, done: list[str]) -> None:
    palette = CommandPalette(actions)
    palette.show()
    QTest.keyClicks(palette.findChild(QLineEdit), "solo")
    QTest.keyClick(palette.findChild(QLineEdit), Qt.Key.Key_Return)
    assert done == [] and palette.isVisible()


def test_palette_knows_commands_by_their_own_names(actions: CommandRegistry) -> None:
    actions.show_detail("edit.undo", "Place take of dog")
    palette = CommandPalette(actions)
    tree = palette.findChild(QTreeWidget)
    names = [tree.topLevelItem(row).text(0) for row in range(tree.topLevelItemCount())]
    assert "Undo" in names and not any("dog" in name for name in names)


def test_shortcuts_are_rebound_with_the_conflict_shown(actions: CommandRegistry) -> None:
    editor = ShortcutEditor(actions)
    editor.show()
    editor.select("timeline.next")
    keys = editor.findChild(QKeySequenceEdit)
    QTest.keyClick(keys, Qt.Key.Key_M)
    assert "Mute" in editor.conflict
    click(button(editor, "Take over"))
    assert actions["timeline.next"].shortcut().toString() == "M"
    assert actions["mixer.mute"].shortcut().toString() == ""
    assert actions.rebound == {"timeline.next": "M", "mixer.mute": ""}
    click(button(editor, "Default"))
    actions.rebind("timeline.next", "M")
    editor.select("mixer.mute")
    click(button(editor, "Default"))
    assert "Next marker" in editor.conflict and actions.keys_of("mixer.mute") == ""
    click(button(editor, "Reset all"))
    assert actions.rebound == {} and actions["mixer.mute"].shortcut().toString() == "M"


def test_keys_of_a_panel_are_refused(actions: CommandRegistry) -> None:
    editor = ShortcutEditor(actions)
    editor.select("mixer.mute")
    editor.findChild(QKeySequenceEdit).setKeySequence("Tab")
    assert "Canvas: next candidate" in editor.conflict
    click(button(editor, "Take over"))
    assert "Canvas: next candidate" in editor.conflict and actions.keys_of("mixer.mute") == "M"


def test_preferences_are_stored_with_ok_only(qapp: QApplication) -> None:
    for kind, wanted in ((QDialogButtonBox.StandardButton.Cancel, 0), (QDialogButtonBox.StandardButton.Ok, 7)):
        dialog = Preferences(Settings(), bundles=["starter", "mine"])
        dialog.show()
        dialog.findChild(QSpinBox, "autosave_minutes").setValue(7)
        dialog.findChild(QComboBox, "bundle").setCurrentText("mine")
        click(dialog.findChild(QDialogButtonBox).button(kind))
        assert Settings().autosave_minutes == wanted
    assert Settings().bundle == "mine"


def test_preferences_show_outputs_and_sizes_once_they_are_known(qapp: QApplication) -> None:
    working_folder().mkdir(parents=True)
    (working_folder() / "copy").write_bytes(bytes(2_500_000))
    Settings().audio_device = "Old interface"
    dialog = Preferences(Settings(), bundles=["starter"], find_outputs=lambda: ["Old interface", "New interface"])
    outputs = dialog.findChild(QComboBox, "audio_device")
    assert [outputs.itemData(i) for i in range(outputs.count())] == ["", "Old interface"]
    for key, work in dialog.questions.items():
        dialog.answer(key, work())
    assert [outputs.itemData(i) for i in range(outputs.count())] == ["", "Old interface", "New interface"]
    assert outputs.currentData() == "Old interface"
    shown = {label.text() for label in dialog.findChildren(QLabel)}
    assert "2.5 MB" in shown
    assert "counting…" not in shown


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_an_empty_check_box_is_seen_in_every_theme(qapp: QApplication, theme: str) -> None:
    """Fusion's frame was black on black."""
    apply_theme(qapp, theme)
    box = QCheckBox()
    box.resize(40, 40)
    box.ensurePolished()
    picture = box.grab().toImage()
    ground = picture.pixelColor(39, 0).lightness()
    contrast = max(
        abs(picture.pixelColor(x, y).lightness() - ground)
        for x in range(picture.width())
        for y in range(picture.height())
    )
    apply_theme(qapp, "light")
    assert contrast > 40


def test_welcome_page_opens_what_is_chosen(qapp: QApplication, tmp_path: Path) -> None:
    settings = Settings()
    (tmp_path / "a.sdesk").touch()
    settings.add_recent_file(tmp_path / "a.sdesk")
    page = WelcomePage(settings)
    heard: list[object] = []
    page.open_requested.connect(lambda: heard.append("open"))
    page.demo_requested.connect(heard.append)
    page.open_path_requested.connect(heard.append)
    page.show()
    click(button(page, "Open an image, movie or project…"))
    QTest.mouseClick(page.stills["shore"], Qt.MouseButton.LeftButton)
    QTest.keyClick(page.stills["meadow"], Qt.Key.Key_Return)
    recent = page.findChild(QListWidget)
    where = recent.visualItemRect(recent.item(0)).center()
    QTest.mouseClick(recent.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert heard == ["open", "shore", "meadow", tmp_path / "a.sdesk"]


def test_recovery_is_asked_for(qapp: QApplication) -> None:
    item = Recoverable(
        working_path=Path("w"),
        origin=None,
        name="demo.webp",
        updated=dt.datetime.now(dt.UTC),
        objects=1,
        takes=2,
        picture=b"not a picture",
    )
    dialog = RecoveryDialog([item])
    wanted: list[Recoverable] = []
    dialog.recover_requested.connect(wanted.append)
    dialog.show()
    click(button(dialog, "Recover"))
    assert wanted == [item] and not dialog.isVisible()


def test_manual_has_every_page_and_is_searched(actions: CommandRegistry) -> None:
    window = ManualWindow(actions)
    window.show()
    for name, _ in PAGES:
        window.open_page(name)
        assert len(window.findChild(QTextBrowser).toPlainText()) > 150
    window.open_page("shortcuts")
    assert "Ctrl+E" in window.findChild(QTextBrowser).toPlainText()
    window.open_page("getting_started")
    QTest.keyClicks(window.findChild(QLineEdit), "limiter")
    assert "mixer" in window.pages_found and "selecting_objects" not in window.pages_found
    assert window.findChild(QTextBrowser).textCursor().selectedText().casefold() == "limiter"


def test_links_of_the_manual_lead_to_pages_that_its_list_does_not_have(actions: CommandRegistry) -> None:
    window = ManualWindow(actions)
    page = window.findChild(QTextBrowser)
    window.open_page("decisions")
    page.anchorClicked.emit(QUrl("decisions/0042-tuned-class-prior.md"))
    assert page.toPlainText().startswith("42. ")
    # From there the links begin in that folder; what is outside of the manual is no page.
    page.anchorClicked.emit(QUrl("../../starter/card.md"))
    assert page.toPlainText().startswith("42. ")
    page.anchorClicked.emit(QUrl("../measurements/starter_history.md"))
    assert page.toPlainText().startswith("History of the starter")
    page.anchorClicked.emit(QUrl("../takes.md#anchor"))
    assert page.toPlainText().startswith("Takes and generation")


def test_about_shows_the_licence_of_each_bundle(qapp: QApplication) -> None:
    box = AboutBox()
    texts = [each.toPlainText() for each in box.findChildren(QTextBrowser)]
    assert any("Paid work: under conditions" in text and "Model card" in text for text in texts)
    assert any("LGPL" in text for text in texts) and any("Apache License" in text for text in texts)


def test_about_the_app_without_python_shows_the_licences_that_lie_in_it(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "_internal").mkdir()
    (tmp_path / "licences").mkdir()
    (tmp_path / "licences" / "README.md").write_text("under **GPL-3.0-or-later**", encoding="utf-8")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_internal"), raising=False)
    box = AboutBox()
    texts = [each.toPlainText() for each in box.findChildren(QTextBrowser)]
    assert any("under GPL-3.0-or-later" in text and str(tmp_path / "licences") in text for text in texts)


def test_the_demo_is_a_fresh_project_each_time(document: Document) -> None:
    store = ProjectStore(document, Settings())
    for name in ("shore", "meadow"):
        contents, images = demo_project(name)
        assert succeeds(store.new, contents, images=images)
        assert len(document.takes) == len(document.project.objects) == 2
    for _ in range(2):
        contents, images = demo_project()
        assert succeeds(store.new, contents, images=images)
        assert [each.name for each in document.project.objects] == ["cow", "sheep", "duck", "dog"]
        assert document.image is not None and store.path is None and not document.is_dirty
        document.commit("away", document.project.without_objects([document.project.objects[0].id]))
    store.close()


@pytest.mark.parametrize("width", [560, 900])
def test_pictures_of_the_manual_are_no_wider_than_its_page(actions: CommandRegistry, width: int) -> None:
    manual = ManualWindow(actions)
    manual.resize(width, 500)
    manual.show()
    QApplication.processEvents()
    view = manual._view
    picture = view.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl("desk.webp"))
    assert 0 < picture.deviceIndependentSize().width() <= view.viewport().width()
    assert view.horizontalScrollBar().maximum() == 0
    manual.close()

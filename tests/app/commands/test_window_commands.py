"""The commands of the whole window: real keys reach each of them, menus are in order, the manual names them rightly."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMenu

from sounddesk.app.commands.command import portable
from sounddesk.app.main_window import MainWindow
from sounddesk.app.manual_window import PAGES
from sounddesk.app.manual_window import page_text
from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.app.workers.suggestion_worker import SuggestedMask
from sounddesk.domain.timeline import Clip
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.resources_folder import resource
from tests.app.conftest import wait_until
from tests.app.takes.test_takes_panel import make_take

KEYS = r"(?:(?:Ctrl|Alt|Shift)\+)+(?:Up|Down|Left|Right|[A-Z0-9,.+-])|F\d{1,2}|[A-Z]"
# Keys of the window of batches, where those of the main window do nothing.
ELSEWHERE = {("batch", "Alt+Up"), ("batch", "Alt+Down")}


def press(window: MainWindow, keys: str) -> None:
    """Keys as the keyboard sends them to whatever has the focus."""
    combination = QKeySequence(keys)[0]
    QTest.keyClick(window.focusWidget() or window, combination.key(), combination.keyboardModifiers())


def activated(window: MainWindow) -> MainWindow:
    window.activateWindow()
    window.timeline.setFocus()
    wait_until(window.timeline.hasFocus)
    return window


def test_every_key_reaches_its_command_and_no_other(window: MainWindow) -> None:
    activated(window)
    actions, pressed = window.services.actions, []
    for command in actions:
        action = actions[command.id]
        action.triggered.disconnect()
        action.setEnabled(True)
        action.triggered.connect(lambda _on=False, command_id=command.id: pressed.append(command_id))
    wanted = [command for command in actions if command.default_keys]
    assert len(wanted) > 60
    wrong = {}
    for command in wanted:
        pressed.clear()
        press(window, command.default_keys)
        if pressed != [command.id]:
            wrong[command.id] = (command.default_keys, list(pressed))
    assert wrong == {}


def test_keys_are_unique_over_the_whole_window(window: MainWindow) -> None:
    """Mnemonics of labels and buttons are shortcuts of the window too: Qt carries out neither of two."""
    keys = [command.default_keys for command in window.services.actions if command.default_keys]
    panel_keys = {portable(each.keys) for each in window.services.actions.panel_keys}
    labels = [label for label in window.findChildren(QLabel) if label.buddy() is not None]
    buttons = [each for each in window.findChildren(QAbstractButton) if each.window() is window]
    mnemonics = [QKeySequence.mnemonic(each.text()).toString() for each in (*labels, *buttons)]
    mnemonics += [QKeySequence.mnemonic(each.text()).toString() for each in window.menuBar().actions()]
    mnemonics = [each for each in mnemonics if each]
    assert len(mnemonics) > 10
    assert [each for each, count in Counter((*keys, *mnemonics)).items() if count > 1] == []
    assert set(mnemonics) <= panel_keys and not panel_keys & set(keys)


def test_control_g_generates(window: MainWindow) -> None:
    activated(window)
    services = window.services
    services.selection.select_objects([services.document.project.objects[0].id])
    press(window, "Ctrl+G")
    wait_until(lambda: len(services.document.takes) == 1, seconds=120)


def test_control_d_duplicates_the_selected_clip(window: MainWindow) -> None:
    activated(window)
    document = window.services.document
    take = make_take(document, document.project.objects[0].id)
    clip = Clip(id="clip", object_id=take.object_id, take_id=take.id, start_s=0.0, duration_s=take.seconds)
    document.commit("Clip", document.project.with_clip(clip))
    window.services.selection.select_clips(["clip"])
    press(window, "Ctrl+D")
    assert len(document.project.clips) == 2 and document.undo_stack.undoText() == "Duplicate clips"


def test_control_return_accepts_the_suggestion_shown(window: MainWindow) -> None:
    activated(window)
    services, bar = window.services, window.canvas._suggestions
    document = services.document
    objects, accept = list(document.project.objects), services.actions["objects.accept_suggestion"]
    document.commit("Empty", document.project.without_objects(each.id for each in objects))
    assert not accept.isEnabled()
    # As the search answers, without the seconds that it takes.
    bar._job = 7
    for each in objects[:2]:
        pixels = each.mask.to_bool()
        candidate = Candidate(mask=pixels, probability=(each.mask.to_array() / 255).astype(np.float32), score=1.0)
        found = FoundMask(candidate=candidate)
        services.suggestions.found.emit(7, SuggestedMask(found=found, recognised=None))
    services.suggestions.ended.emit(7, None)
    assert accept.isEnabled()
    press(window, "Ctrl+Return")
    assert [each.mask for each in document.project.objects] == [objects[0].mask] and bar.waiting == 1


def test_shift_with_arrows_moves_the_cross_hairs_of_the_canvas(window: MainWindow) -> None:
    activated(window)
    canvas = window.canvas.canvas
    canvas.setFocus()
    wait_until(canvas.hasFocus)
    scale = window.timeline.view.scale
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert canvas._cross is not None and window.timeline.view.scale == scale


def test_menus_hold_every_command_between_proper_separators_with_mnemonics_of_their_own(window: MainWindow) -> None:
    listed = []
    # Without a title is Qt's own, behind the bar's '>>' in a narrow window.
    menus = [each for each in window.menuBar().findChildren(QMenu) if each.actions() and each.title()]
    assert len(menus) > len(window.menuBar().actions())
    for menu in menus:
        entries = menu.actions()
        listed += [each.objectName() for each in entries if not each.isSeparator() and each.menu() is None]
        # Short enough to be overlooked.
        assert len([each for each in entries if not each.isSeparator()]) <= 13, menu.title()
        kinds = "".join("-" if each.isSeparator() else "x" for each in entries)
        assert re.fullmatch(r"x{1,8}(-x{1,8})*", kinds), (menu.title(), [each.text() for each in entries])
        letters = [QKeySequence.mnemonic(each.text()).toString() for each in entries if not each.isSeparator()]
        assert "" not in letters and len(letters) == len(set(letters)), menu.title()
    assert sorted(listed) == sorted(each.id for each in window.services.actions)


@pytest.mark.parametrize("page", [name for name, _ in PAGES if name != "shortcuts"])
@pytest.mark.slow
def test_every_key_in_the_manual_belongs_to_the_command_named_there(window: MainWindow, page: str) -> None:
    actions = window.services.actions
    text = (resource("manual") / f"{page}.md").read_text(encoding="utf-8")
    known = {command.default_keys for command in actions} | {portable(each.keys) for each in actions.panel_keys}
    mentioned = set(re.findall(rf"\b({KEYS[: KEYS.rindex('|')]})", text))
    assert {key for key in mentioned if (page, key) not in ELSEWHERE} <= known
    by_name = {name: command for command in actions for name in (command.name.rstrip("…"), command.label)}
    for title, keys in re.findall(rf"\*([^*]+)\* \(({KEYS})\)", text):
        assert by_name[title.split(" > ")[-1]].default_keys == keys, title


def test_the_manual_s_table_has_every_command_with_its_keys(window: MainWindow) -> None:
    actions = window.services.actions
    rows = re.findall(r"^\| (.+) \| (.+) \|$", page_text("shortcuts", actions), re.M)
    plain = [(name.replace("\\", ""), keys.replace("\\", "")) for name, keys in rows]
    for command in actions:
        keys = actions[command.id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        assert plain.count((command.name.replace("&", "&amp;"), keys)) == bool(keys), command.id
    assert ("part, thing or group of the click", "Tab") in plain

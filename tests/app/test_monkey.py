"""2,000 random gestures on the real window, menus and dialogs among them: nothing breaks, and undo and redo know every
state between. SOUNDDESK_MONKEY_GESTURES=10000 makes that many for each seed.
`--monkey-seeds 6-15` makes others. MALLOC_PERTURB_=165 has glibc overwrite what is freed, so that what is read
afterwards is seen at once.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtCore import QThread
from PySide6.QtCore import QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from sounddesk.app.desk import open_window
from sounddesk.app.main_window import MainWindow
from sounddesk.app.settings import Settings
from tests.app.conftest import wait_until

GESTURES = int(os.environ.get("SOUNDDESK_MONKEY_GESTURES", "400"))
# Opened, worked in a little, and closed again while what they ask for is still being looked up.
DIALOGS = (
    "app.preferences", "app.models", "file.project_settings", "file.export", "help.shortcuts", "help.palette",
    "help.log", "help.about", "help.manual", "file.batch", "takes.rename", "takes.compare", "takes.vary",
    "takes.regenerate", "takes.extend", "takes.loop", "objects.rename", "objects.colour", "objects.grow",
)  # fmt: skip

# These open dialogs, leave the project or end the window; each has tests of its own.
NOT_FOR_MONKEYS = (
    "file.", "app.", "help.", "edit.paste", "takes.rename", "takes.compare", "takes.vary", "takes.regenerate",
    "takes.extend", "takes.loop", "objects.rename", "objects.colour",
)  # fmt: skip

MODIFIERS = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ControlModifier,
)
BUTTONS = (Qt.MouseButton.LeftButton,) * 4 + (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton)
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Escape,
    Qt.Key.Key_Backspace, Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight, Qt.Key.Key_Tab, Qt.Key.Key_Plus,
)  # fmt: skip

# None that presses a button: it might export or install.
DIALOG_KEYS = (Qt.Key.Key_Tab, Qt.Key.Key_Down, Qt.Key.Key_Up)
MENU_KEYS = (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Left)


@pytest.fixture
def window(qapp: QApplication, bundle_folder: Path) -> Iterator[MainWindow]:
    threads_before = threading.active_count()
    made = open_window(Settings())
    made.resize(1280, 800)
    made.app_commands.open_demo(with_takes=False)
    document = made.services.document
    wait_until(lambda: bool(document.project.objects))
    document.commit(
        "Tiny", document.project.with_settings(bundle=str(bundle_folder), seconds=1.0, steps=2, timeline_s=4.0)
    )
    made.services.generation.device = "cpu"
    # Menus and questions wait in loops of their own; this is the hand that closes them.
    closer = QTimer()
    closer.setInterval(20)
    closer.timeout.connect(close_what_is_in_front)
    closer.start()
    yield made
    closer.stop()
    made.hide()
    made.shut_down()
    assert threading.active_count() <= threads_before, threading.enumerate()
    assert not [thread for thread in made.findChildren(QThread) if thread.isRunning()]


def close_what_is_in_front() -> None:
    front = QApplication.activePopupWidget() or QApplication.activeModalWidget()
    if front is not None:
        front.close()


class Monkey:
    """Draws gestures from a seed."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        self.window = window
        self.random = random.Random(seed)
        self.done: list[str] = []
        commands = [each.id for each in window.services.actions]
        self.commands = [name for name in sorted(commands) if not name.startswith(NOT_FOR_MONKEYS)]

    def gesture(self) -> None:
        kinds: list[tuple[float, Callable[[], str]]] = [
            (40, self.drag), (15, self.click), (20, self.command), (8, self.key), (6, self.wheel), (8, self.button),
            (4, self.undo_or_redo), (1, self.generate), (2, self.menu), (0.5, self.dialog),
        ]  # fmt: skip
        weights = [weight for weight, _ in kinds]
        self.done.append(self.random.choices([act for _, act in kinds], weights)[0]())
        QApplication.processEvents()
        # A running event loop deletes what was put off; `processEvents` alone does not.
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def surface(self) -> QWidget:
        window = self.window
        panels = [window.canvas.canvas, window.timeline, window.mixer, window.objects, window.takes]
        return self.random.choices(panels, [12, 6, 2, 2, 1])[0]

    def somewhere(self, widget: QWidget) -> tuple[QWidget, QPoint]:
        place = QPoint(self.random.randrange(widget.width()), self.random.randrange(widget.height()))
        child = widget.childAt(place)
        return (widget, place) if child is None else (child, child.mapFrom(widget, place))

    def drag(self) -> str:
        widget, place = self.somewhere(self.surface())
        button, modifiers = self.random.choice(BUTTONS), self.random.choice(MODIFIERS)
        QTest.mousePress(widget, button, modifiers, place)
        for _ in range(self.random.randrange(1, 5)):
            place += QPoint(self.random.randrange(-90, 91), self.random.randrange(-60, 61))
            QTest.mouseMove(widget, place)
            if self.random.random() < 0.05:
                self.undo_or_redo()
        QTest.mouseRelease(widget, button, modifiers, place)
        return f"drag on {type(widget).__name__}"

    def click(self) -> str:
        widget, place = self.somewhere(self.surface())
        click = QTest.mouseDClick if self.random.random() < 0.2 else QTest.mouseClick
        button, modifiers = Qt.MouseButton.LeftButton, self.random.choice(MODIFIERS)
        click(widget, button, modifiers, place)
        if click is QTest.mouseDClick:
            # QTest sends the second press alone; a mouse always lets go of what it took hold of.
            QTest.mouseRelease(widget, button, modifiers, place)
        return f"click on {type(widget).__name__}"

    def command(self) -> str:
        name = self.random.choice(self.commands)
        if name not in ("takes.generate", "takes.generate_all", "mixer.balance"):
            self.window.services.actions[name].trigger()
        return name

    def key(self) -> str:
        widget = self.surface()
        QTest.keyClick(widget, self.random.choice(KEYS), self.random.choice(MODIFIERS))
        return f"key on {type(widget).__name__}"

    def wheel(self) -> str:
        widget, place = self.somewhere(self.surface())
        event = QWheelEvent(
            QPointF(place), QPointF(widget.mapToGlobal(place)), QPoint(), QPoint(0, self.random.choice((-120, 120))),
            Qt.MouseButton.NoButton, self.random.choice(MODIFIERS), Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
        return f"wheel on {type(widget).__name__}"

    def button(self) -> str:
        buttons = [b for b in self.window.mixer.findChildren(QAbstractButton) if b.isEnabled() and b.isCheckable()]
        if buttons:
            chosen = self.random.choice(buttons)
            QTest.mouseClick(chosen, Qt.MouseButton.LeftButton)
        return "button"

    def menu(self) -> str:
        """A menu of the bar, walked through and left; sometimes what is chosen there is carried out."""
        bar = self.window.menuBar()
        action = self.random.choice(bar.actions())
        QTest.mouseClick(
            bar, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, bar.actionGeometry(action).center()
        )
        popup = QApplication.activePopupWidget()
        if not isinstance(popup, QMenu):
            return f"menu {action.text()}"
        for _ in range(self.random.randrange(12)):
            QTest.keyClick(QApplication.activePopupWidget() or popup, self.random.choice(MENU_KEYS))
        front = QApplication.activePopupWidget()
        chosen = front.activeAction() if isinstance(front, QMenu) else None
        if chosen is not None and chosen.objectName() in self.commands and self.random.random() < 0.5:
            QTest.keyClick(front, Qt.Key.Key_Return)
        while (front := QApplication.activePopupWidget()) is not None:
            front.close()
        return f"menu {action.text()}"

    def dialog(self) -> str:
        """A dialog, a few keys in it, and away with it."""
        name = self.random.choice(DIALOGS)
        self.select_for(name)
        self.window.services.actions[name].trigger()
        opened = [each for each in self.window.findChildren(QWidget) if each.isWindow() and each.isVisible()]
        for each in filter(isValid, opened):
            for _ in range(self.random.randrange(6)):
                if not isValid(each):
                    break
                QTest.keyClick(each.focusWidget() or each, self.random.choice(DIALOG_KEYS))
            if self.random.random() < 0.5:
                QApplication.processEvents()
            # A dialog that is only waited in goes with the one before it.
            if isValid(each):
                each.close()
        return f"dialog {name}"

    def select_for(self, name: str) -> None:
        """A take or an object that the dialog can be about, where there is one."""
        window = self.window
        objects = window.services.document.project.objects
        if objects and not window.services.selection.object_ids:
            window.services.selection.select_objects([self.random.choice(objects).id])
        if name.startswith("takes.") and window.takes._list.count():
            window.takes._list.setCurrentRow(self.random.randrange(window.takes._list.count()))

    def undo_or_redo(self) -> str:
        name = self.random.choice(("edit.undo", "edit.undo", "edit.redo"))
        self.window.services.actions[name].trigger()
        return name

    def generate(self) -> str:
        document = self.window.services.document
        names = [each.id for each in document.project.objects if each.kind == "object" and not each.mask.is_empty]
        if names:
            self.window.services.generation.generate(self.random.sample(names, 1))
        return "generate"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    first, _, last = metafunc.config.getoption("--monkey-seeds").partition("-")
    metafunc.parametrize("seed", range(int(first), int(last or first) + 1))


@pytest.mark.slow
@pytest.mark.timeout(600 + GESTURES)
def test_random_gestures_leave_a_project_whose_every_state_is_known(
    window: MainWindow, problems: list[str], seed: int
) -> None:
    document = window.services.document
    document.undo_stack.clear()
    first = document.project
    states: list[object] = []
    document.committed.connect(states.append)
    monkey = Monkey(window, seed)
    for _ in range(GESTURES):
        monkey.gesture()
        assert not problems, "\n".join((*problems, *monkey.done[-5:]))
    window.services.player.stop()
    wait_until(lambda: not window.services.generate.waiting, seconds=120)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    wait_until(lambda: not document.in_gesture, seconds=5)

    stack = document.undo_stack
    assert len(states) > 40, "the monkey hardly changed anything"
    assert stack.count() > 10
    stack.setIndex(stack.count())
    last = document.project
    for _ in range(stack.count()):
        document.undo()
    assert document.project == first
    for _ in range(stack.count()):
        document.redo()
    assert document.project == last
    assert {clip.take_id for clip in last.clips} <= {take.id for take in document.takes}
    assert not problems

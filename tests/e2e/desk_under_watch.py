"""The desk at work in a process of its own, with a watchdog on its event loop; prints the pauses as one JSON line.

Two threads that only sleep would tell a busy machine from a blocked loop no better than one process does: Python's lock
holds both up. So the control is another process, whose own pauses are printed beside ours.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QStyleOptionSlider

from sounddesk.resources_folder import resource
from tests.e2e.desk_hand import Hand

BEAT_S = 0.005
PAUSE_S = 0.025


def stand_in_front() -> None:
    """Ask for a processor before other programs get one, so that a busy machine is not taken for a blocked loop."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)


def sleep_and_watch(stop: Event, pauses: Any) -> None:
    """Report every pause of a process that has nothing to do: (when it began, how long)."""
    last = time.monotonic()
    while not stop.is_set():
        time.sleep(BEAT_S)
        now = time.monotonic()
        if now - last > PAUSE_S:
            pauses.put((last, now - last))
        last = now
    pauses.put(None)


class Watchdog:
    """Notes pauses of the event loop, and what was being done."""

    def __init__(self) -> None:
        self.phase = "start"
        self.pauses: list[tuple[str, float, float]] = []
        self._last = time.monotonic()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(BEAT_S * 1000))
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._last > PAUSE_S:
            self.pauses.append((self.phase, self._last, now - self._last))
        self._last = now


def wait_for(condition: Callable[[], bool], seconds: float = 240.0) -> None:
    """Run the event loop until `condition` holds."""
    from tests.app.conftest import wait_until

    wait_until(condition, seconds=seconds)


def work(folder: Path) -> dict[str, Any]:
    """From a photograph to files, as an artist does it, gesture by gesture, and then some painting; the pauses on the
    way.
    """
    from sounddesk.app.desk import make_application
    from sounddesk.app.desk import open_window
    from sounddesk.app.settings import Settings

    app = make_application(["-platform", "offscreen"])
    window = open_window(Settings())
    window.resize(1280, 800)
    app.processEvents()
    watch = Watchdog()
    services, canvas = window.services, window.canvas.canvas
    document = services.document

    def at(x: float, y: float) -> QPoint:
        return QPoint(*(round(v) for v in canvas.viewport.to_widget(x, y)))

    def phase(name: str) -> None:
        watch.phase = name

    def rest(seconds: float) -> None:
        until = time.monotonic() + seconds
        wait_for(lambda: time.monotonic() >= until)

    rest(0.5)
    hand = Hand(window)
    services.settings.export_folder = folder / "out"
    scene = json.loads((resource("demo") / "scene.json").read_text(encoding="utf-8"))["objects"]
    photograph = folder / "farm.webp"
    shutil.copyfile(resource("demo") / "scene.webp", photograph)
    phase("open")
    hand.drop(photograph)
    wait_for(lambda: document.project.image is not None and canvas.isVisible())
    document.commit("Short", document.project.with_settings(seconds=2.0, steps=4, timeline_s=4.0))
    rest(0.3)
    phase("click")
    # The first one while the image is still being read: it waits. Ctrl begins another object in any case.
    for number, each in enumerate(scene[1:], start=1):
        hand.click(canvas, at(*each["point"]), each["name"], Qt.KeyboardModifier.ControlModifier)
        wait_for(lambda number=number: len(document.project.objects) == number)
    rest(0.5)
    phase("generate")
    failures: list[str] = []
    services.generate.failed.connect(lambda _job, error: failures.append(str(error)))
    hand.key("Ctrl+Shift+G")
    wait_for(lambda: len(document.takes) == 3 or bool(failures), seconds=300)
    assert not failures, failures
    rest(1.0)
    phase("listen")
    hand.key("Space")
    rest(1.0)
    hand.key("Space")
    cards, rows = window.takes._list, window.objects._list
    for number in (2, 0, 1):
        object_id = document.project.objects[number].id
        if services.selection.object_ids != (object_id,):
            item = rows.topLevelItem(number)
            hand.click(rows.viewport(), rows.visualItemRect(item).center(), item.text(0))
        wait_for(lambda: cards.count() == 1)
        hand.click(cards.viewport(), cards.place_of(cards.ids[0], "play"), "its card")
        rest(0.3)
    phase("mix")
    for each in document.project.objects[:2]:
        fader = window.mixer.strips[each.id].fader
        option = QStyleOptionSlider()
        fader.initStyleOption(option)
        slider = QStyle.ComplexControl.CC_Slider
        handle = fader.style().subControlRect(slider, option, QStyle.SubControl.SC_SliderHandle, fader).center()
        hand.drag(fader, handle, handle + QPoint(0, 15), f"fader of {each.name}")
        rest(0.1)
    levels = [each.strip.gain_db for each in document.project.objects]
    phase("export")
    hand.key("Ctrl+E")
    wait_for(lambda: QApplication.activeModalWidget() is not None)
    rest(0.3)
    hand.key("Return")
    wait_for(lambda: len(list((folder / "out").glob("*.wav"))) == 4)
    rest(0.3)
    phase("paint")
    services.actions["tool.brush"].trigger()
    place = at(300, 300)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    for step in range(30):
        QTest.mouseMove(canvas, place + QPoint(4 * step, 2 * step))
        rest(0.01)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place + QPoint(116, 58))
    rest(0.3)
    phase("undo")
    for _ in range(4):
        services.actions["edit.undo"].trigger()
        rest(0.05)
    for _ in range(4):
        services.actions["edit.redo"].trigger()
        rest(0.05)
    phase("save")
    services.store.save_as(folder / "scene.sdesk")
    wait_for(lambda: not document.is_dirty)
    rest(0.5)
    phase("end")
    threads = [each.name for each in threading.enumerate()]
    window.shut_down()
    window.hide()
    return {"pauses": watch.pauses, "threads": threads, "gestures": hand.gestures, "levels": levels}


def main() -> None:
    # Before there are other threads and the control: all inherit it.
    stand_in_front()
    context = multiprocessing.get_context("spawn")
    stop, queue = context.Event(), context.Queue()
    control = context.Process(target=sleep_and_watch, args=(stop, queue), daemon=True)
    control.start()
    report = work(Path(sys.argv[1]))
    stop.set()
    report["control"] = list(iter(queue.get, None))
    control.join(10)
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()

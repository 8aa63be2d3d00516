"""The desk at work in a process of its own, with a watchdog on its event loop; prints the pauses as one JSON line.

Two threads that only sleep would tell a busy machine from a blocked loop no better than one process does: Python's lock
holds both up. So the control is another process, whose own pauses are printed beside ours.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
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


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Run the event loop until `condition` holds."""
    from tests.app.conftest import wait_until

    wait_until(condition, seconds=seconds)


def work(folder: Path) -> dict[str, Any]:
    """From the demo still to files, as an artist does it; the pauses on the way."""
    from sounddesk.app.desk import make_application
    from sounddesk.app.desk import open_window
    from sounddesk.app.export.export_dialog import ExportRequest
    from sounddesk.app.settings import Settings
    from sounddesk.audio.exporters.export_plan import plan_export
    from sounddesk.audio.exporters.export_settings import ExportSettings

    app = make_application(["-platform", "offscreen"])
    window = open_window(Settings())
    app.processEvents()
    watch = Watchdog()
    services, canvas = window.services, window.canvas.canvas
    document = services.document

    def phase(name: str) -> None:
        watch.phase = name

    def rest(seconds: float) -> None:
        until = time.monotonic() + seconds
        wait_for(lambda: time.monotonic() >= until)

    rest(0.5)
    phase("open")
    window.app_commands.open_demo(with_takes=False)
    wait_for(lambda: bool(document.project.objects))
    rest(1.5)
    phase("click")
    services.selection.select_objects(())
    before = len(document.project.objects)
    at = QPoint(*(round(v) for v in canvas.viewport.to_widget(300, 300)))
    QTest.mouseMove(canvas, at)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    wait_for(lambda: len(document.project.objects) > before)
    rest(0.3)
    phase("paint")
    services.actions["tool.brush"].trigger()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    for step in range(30):
        QTest.mouseMove(canvas, at + QPoint(4 * step, 2 * step))
        rest(0.01)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at + QPoint(116, 58))
    rest(0.3)
    phase("generate")
    document.commit("Short", document.project.with_settings(seconds=2.0, steps=4, timeline_s=4.0))
    services.selection.select_objects([each.id for each in document.project.objects])
    failures: list[str] = []
    services.generate.failed.connect(lambda _job, text: failures.append(text))
    services.actions["takes.generate"].trigger()
    wait_for(lambda: len(document.takes) == len(document.project.objects) or bool(failures), seconds=300)
    assert not failures, failures
    rest(1.0)
    phase("mix")
    for tenths in range(0, -100, -5):
        window.mixer.master.fader.setValue(tenths)
        rest(0.01)
    services.actions["transport.play"].trigger()
    rest(1.0)
    services.actions["transport.play"].trigger()
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
    phase("export")
    plan = plan_export(document.project, document.takes, ExportSettings(silent_lanes=True), name="scene")
    window.app_commands.exports.export(ExportRequest(plan=plan, folder=folder / "out"))
    wait_for((folder / "out" / "scene_mix.wav").exists)
    rest(0.3)
    phase("end")
    threads = [each.name for each in threading.enumerate()]
    window.shut_down()
    window.hide()
    return {"pauses": watch.pauses, "threads": threads}


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

"""How soon the window is there, and how soon a still of the opening page is heard.

    python -m benchmarks.first_minute [--runs 5]

Each run is a process of its own on Qt's offscreen platform. The first frame is counted from the start of the process.
The first sound is counted from the press on a still until the mixer has put samples beyond -40 dBFS into the buffer of
the device and playing has begun; what the device itself holds (`normal`: 0.1 s) comes on top and is added. Files are in
the system's cache, as they are from the second start on. Processor time, of all threads, is what a busy machine cannot
change.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any


def first_minute(began: float) -> dict[str, float]:
    """In a process that began at `began` by the system clock: seconds to the first frame and to the first sound."""
    from PySide6.QtCore import QEvent
    from PySide6.QtCore import QObject
    from PySide6.QtCore import QSettings
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from sounddesk.app.desk import make_application
    from sounddesk.app.desk import open_window
    from sounddesk.app.look.style_sheet import apply_theme
    from sounddesk.app.settings import Settings
    from sounddesk.audio.playback.playback import BUFFERS_S
    from sounddesk.audio.playback.playback_levels import PlaybackLevels
    from tests.app.conftest import wait_until

    class FirstPaint(QObject):
        at: float = 0.0
        processor_s: float = 0.0

        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Paint and not self.at:
                self.at, self.processor_s = time.time(), time.process_time()
            return False

    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    app = make_application(())
    settings = Settings()
    apply_theme(app, settings.theme)
    window = open_window(settings, device="cpu")
    paint = FirstPaint()
    window.welcome.installEventFilter(paint)
    wait_until(lambda: bool(paint.at))
    settled = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > settled)
    heard: list[float] = []
    mixed = PlaybackLevels.mixed

    def listening(self: PlaybackLevels, lanes: Any, stems: Any, master: Any, *, until: int) -> None:
        if not heard and abs(master).max(initial=0.0) > 0.01:
            heard.extend((time.monotonic(), time.process_time()))
        mixed(self, lanes, stems, master, until=until)

    PlaybackLevels.mixed = listening  # type: ignore[method-assign]
    pressed, before_s = time.monotonic(), time.process_time()
    QTest.mouseClick(window.welcome.stills["farm"], Qt.MouseButton.LeftButton)
    wait_until(lambda: bool(heard) and window.services.player.is_playing, seconds=60)
    return {
        "frame_s": paint.at - began,
        "frame_processor_s": paint.processor_s,
        "sound_s": heard[0] - pressed + BUFFERS_S["normal"],
        "sound_processor_s": heard[1] - before_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--began", type=float, default=0.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.began:
        print(json.dumps(first_minute(options.began)), flush=True)
        os._exit(0)
    found: list[dict[str, float]] = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
            environment = {**os.environ, **{name: f"{folder}/{name.lower()}" for name in names}}
            environment["QT_QPA_PLATFORM"] = "offscreen"
            command = [sys.executable, "-m", "benchmarks.first_minute", f"--began={time.time()}"]
            ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            found.append(json.loads(ended.stdout.splitlines()[-1]))
    for name, what in (("frame_s", "first frame of the window"), ("sound_s", "first sound after a press on a still")):
        values = sorted(each[name] for each in found)
        processor_s = statistics.median(each[name.replace("_s", "_processor_s")] for each in found)
        times = f"median {statistics.median(values):.2f} s, {values[0]:.2f} to {values[-1]:.2f} s"
        print(f"{what}: {times}; of processor time {processor_s:.2f} s")


if __name__ == "__main__":
    main()

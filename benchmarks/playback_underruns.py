"""Dropouts while takes are made: the demo plays in a loop on a sound server of its own while the bundle is loaded and
the demo's objects are generated again and again on every core.

    python -m benchmarks.playback_underruns --seconds 60
    python -m benchmarks.playback_underruns --seconds 60 --effects

With `--effects` every strip has an equalizer and a send to the reverb. Prints the seconds that were played, the
dropouts, how many takes were made meanwhile, and the load of the machine before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def play_and_generate(seconds: float, *, effects: bool) -> dict[str, object]:
    """In a process of its own, on the sound server of the environment."""
    import time

    from PySide6.QtCore import QSettings

    from sounddesk.app.desk import make_application
    from sounddesk.app.desk import open_window
    from sounddesk.app.settings import Settings
    from sounddesk.domain.mixer_effects import Equalizer
    from tests.app.conftest import wait_until

    load = round(os.getloadavg()[0], 1)
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    app = make_application(())
    window = open_window(Settings(), device="cpu")
    window.app_commands.open_demo()
    services = window.services
    document, player = services.document, services.player
    wait_until(lambda: bool(document.project.objects))
    ids = [each.id for each in document.project.objects]
    if effects:
        project = document.project
        for object_id in ids:
            equalizer = Equalizer(high_pass_hz=80.0, bell_db=6.0, low_pass_hz=9000.0)
            project = project.with_strip(object_id, equalizer=equalizer, send_db=-6.0)
        document.commit("Effects", project)
    end_s = document.project.settings.timeline_s
    player.set_loop((0.0, end_s))
    player.play()
    wait_until(lambda: player.position_s > 0.2, seconds=20)
    playback = player._playback
    before, takes, began, heard = playback.dropouts, len(document.takes), time.monotonic(), playback._ring.read
    while time.monotonic() - began < seconds:
        if not services.generate.waiting:
            services.generation.generate(ids)
        wait_until(lambda: not services.generate.waiting or time.monotonic() - began > seconds, seconds=120)
    report = {
        "seconds": round(time.monotonic() - began, 2),
        "played_s": round((playback._ring.read - heard) / 48_000, 2),
        "dropouts": playback.dropouts - before,
        "takes": len(document.takes) - takes,
        "problem": playback.problem,
        "load_before": load,
    }
    # Closing it would ask whether to save.
    window.hide()
    window.shut_down()
    del window, app
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--effects", action="store_true", help="every strip has an equalizer and a send")
    arguments = parser.parse_args()
    if arguments.inside:
        print(json.dumps(play_and_generate(arguments.seconds, effects=arguments.effects)), flush=True)
        # The engine may be in the middle of a step.
        os._exit(0)
    from tests.audio.test_playback_on_a_server import start_server

    with tempfile.TemporaryDirectory() as folder:
        server, environment = start_server(Path(folder))
        try:
            names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
            environment |= {name: f"{folder}/{name.lower()}" for name in names}
            environment |= {"QT_QPA_PLATFORM": "offscreen"}
            command = [sys.executable, "-m", "benchmarks.playback_underruns", "--inside"]
            command += [f"--seconds={arguments.seconds}", *(["--effects"] if arguments.effects else [])]
            subprocess.run(command, env=environment, check=True)
        finally:
            server.terminate()
            server.wait(10)


if __name__ == "__main__":
    main()

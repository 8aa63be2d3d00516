"""What the program connects to by itself, as the kernel sees it: sockets of this machine's display and sound only.

python -m benchmarks.connections [--minutes 60] [--seed 0] [render|export|batch|window ...]

Each job runs under `strace` (Linux) with the starter bundle, its children too. The window is driven for `--minutes`
on the X server of DISPLAY or else offscreen, in rounds of a minute and more: the demo, suggestions, a take, saving, an
export, the project opened again, then random gestures, some a second (select, paint, generate, mix, play, undo).
Exits with 1 where anything but a Unix socket was connected to or sent to.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.batch_shot import draw_shot
from benchmarks.batch_shot import mask_arguments
from benchmarks.kill_jobs import write_example

ROOT = Path(__file__).parents[1]
JOBS = ("render", "export", "batch", "window")
SMALL = ("--seconds", "2", "--steps", "4", "--quiet")
CALLS = "connect,sendto,sendmsg,sendmmsg"
_CALL = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\(.*?sa_family=(AF_\w+)(?:, sun_path=(@?\"[^\"]*\"))?([^}]*)")


def connections(trace: str) -> Counter[str]:
    """How often each address was connected to or sent to, by the lines of strace.

    >>> line = 'connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("1.2.3.4")}, 16) = 0'
    >>> dict(connections(line))
    {'connect AF_INET sin_port=htons(443), sin_addr=inet_addr("1.2.3.4")': 1}
    """
    found: Counter[str] = Counter()
    for line in trace.splitlines():
        if match := _CALL.search(line):
            call, family, path, rest = match.groups()
            found[f"{call} {family} {path or rest.strip(', ')}"] += 1
    return found


def is_elsewhere(address: str) -> bool:
    """Whether it is neither a Unix socket nor the kernel itself."""
    return address.split()[1] not in ("AF_UNIX", "AF_NETLINK")


def command_of(job: str, folder: Path, minutes: float, seed: int) -> list[str]:
    """What is run in `folder` for a job."""
    sounddesk = [sys.executable, "-m", "sounddesk"]
    if job == "render":
        return [*sounddesk, "demo", "--quiet", "--out", "demo"]
    if job == "export":
        write_example(folder / "street.sdesk", 1)
        return [*sounddesk, "export", "street.sdesk", "--quiet", "--daw", "dawproject,rpp,otio,aaf", "--out", "sounds"]
    if job == "batch":
        draw_shot(folder / "shot", frames=4)
        masks = mask_arguments(folder / "shot")
        return [*sounddesk, "batch", "shot", *masks, *SMALL, "--workers", "2", "--out", "sounds"]
    return [sys.executable, "-m", "benchmarks.connections", "--in-the-window", str(minutes), "--seed", str(seed)]


def trace(job: str, *, minutes: float, seed: int) -> Counter[str]:
    """The addresses that a job connects to or sends to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        own = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "HF_", "SOUNDDESK_"))}
        own |= {"HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
        # Said outright, as the helpers of the tests take offscreen for granted.
        own["QT_QPA_PLATFORM"] = "xcb" if "DISPLAY" in own else "offscreen"
        log = folder / "trace"
        command = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-s", "200", "-o", str(log)]
        command += command_of(job, folder, minutes, seed)
        done = subprocess.run(command, cwd=folder, env=own, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            print(f"{job} ended with {done.returncode}", file=sys.stderr)
        return connections(log.read_text(errors="replace"))


# ---------------------------------------------------------------------- in the window


def use_the_window(minutes: float, seed: int) -> None:
    """Whole jobs and random gestures on the real window with the starter bundle, for so long."""
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QDrag
    from PySide6.QtWidgets import QApplication

    from sounddesk.app.desk import make_application
    from sounddesk.app.desk import open_window
    from sounddesk.app.export.export_dialog import ExportRequest
    from sounddesk.app.settings import Settings
    from sounddesk.audio.exporters.export_plan import plan_export
    from sounddesk.audio.exporters.export_settings import ExportSettings
    from tests.app.conftest import wait_until
    from tests.app.test_monkey import Monkey
    from tests.app.test_monkey import close_what_is_in_front

    app = make_application([])
    window = open_window(Settings())
    services, document = window.services, window.services.document
    closer = QTimer()
    closer.timeout.connect(close_what_is_in_front)
    # On an X server a drag waits for a real mouse.
    closer.timeout.connect(QDrag.cancel)
    closer.start(20)

    def rest(seconds: float) -> None:
        until = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= until, seconds=seconds + 60)

    def waited(condition: Callable[[], bool], seconds: float) -> bool:
        """Whether it came true in time."""
        until = time.monotonic() + seconds
        wait_until(lambda: condition() or time.monotonic() > until, seconds=seconds + 60)
        return condition()

    def open_demo() -> None:
        window.app_commands.open_demo()
        wait_until(lambda: document.project.image is not None and len(document.takes) > 0, seconds=120)
        document.commit("Short", document.project.with_settings(seconds=2.0, steps=4, timeline_s=4.0))

    def whole_job(number: int) -> None:
        """A search for objects, a take, saving, an export, and the project opened again."""
        services.actions["objects.suggest"].trigger()
        done["objects suggested"] += waited(lambda: services.actions["objects.accept_suggestion"].isEnabled(), 60)
        services.actions["objects.accept_suggestion"].trigger()
        services.actions["objects.end_suggestions"].trigger()
        before = len(document.takes)
        services.generation.generate([next(each.id for each in document.project.objects if each.kind == "object")])
        done["takes"] += waited(lambda: len(document.takes) > before and not services.generate.waiting, 120)
        project, folder = Path(f"street{number}.sdesk").absolute(), Path(f"sounds{number}").absolute()
        services.store.save_as(project)
        done["saved"] += waited(lambda: project.exists() and not document.is_dirty, 60)
        plan = plan_export(document.project, document.takes, ExportSettings(), name="street")
        window.app_commands.exports.export(ExportRequest(plan=plan, folder=folder))
        done["exported"] += waited(folder.exists, 120)
        services.store.new()
        waited(lambda: document.project.image is None, 60)
        window.files.open(project)
        done["opened"] += waited(lambda: len(document.takes) > before, 60)

    done: Counter[str] = Counter()
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        open_demo()
        whole_job(done["rounds"])
        monkey = Monkey(window, seed + done["rounds"])
        begin = time.monotonic()
        while time.monotonic() < min(end, begin + 60):
            monkey.gesture()
            done["gestures"] += 1
            rest(0.2)
        services.player.stop()
        waited(lambda: not services.generate.waiting, 300)
        services.store.give_up_changes()
        done["rounds"] += 1
        print(dict(done), file=sys.stderr, flush=True)
    closer.stop()
    window.hide()
    window.shut_down()
    QApplication.processEvents()
    del app


def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("jobs", nargs="*", metavar="JOB", help="render, export, batch, window (default: all)")
    options.add_argument("--minutes", type=float, default=60.0, help="of use of the window (default: 60)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--in-the-window", type=float, metavar="MINUTES", help=argparse.SUPPRESS)
    asked = options.parse_args(arguments)
    if asked.in_the_window is not None:
        use_the_window(asked.in_the_window, asked.seed)
        return 0
    if shutil.which("strace") is None:
        raise SystemExit("strace is not installed")
    elsewhere = 0
    for job in asked.jobs or JOBS:
        begin = time.monotonic()
        found = trace(job, minutes=asked.minutes, seed=asked.seed)
        outside = [address for address in found if is_elsewhere(address)]
        elsewhere += len(outside)
        print(f"{job}, {time.monotonic() - begin:.0f} s: {len(outside)} connections elsewhere")
        for address, count in sorted(found.items()):
            print(f"  {count} x {address}")
    return 1 if elsewhere else 0


if __name__ == "__main__":
    sys.exit(main())

"""An artist's first hour, in the real window on a virtual X server, by real mouse and key events and the starter."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sounddesk.audio.placed_clip import frames_of
from sounddesk.audio.resample import resample
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.resources_folder import resource
from sounddesk.storage.project_file import read_project

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
# A window that answers nothing for so long hangs; the start of a process with all its imports is in it.
ANSWER_S = 60.0


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """A virtual X server of 1600 x 1000 pixels."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as numbers:
        number = numbers.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(10)


class Desk:
    """A running desk, driven as by a hand and watched through its probe."""

    def __init__(self, display: str, home: Path, *arguments: str) -> None:
        names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
        folders = {name: str(home / name.lower()) for name in names}
        self.environment = {
            **os.environ, **folders, "HOME": str(home), "DISPLAY": display, "QT_QPA_PLATFORM": "xcb",
            "QT_SCALE_FACTOR": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.desk_with_probe", *arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answers, _, _ = select.select([self.process.stdout], [], [], ANSWER_S)
        assert answers, f"no answer to '{question}' in {ANSWER_S:g} s"
        line = self.process.stdout.readline()
        assert line, f"the desk ended with {self.process.wait(5)}"
        reply = json.loads(line)
        assert not (isinstance(reply, dict) and "error" in reply), reply["error"]
        return reply

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.ask("state"))

    def wait(self, condition: Callable[[dict[str, Any]], bool], *, seconds: float = 60.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while not condition(state := self.state):
            assert time.monotonic() < deadline, f"still waiting after {seconds:g} s: {state}"
            time.sleep(0.05)
        return state

    def do(self, *arguments: str | int) -> None:
        subprocess.run(["xdotool", *map(str, arguments)], env=self.environment, check=True, timeout=30)

    def keys(self, *names: str) -> None:
        """Press keys, in the window or dialog in front."""
        # There is no window manager that would do it.
        self.do("windowfocus", "--sync", self.state["active"])
        for name in names:
            self.do("key", "--clearmodifiers", name)

    def type(self, text: str) -> None:
        self.do("windowfocus", "--sync", self.state["active"])
        self.do("type", "--delay", 5, text)

    def move_to(self, where: str, dx: int = 0, dy: int = 0) -> None:
        x, y = self.ask(f"place {where}")
        self.do("mousemove", "--sync", x + dx, y + dy)

    def click(self, where: str) -> None:
        self.move_to(where)
        self.do("click", 1)

    def drag(self, where: str, *ways: tuple[int, int]) -> None:
        """Press on a place and go by these distances, step by step as a hand does."""
        self.move_to(where)
        self.do("mousedown", 1)
        for dx, dy in ways:
            for _ in range(4):
                self.do("mousemove_relative", "--sync", "--", dx // 4, dy // 4)
        self.do("mouseup", 1)

    def screenshot(self, file: Path) -> None:
        if shutil.which("import"):
            subprocess.run(["import", "-window", "root", str(file)], env=self.environment, check=False, timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.mark.timeout(900)
def test_from_a_still_to_stems_with_a_crash_in_between(display: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    still = tmp_path / "scene.webp"
    shutil.copyfile(resource("demo") / "scene.webp", still)
    desk = Desk(display, home)
    try:
        project_file = one_hour_at_the_desk(desk, still, tmp_path)
        before_crash = desk.state
        # The working copy is written beside the events; a killed desk must have it soon after.
        time.sleep(3)
        desk.kill()
        desk = Desk(display, home)
        recovered_and_exported(desk, before_crash, tmp_path)
    finally:
        desk.screenshot(tmp_path / "at_the_end.png")
        desk.kill()
    compare_with_the_engine(project_file, tmp_path / "out")


def one_hour_at_the_desk(desk: Desk, still: Path, tmp_path: Path) -> Path:
    """Open, select, paint, generate, mix, undo and redo, save, and one change more; the project file."""
    desk.wait(lambda s: s["page"] == 0)
    desk.keys("ctrl+o")
    desk.wait(lambda s: s["dialog"] is not None)
    desk.type(str(still))
    desk.keys("Return")
    opened = desk.wait(lambda s: s["image"] and s["dialog"] is None)
    desk.keys("v")
    for index, where in enumerate(object_centres()[:2]):
        desk.click(f"image {where[0]},{where[1]}")
        desk.wait(lambda s, n=index + 1: len(s["objects"]) == n and not s["busy"])
        desk.keys("Return")
    desk.keys("b")
    desk.wait(lambda s: s["tool"] == "brush")
    x, y = object_centres()[2]
    desk.drag(f"image {x},{y}", (24, 0), (0, 16), (-24, 8))
    painted = desk.wait(lambda s: len(s["objects"]) == 3)
    assert all(has_mask for _, _, has_mask in painted["objects"])
    desk.keys("ctrl+shift+g")
    made = desk.wait(lambda s: s["takes"] == 3 and len(s["clips"]) == 3, seconds=240)

    first, second = made["objects"][0][0], made["objects"][1][0]
    desk.drag(f"fader {first}", (0, 24))
    # A drag shows in the state before the button is let go of, and counts as a step only then.
    lowered = desk.wait(lambda s: s["gains_db"][0] < -1 and not s["in_gesture"])
    desk.click(f"solo {second}")
    desk.wait(lambda s: s["soloed"] == [False, True, False])
    clip = lowered["clips"][1][0]
    desk.drag(f"clip {clip}", (40, 0))
    done = desk.wait(lambda s: s["clips"][1][1] > 0.3 and not s["in_gesture"])
    desk.screenshot(tmp_path / "before_undo.png")

    for _ in range(done["undo"] - opened["undo"]):
        desk.keys("ctrl+z")
    assert desk.wait(lambda s: s["undo"] == opened["undo"])["fingerprint"] == opened["fingerprint"]
    for _ in range(done["undo"] - opened["undo"]):
        desk.keys("ctrl+shift+z")
    assert desk.wait(lambda s: s["undo"] == done["undo"])["fingerprint"] == done["fingerprint"]

    project_file = tmp_path / "shot.sdesk"
    desk.keys("ctrl+s")
    desk.wait(lambda s: s["dialog"] is not None)
    desk.keys("ctrl+a")
    desk.type(str(project_file))
    desk.keys("Return")
    desk.wait(lambda s: s["path"] == str(project_file) and not s["dirty"])
    desk.click(f"solo {second}")
    desk.wait(lambda s: s["soloed"] == [False, False, False] and s["dirty"])
    return project_file


def recovered_and_exported(desk: Desk, before: dict[str, Any], tmp_path: Path) -> None:
    """Take the offered recovery, compare, save and export."""
    desk.wait(lambda s: s["dialog"] is not None)
    desk.screenshot(tmp_path / "recovery.png")
    desk.click("button Recover")
    back = desk.wait(lambda s: s["dialog"] is None and s["image"])
    assert back["fingerprint"] == before["fingerprint"]
    assert back["takes"] == before["takes"]
    desk.keys("ctrl+s")
    desk.wait(lambda s: not s["dirty"])
    desk.keys("ctrl+e")
    desk.wait(lambda s: s["dialog"] is not None)
    # The folder's field has the focus.
    desk.keys("ctrl+a")
    desk.type(str(tmp_path / "out"))
    desk.click("button Export")
    desk.wait(lambda s: s["dialog"] is None and "files are in" in s["message"])


def object_centres() -> list[tuple[int, int]]:
    """A place well inside each object of the demo image, from its masks."""
    from scipy import ndimage

    from sounddesk.engine.images.image_file import load_image
    from sounddesk.engine.images.mask_file import load_mask

    folder = resource("demo")
    image = load_image(folder / "scene.webp")
    places = []
    for each in json.loads((folder / "scene.json").read_text())["objects"]:
        mask = load_mask(folder / "masks" / f"{each['name']}.png", image_size=(image.width, image.height))
        depth = ndimage.distance_transform_edt(np.asarray(mask) > 0.5)
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        places.append((int(column), int(row)))
    return places


def compare_with_the_engine(project_file: Path, out: Path) -> None:
    """The exported stems are what the engine makes from the recipes in the saved project, through the saved mix."""
    contents = read_project(project_file)
    project, image = contents.project, contents.project.image
    assert image is not None
    kept = project_file.with_name("kept.png")
    kept.write_bytes(contents.images[image.sha256])
    takes = {take.object_id: take for take in contents.takes}
    settings = project.settings
    request = GenerationRequest(
        image=load_image(kept).pixels,
        takes=tuple(
            ObjectRequest(name=each.name, mask=each.mask.to_array() / np.float32(255), seed=takes[each.id].seed)
            for each in project.objects
        ),
        seconds=settings.seconds,
        sampling=SamplingSettings(steps=settings.steps, guidance=settings.guidance),
    )
    with EngineSession.open(bundle=settings.bundle, device="cpu") as session:
        session.load()
        made = session.generate(request)
    fresh = {}
    for each, generated in zip(project.objects, made, strict=True):
        take = takes[each.id]
        # The desk's worker may run with another number of threads, whose sums are rounded in another order.
        np.testing.assert_allclose(generated.waveform, take.waveform, atol=1e-3)
        fresh[take.id] = resample(generated.waveform, from_hz=take.sample_rate_hz, to_hz=PROJECT_RATE_HZ)
    count = frames_of(settings.timeline_s)
    stems = TimelineMix(project, fresh.get).stems(0, count)
    files = {file.stem.partition("_")[2]: file for file in out.glob("*.wav")}
    assert set(files) == {"mix", *(each.name.replace(" ", "_") for each in project.objects)}
    sounds = {}
    for name, file in files.items():
        sounds[name], rate_hz = soundfile.read(file, dtype="float64", always_2d=True)
        assert rate_hz == 48_000
        assert sounds[name].shape == (count, 2)
    for each, expected in zip(project.objects, stems, strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(sounds[each.name.replace(" ", "_")], expected, atol=2e-3)
    mix = sounds.pop("mix")
    np.testing.assert_allclose(sum(sounds.values()), mix, atol=1e-6)

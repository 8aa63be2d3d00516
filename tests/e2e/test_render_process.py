"""The command as a process: signals, a killed run, a limit of the system, a headless machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL import ImageDraw

import sounddesk
from tests.wav_reader import read_pcm

ROOT = Path(sounddesk.__file__).parent.parent
posix_only = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
LONG = ("--seconds", "60", "--steps", "1000")
SHORT = ("--seconds", "1", "--steps", "2")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with scene.png and dog.png (its mask)."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)).save(tmp_path / "scene.png")
    mask = Image.new("L", (160, 120))
    ImageDraw.Draw(mask).rectangle((20, 30, 60, 90), fill=255)
    mask.save(tmp_path / "dog.png")
    return tmp_path


def command(bundle: Path, *more: str) -> list[str]:
    start = [sys.executable, "-m", "sounddesk", "render", "scene.png", "--mask", "dog@dog.png"]
    return [*start, "--bundle", str(bundle), "--out", "out", *more]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def denoising(place: Path, bundle_folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A render that is in the middle of its work."""
    process = subprocess.Popen(
        command(bundle_folder, *LONG), cwd=place, env=environment(), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("denoise"):
            break
    else:
        raise AssertionError(f"ended with {process.wait()} before it denoised")
    assert any(path.name.startswith(".sounddesk") for path in place.iterdir())
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stderr.close()


def visible(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


@posix_only
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_130_and_leaves_nothing(
    denoising: subprocess.Popen[str], place: Path, number: signal.Signals
) -> None:
    denoising.send_signal(number)
    assert denoising.stderr is not None
    error = denoising.stderr.read()
    assert denoising.wait(60) == 130
    assert "nothing was written" in error
    assert "Traceback" not in error
    assert visible(place) == {"scene.png", "dog.png"}


@posix_only
@pytest.mark.slow
def test_a_second_signal_ends_it_at_once_and_still_leaves_nothing(
    denoising: subprocess.Popen[str], place: Path
) -> None:
    denoising.send_signal(signal.SIGINT)
    # The first one is answered before the second is sent; together they would count as one.
    assert denoising.stderr is not None
    assert "stopping" in next(line for line in denoising.stderr if "stopping" in line)
    denoising.send_signal(signal.SIGINT)
    error = denoising.stderr.read()
    assert denoising.wait(60) == 130
    assert "Traceback" not in error
    assert visible(place) == {"scene.png", "dog.png"}


@posix_only
@pytest.mark.slow
def test_a_killed_render_shows_nothing_and_the_next_one_cleans_up(
    denoising: subprocess.Popen[str], place: Path, bundle_folder: Path
) -> None:
    denoising.kill()
    denoising.wait(60)
    assert not (place / "out").exists()
    ended = subprocess.run(
        command(bundle_folder, *SHORT, "--json"), cwd=place, env=environment(), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["folder"] == "out"
    assert visible(place) == {"scene.png", "dog.png", "out"}


@posix_only
@pytest.mark.slow
def test_a_second_render_into_the_same_folder_is_refused_while_the_first_runs(
    denoising: subprocess.Popen[str], place: Path, bundle_folder: Path
) -> None:
    ended = subprocess.run(command(bundle_folder, *SHORT), cwd=place, env=environment(), capture_output=True, text=True)
    assert ended.returncode == 2
    assert str(denoising.pid) in ended.stderr
    assert denoising.poll() is None


@posix_only
@pytest.mark.slow
def test_a_file_that_the_system_refuses_to_hold_leaves_nothing(place: Path, bundle_folder: Path) -> None:
    import resource

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    ended = subprocess.run(
        command(bundle_folder, *SHORT),
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=limit_files,
    )
    assert ended.returncode == 3, ended.stderr
    assert "dog.wav" in ended.stderr
    assert "choose another folder" in ended.stderr
    assert visible(place) == {"scene.png", "dog.png"}


@pytest.mark.slow
def test_without_a_screen_or_a_home_it_works(place: Path, bundle_folder: Path) -> None:
    bare = {name: value for name, value in environment().items() if name not in ("DISPLAY", "HOME", "TERM", "LANG")}
    ended = subprocess.run(
        command(bundle_folder, *SHORT), cwd=place, env={**bare, "LC_ALL": "C"}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert len(read_pcm(place / "out" / "dog.wav").steps) == 48_000

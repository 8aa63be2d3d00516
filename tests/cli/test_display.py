"""A screen that does not answer is told before Qt ends the program."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sounddesk.cli.display import check_display
from sounddesk.domain.errors import BadInputError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 and Wayland are of Linux")


@pytest.mark.parametrize("name", [":4242", ":4242.0", "localhost:4711", "nonsense", ":"])
@pytest.mark.parametrize("platform", ["", "xcb"])
def test_a_dead_x_server_is_named(name: str, platform: str) -> None:
    with pytest.raises(BadInputError, match=f"no display at {name}: .*sounddesk render"):
        check_display({"DISPLAY": name, "QT_QPA_PLATFORM": platform})


def test_no_screen_at_all_is_said() -> None:
    with pytest.raises(BadInputError, match="DISPLAY and WAYLAND_DISPLAY are not set"):
        check_display({})
    check_display({"QT_QPA_PLATFORM": "offscreen"})
    check_display({"QT_QPA_PLATFORM": "vnc:size=800x600", "DISPLAY": ":4242"})


def test_a_wayland_server_answers_or_is_named(tmp_path: Path) -> None:
    environment = {"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":4242"}
    with pytest.raises(BadInputError, match="no display at :4242 or wayland-7"):
        check_display(environment)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-7"))
        server.listen()
        check_display(environment)
        with pytest.raises(BadInputError, match="no display at :4242:"):
            check_display({**environment, "QT_QPA_PLATFORM": "xcb"})


def test_the_window_ends_with_a_message_and_no_core() -> None:
    environment = {**os.environ, "DISPLAY": ":4242", "QT_QPA_PLATFORM": "xcb"}
    ended = subprocess.run(
        [sys.executable, "-m", "sounddesk", "desk"],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("sounddesk: no display at :4242")


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed")
def test_a_server_that_lives_answers(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing)], pass_fds=[writing], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writing)
        number = os.read(reading, 16).decode().strip()
        try:
            check_display({"DISPLAY": f":{number}"})
        finally:
            server.terminate()
    os.close(reading)
    time.sleep(0.1)
    with pytest.raises(BadInputError, match="no display"):
        check_display({"DISPLAY": f":{number}"})

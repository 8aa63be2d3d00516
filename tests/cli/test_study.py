"""`sounddesk study` from making one to its report, with listeners over real HTTP."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.cli.conftest import Run
from tests.evaluation.study.conftest import write_material


def arguments(folder: Path, *more: str) -> list[str]:
    systems = [f"{name}={folder / name}" for name in ("good", "bad")]
    return ["study", "new", *systems, "--manifest", str(folder / "clips.jsonl"), "--out", str(folder / "s"), *more]


@pytest.mark.slow
def test_a_study_is_made_served_and_reported(run: Run, tmp_path: Path) -> None:
    write_material(tmp_path)
    made = run(*arguments(tmp_path, "--clips", "2", "--controls", "1", "--least-seconds", "0", "--json"))
    assert made.code == 0, made.err
    assert (made.document["samples"], made.document["controls"]) == (4, 1)
    assert made.document["with_object"] in (2, 3)  # of one clip, whose control may be among them
    command = [sys.executable, "-m", "sounddesk", "study", "serve", str(tmp_path / "s")]
    command += ["--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            address = re.fullmatch(r"http://([\d.]+):(\d+)/\n", server.stdout.readline())
            connection = http.client.HTTPConnection(address[1], int(address[2]), timeout=30)
            for listener in (1, 2):
                rate_all(connection, rating=listener + 1)
            connection.close()
        finally:
            server.send_signal(signal.SIGINT)
            told = server.communicate(timeout=60)[1]
    assert "Traceback" not in told
    reported = run("study", "report", str(tmp_path / "s"), "--first", "good", "--control-limit", "2.5", "--json")
    assert reported.code == 0, reported.err
    assert reported.document["listeners"]["counted"] == [1]
    assert reported.document["means"]["good"]["OVL"]["mean"] == 2.0
    assert (tmp_path / "s-report" / "answers.csv").is_file()


def rate_all(connection: http.client.HTTPConnection, *, rating: int) -> None:
    """A listener who says the same of everything."""
    connection.request("POST", "/begin")
    response = connection.getresponse()
    cookie = response.getheader("Set-Cookie")
    response.read()
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    headers = {"Cookie": cookie.split(";")[0], "Content-Type": "application/x-www-form-urlencoded"}
    while True:
        connection.request("GET", "/sample", headers=headers)
        page = connection.getresponse().read().decode()
        number = re.search(r'name="sample" value="(\d+)"', page)
        if number is None:
            assert "Thank you" in page
            return
        asked = set(re.findall(r'type="radio" name="(\w+)"', page))
        connection.request("POST", "/sample", urlencode({"sample": number[1], **dict.fromkeys(asked, rating)}), headers)
        answered = connection.getresponse()
        answered.read()
        assert answered.status == 303


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--clips", "9"], "4 clips have a sound of every system, and 9"),
        (["--least-seconds", "-1"], "--least-seconds is -1: choose from 0 to 3600"),
        (["--controls", "-1"], "--controls is -1: choose from 0 to 1000"),
    ],
)
def test_a_study_that_cannot_be_made(more: list[str], message: str, run: Run, tmp_path: Path) -> None:
    write_material(tmp_path)
    ended = run(*arguments(tmp_path, *more))
    assert ended.code == 2
    assert message in ended.err
    assert not (tmp_path / "s").exists()


def test_what_is_no_study_is_neither_served_nor_reported(run: Run, tmp_path: Path) -> None:
    for command in ("serve", "report"):
        ended = run("study", command, str(tmp_path))
        assert ended.code == 2
        assert "make one with 'sounddesk study new'" in ended.err


def test_recorded_tasks_are_reported(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "tasks.jsonl"
    log.write_text('{"task": "bark", "seconds": 90, "attempts": 2, "satisfaction": 5, "succeeded": true}\n')
    told = run("study", "tasks", str(log), "--json")
    assert told.code == 0, told.err
    assert told.document["rows"][0]["minutes"] == {"mean": 1.5, "margin_95": None}
    assert run("study", "tasks", str(tmp_path / "none")).code == 2

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import sounddesk
from sounddesk.cli import desk as cli_desk
from sounddesk.cli import doctor
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.main import main
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError

ROOT = Path(sounddesk.__file__).parent.parent
HEAVY = ("torch", "diffusers", "transformers", "cv2", "scipy", "PIL", "PySide6", "sounddevice")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["render", "--help"], ["export", "--help"], ["train", "run", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.main import main
assert main({arguments!r}) == 0
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    ended = run_python(code)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"


def test_help_takes_at_most_400_ms() -> None:
    # Processor time, which on an idle machine is the time waited for; the machine may be busy with something else.
    times_s = []
    for _ in range(3):
        before = os.times()
        ended = run_python("import sys; from sounddesk.cli.main import main; sys.exit(main(['--help']))")
        after = os.times()
        times_s.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert ended.returncode == 0
        assert "exit codes" in ended.stdout
    assert 0 < min(times_s) <= 0.4, times_s


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "render" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["sing"], ["render", "--loud"], ["doctor", "--js"], ["evaluate"], ["render", "a.png", "--seconds", "x"]],
)
def test_wrong_usage_is_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "--help" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (EngineError("too little memory: choose fewer objects"), 3, "choose fewer objects"),
        (MemoryError(), 3, "out of memory"),
        (Cancelled(), 130, "cancelled"),
        (KeyboardInterrupt(), 130, "cancelled"),
        (ZeroDivisionError("oh"), 1, "a fault of sounddesk: ZeroDivisionError: oh"),
    ],
)
def test_every_ending_has_its_exit_code(
    error: BaseException,
    code: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_out: Path) -> None:
        raise error

    monkeypatch.setattr(doctor, "examine", fail)
    assert main(["doctor", "--json"]) == code
    out, err = capsys.readouterr()
    assert text in err
    assert "Traceback" not in err
    document = json.loads(out)
    assert document["ok"] is False
    assert document["exit_code"] == code
    assert text in document["error"]


def test_a_traceback_is_shown_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_out: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(doctor, "examine", fail)
    monkeypatch.setenv("SOUNDDESK_TRACEBACK", "1")
    assert main(["doctor"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.slow
def test_a_closed_pipe_is_no_fault() -> None:
    command = f"{sys.executable} -m sounddesk doctor --json | head -c 1"
    ended = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert ended.stdout == "{"
    assert "BrokenPipe" not in ended.stderr


def test_a_file_alone_is_opened_in_the_window(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[Path | None] = []

    class Window:
        @staticmethod
        def run(path: Path | None, **_settings: object) -> int:
            opened.append(path)
            return 0

    monkeypatch.setattr(cli_desk, "check_display", lambda _environment: None)
    monkeypatch.setattr("sounddesk.app.desk", Window, raising=False)
    (tmp_path / "shot.mov").touch()
    assert main([str(tmp_path / "shot.mov")]) == 0
    assert main(["desk", str(tmp_path / "shot.mov")]) == 0
    assert opened == [tmp_path / "shot.mov"] * 2
    assert main([str(tmp_path / "none.mov")]) == main(["x" * 5000]) == 2


def test_too_little_memory_for_a_library_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_out: Path) -> None:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")

    monkeypatch.setattr(doctor, "examine", fail)
    assert main(["doctor"]) == 3
    assert "not enough memory" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing limits a process's memory")
def test_a_process_that_may_have_hardly_any_memory_says_so(tmp_path: Path) -> None:
    command = f"ulimit -v 60000; exec {shlex.quote(sys.executable)} -m sounddesk export p.sdesk --out {tmp_path}/out"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 3, ended.stderr
    assert "memory" in ended.stderr and "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--bundle", "--device"])
@pytest.mark.parametrize("command", [["render", "a.png"], ["batch", "shot"]])
def test_an_option_that_the_shell_left_empty_is_refused(
    command: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, option, ""]) == ExitCode.BAD_INPUT
    assert f"argument {option}: it is empty: name one, or leave the option out" in capsys.readouterr().err

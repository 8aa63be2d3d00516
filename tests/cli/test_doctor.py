from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sounddesk.cli import doctor
from sounddesk.cli import health_checks
from sounddesk.cli import system_libraries
from sounddesk.cli.check_result import CheckResult
from sounddesk.cli.main import main


def fine() -> CheckResult:
    return CheckResult(section="machine", name="device", value="cpu")


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which everything that is required is there."""
    for name in ("check_device", "check_memory", "check_bundles", "check_segmenter"):
        monkeypatch.setattr(health_checks, name, fine)
    monkeypatch.setattr(health_checks, "check_packages", lambda: [fine()])
    return monkeypatch


def test_exit_code_says_whether_rendering_works(
    healthy: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    healthy.setattr(
        health_checks,
        "check_bundles",
        lambda: [CheckResult(section="bundles", name="starter", value="gone", ok=False, required=True)],
    )
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_what_rendering_does_not_need_does_not_stop_it(healthy: pytest.MonkeyPatch) -> None:
    healthy.setattr(system_libraries.ctypes.util, "find_library", lambda _name: None)
    healthy.setitem(sys.modules, "sounddevice", None)  # importing it fails, as without the package
    assert main(["doctor"]) == 0


def test_a_look_that_fails_is_reported_and_the_others_go_on(
    healthy: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> CheckResult:
        raise RuntimeError("the driver is from another planet")

    healthy.setattr(health_checks, "check_device", broken)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "another planet" in out
    assert "PortAudio" in out


def test_portaudio_missing_names_purpose_and_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_name: str) -> object:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(system_libraries.shutil, "which", lambda name: "/bin/dnf" if name == "dnf" else None)
    result = system_libraries.find_portaudio(load)
    assert not result.ok
    assert not result.required
    assert "playing" in result.needed_for


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install libportaudio2"),
        ("dnf", "sudo dnf install portaudio"),
        ("brew", "brew install portaudio"),
        (None, "install PortAudio with your system's package manager"),
    ],
)
def test_the_command_fits_the_package_manager(manager: str | None, command: str) -> None:
    def which(name: str) -> str | None:
        return f"/usr/bin/{name}" if name == manager else None

    assert system_libraries.install_command(system_libraries.PORTAUDIO, which=which) == command


def test_qt_libraries_are_looked_for_on_linux_only() -> None:
    assert system_libraries.find_qt_libraries(platform="darwin", find=lambda _name: None) == []
    found = system_libraries.find_qt_libraries(platform="linux", find=lambda name: None if "cursor" in name else name)
    assert [result.name for result in found if not result.ok] == ["libxcb-cursor"]


def test_disk_is_looked_at_where_the_result_would_go(tmp_path: Path) -> None:
    result = health_checks.check_disk(tmp_path / "not" / "there" / "yet")
    assert result.ok
    assert str(tmp_path) in result.value


def test_marks_and_remedies_in_the_text() -> None:
    lines = doctor.report_lines(
        [
            CheckResult(section="a", name="x", value="1"),
            CheckResult(section="a", name="y", value="none", ok=False, needed_for="dancing", remedy="learn it"),
            CheckResult(
                section="b", name="z", value="none", ok=False, required=True, needed_for="life", remedy="breathe"
            ),
        ]
    )
    assert lines == [
        "a",
        "   x: 1",
        "!  y: none",
        "     needed for dancing; learn it",
        "",
        "b",
        "!! z: none",
        "     needed for life; breathe",
    ]


@pytest.mark.slow
def test_versions_name_what_is_installed() -> None:
    results = {result.name: result for result in health_checks.check_packages()}
    assert results["torch"].ok
    assert results["numpy"].value == np.__version__


def test_the_frozen_app_brings_libraries_and_has_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libxcb-cursor.so.0").touch()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    monkeypatch.setattr(system_libraries.ctypes.util, "find_library", lambda _name: None)
    missing = {result.name for result in system_libraries.find_qt_libraries(platform="linux") if not result.ok}
    assert "libEGL" in missing and "libxcb-cursor" not in missing
    monkeypatch.setattr(health_checks, "_PACKAGES", ("no-such-package",))
    assert health_checks.check_packages()[-1].remedy == "install sounddesk again"


def test_a_release_that_is_newer_is_told(
    healthy: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "release.json"
    files = [{"name": "sounddesk-99.whl", "bytes": 7, "sha256": "0" * 64}]
    path.write_text(json.dumps({"schema_version": 1, "version": "99.0", "date": "2026-11-30", "artefacts": files}))
    assert main(["doctor", "--release", str(path)]) == 0
    out = capsys.readouterr().out
    assert "99.0 of 2026-11-30 is newer than" in out and "install one of sounddesk-99.whl" in out
    path.write_text("{}")
    assert main(["doctor", "--release", str(path)]) == 2

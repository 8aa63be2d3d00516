from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.cli.main import main
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    noise = (np.random.default_rng(5).standard_normal(32_000) * 0.1).astype(np.float32)
    take = Take(
        id="t", object_id="o", number=1, seed=3, waveform=noise, sample_rate_hz=16_000, created="2026-11-24T00:00:00",
        recipe={"bundle": "starter"},
    )  # fmt: skip
    project = Project(
        objects=(SceneObject(id="o", name="dog", mask=TiledMask.empty(width=2, height=2), seed=0),),
        clips=(Clip(id="c", object_id="o", take_id="t", start_s=0.0, duration_s=2.0),),
        settings=ProjectSettings(timeline_s=2.0),
    )
    path = tmp_path / "street.sdesk"
    write_project(path, ProjectContents(project=project, takes=(take,)))
    return path


def test_a_project_becomes_files(project_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["export", str(project_file), "--out", str(out), "--json", "--rate", "44100"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [entry["file"] for entry in told["files"]] == ["street_dog.wav", "street_mix.wav"]
    assert told["files"][0]["lufs"] < -10
    assert soundfile.info(out / "street_dog.wav").samplerate == 44_100
    sidecar = json.loads((out / told["other_files"][0]).read_text())
    # The starter ships, so its licence is known.
    assert "paid work" in sidecar["files"][0]["takes"][0]["licence"]
    assert main(["export", str(project_file), "--out", str(out), "--rate", "44100"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_recording_whose_licence_forbids_paid_work_is_named_and_stands_in_the_files(
    project_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = read_project(project_file)
    recording = {"file": "dog.wav", "sha256": "a" * 64, "originator": "Jane", "licence": "house", "commercial": False}
    take = dataclasses.replace(contents.takes[0], recipe={"recordings": [recording]})
    write_project(project_file, dataclasses.replace(contents, takes=(take,)))
    out = tmp_path / "out"
    assert main(["export", str(project_file), "--out", str(out), "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == ["the licence of dog.wav (house) forbids paid work"]
    assert main(["export", str(project_file), "--out", str(out), "--format", "flac16"]) == 0
    assert "the licence of dog.wav (house) forbids paid work" in capsys.readouterr().err
    data = (out / "street_dog.flac").read_bytes()
    assert b"recording dog.wav by Jane (licence: house, no paid work)" in data
    assert b"file: dog.wav; originator: Jane; licence: house; sha256: aaaa" in data
    free = dataclasses.replace(contents.project.settings, paid_work=False)
    project = dataclasses.replace(contents.project, settings=free)
    write_project(project_file, dataclasses.replace(contents, takes=(take,), project=project))
    assert main(["export", str(project_file), "--out", str(out), "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []


def test_list_writes_nothing(project_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["export", str(project_file), "--out", str(out), "--list", "--preset", "library", "--what", "takes"]
    assert main([*arguments, "--creator", "jane", "--no-sidecar"]) == 0
    assert capsys.readouterr().out.split() == ["ANMLDog_DogTake01_Jane_Street.wav"]
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "mp3"], "format is 'mp3'"),
        (["--what", "stems,noise"], "--what has 'noise'"),
        (["--what", "takes:best"], "takes is 'best'"),
        (["--preset", "none"], "preset is 'none'"),
        (["--range", "3", "9"], "range begins at 3 s"),
        (["--daw", "cubase"], "project file format is 'cubase'"),
        (["--names", "{nose}"], "nose"),
    ],
)
def test_a_wrong_option_is_one_line(
    project_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["export", str(project_file), "--out", str(tmp_path / "out"), *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_file_that_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "none.sdesk"), "--out", str(tmp_path / "out")]) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "package"), [("otio", "opentimelineio"), ("aaf", "aaf2")])
def test_a_missing_package_is_one_line(
    project_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["export", str(project_file), "--out", str(tmp_path / "out"), "--daw", kind]) == 2
    told = capsys.readouterr().err
    assert f"pip install 'sounddesk[{kind}]'" in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()

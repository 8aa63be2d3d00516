"""One broken bundle, model or catalogue is named where things are listed, and stops nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sounddesk.cli.health_checks import check_bundles
from sounddesk.cli.health_checks import check_models
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.engine.segmenters.choice import choose_segmenter
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from tests.cli.conftest import Run
from tests.cli.conftest import draw_scene

RECORD = {
    "schema_version": 1,
    "id": "mine",
    "name": "Mine",
    "kind": "segmenter",
    "licence": {"name": "MIT", "spdx": "MIT", "commercial": "yes"},
    "accepted_at": "2026-11-24 10:03:11",
    "origin": "me",
    "folder": None,
    "files": {"model.safetensors": {"sha256": "0" * 64, "bytes": 9}},
}


def text(content: str | bytes) -> Callable[[Path], object]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda path: path.write_bytes(data)


BROKEN: dict[str, Callable[[Path], object]] = {
    "empty": text(""),
    "not UTF-8": text(b"\xff\xfe{"),
    "another kind": text("[]"),
    "no keys": text("{}"),
    "digits": text('{"schema_version": %s}' % ("9" * 5000)),
    "deep": text("[" * 100_000),
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "half a character": text('{"schema_version": 1, "name": "\\ud800"}'),
}
RECORDS = {
    "a path that leads out": RECORD | {"files": {"../../x": {"sha256": "0" * 64, "bytes": 9}}},
    "a NUL in a path": RECORD | {"files": {"a\0b": {"sha256": "0" * 64, "bytes": 9}}},
    "a folder of nobody": RECORD | {"folder": "~nosuchuser/x"},
    "a huge file": RECORD | {"files": {"x": {"sha256": "0" * 64, "bytes": 10**30}}},
    "a text engine that is none": RECORD | {"kind": "text_engine"},
}
for _name, _record in RECORDS.items():
    BROKEN[_name] = text(json.dumps(_record))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("SOUNDDESK_MODELS", raising=False)
    return tmp_path / "data" / "sounddesk"


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    noise = (np.random.default_rng(5).standard_normal(16_000) * 0.1).astype(np.float32)
    take = Take(
        id="t", object_id="o", number=1, seed=3, waveform=noise, sample_rate_hz=16_000, created="2026-11-24T00:00:00",
        recipe={"bundle": "starter"},
    )  # fmt: skip
    project = Project(
        objects=(SceneObject(id="o", name="dog", mask=TiledMask.empty(width=2, height=2), seed=0),),
        clips=(Clip(id="c", object_id="o", take_id="t", start_s=0.0, duration_s=1.0),),
        settings=ProjectSettings(timeline_s=1.0),
    )
    write_project(tmp_path / "p.sdesk", ProjectContents(project=project, takes=(take,)))
    return tmp_path / "p.sdesk"


@pytest.mark.parametrize("kind", list(BROKEN))
def test_all_goes_on_around_it(run: Run, data: Path, project_file: Path, tmp_path: Path, kind: str) -> None:
    for folder, name in (("bundles/b", "bundle.json"), ("models/mine", "model.json")):
        (data / folder).mkdir(parents=True)
        BROKEN[kind](data / folder / name)
    listed = run("models", "list")
    assert listed.code == 0 and "sam-vit-b" in listed.out
    if kind not in RECORDS and "link" not in kind:
        assert "!! mine: a record is damaged" in listed.out
    assert all(result.section == "installed models" for result in check_models())
    assert any(result.ok and "files intact" in result.value for result in check_bundles())
    exported = run("export", str(project_file), "--out", str(tmp_path / "out"))
    assert exported.code == 0, exported.err
    assert run("render", "nothing.png", "--bundle", "none such").code == 2


def test_a_click_is_answered_around_it(data: Path) -> None:
    for name, broken in BROKEN.items():
        folder = data / "models" / name.replace(" ", "-").lower()
        folder.mkdir(parents=True)
        broken(folder / "model.json")
    choice = choose_segmenter()
    encoded = choice.segmenter.encode(np.asarray(draw_scene()))
    assert choice.segmenter.predict(encoded, Prompt.click(40, 60))[0].mask[60, 40]


@pytest.mark.parametrize("content", ["", "[[", "model = 3", "schema_version = 1\n[[model]]\nid = 1979-05-27", "\udcff"])
def test_a_broken_catalogue_is_named_and_left_out(run: Run, data: Path, content: str) -> None:
    (data / "catalogues").mkdir(parents=True)
    (data / "catalogues" / "theirs.toml").write_bytes(content.encode(errors="surrogateescape"))
    listed = run("models", "list")
    assert listed.code == 0
    assert "sam-vit-b" in listed.out and "!! catalogue" in listed.out and "theirs.toml" in listed.out
    refused = run("models", "install", "sam-vit-b", "--offline")
    assert refused.code == 2 and "theirs.toml" in refused.err and "accept its licence first" in refused.err

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sounddesk.cli import demo
from sounddesk.resources_folder import resource
from tests.cli.conftest import Run
from tests.cli.conftest import files_in
from tests.wav_reader import read_pcm


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, bundle_folder: Path) -> None:
    """The demo with the tiny bundle in place of the starter; the starter itself runs in CI."""
    monkeypatch.setattr(demo, "DEFAULT_BUNDLE", str(bundle_folder))


def test_demo_renders_every_object_of_its_image(
    tiny: None, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run("demo", "--seconds", "1")
    assert ended.code == 0, ended.err
    assert "sounddesk-demo" in ended.out
    names = [entry["name"] for entry in json.loads((resource("demo") / "scene.json").read_text())["objects"]]
    assert len(names) >= 2
    place = tmp_path / "sounddesk-demo"
    stems = [read_pcm(place / f"{name}.wav").steps for name in names]
    assert np.array_equal(sum(stems), read_pcm(place / "mix.wav").steps)
    assert {"masks.png", "spectrograms.png", "recipe.json"} < files_in(place)


@pytest.mark.slow
def test_demo_goes_where_it_is_told(tiny: None, run: Run, tmp_path: Path) -> None:
    ended = run("demo", "--seconds", "1", "--json", "--quiet", "--out", str(tmp_path / "there"))
    assert ended.document["folder"] == str(tmp_path / "there")
    assert (tmp_path / "there" / "mix.wav").is_file()


def test_demo_refuses_a_length_that_cannot_be(run: Run, tmp_path: Path) -> None:
    ended = run("demo", "--seconds", "0", "--out", str(tmp_path / "there"))
    assert ended.code == 2
    assert not (tmp_path / "there").exists()

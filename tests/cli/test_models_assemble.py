"""From the hub to a bundle that sounds, and the dry run with random weights; everything at tiny size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.cli.main import main
from sounddesk.engine.bundles.random_parts import PAPER_SHAPES
from sounddesk.engine.catalogue.entries import load_catalogue
from tests.cli.conftest import Run
from tests.cli.conftest import files_in
from tests.engine.local_hub import local_hub
from tests.published_parts import TINY
from tests.published_parts import write_tiny_parts

RENDER = ("scene.png", "--mask", "red@red.png", "--seconds", "1", "--steps", "2", "--quiet")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_tiny_parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(autouse=True)
def own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("SOUNDDESK_MODELS", raising=False)


@pytest.mark.slow
def test_install_assemble_render(
    run: Run, place: Path, parts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    early = run("models", "assemble", "paper-s")
    assert early.code == 3 and "model 'audioldm-s' is not installed: run 'sounddesk models install" in early.err
    entries = load_catalogue()
    with local_hub() as hub:
        for model_id, folder in zip(("audioldm-s", "clip-vit-b-32"), parts, strict=True):
            source = entries[model_id].hub
            assert source is not None
            hub.tags.add(source.revision)
            hub.repos[source.repo] = {
                path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
            }
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(place / "cache"))
        accept = ("--accept-licence", "audioldm-s", "--accept-licence", "clip-vit-b-32")
        assert run("models", "install", "audioldm-s", "clip-vit-b-32", *accept).code == 0
    made = run("models", "assemble", "paper-s")
    assert made.code == 0 and "fitted on words, not trained on sound" in made.out and "self-test passed" in made.out
    manifest = json.loads((place / "data/sounddesk/bundles/paper-s/bundle.json").read_text())
    assert manifest["licence"]["spdx"] == "CC-BY-NC-SA-4.0" and manifest["licence"]["commercial"] == "no"
    assert manifest["components"]["unet"]["origin"].startswith("cvssp/audioldm-s-full-v2@")
    again = run("models", "assemble", "paper-s", "--grounding", "fresh")
    assert again.code == 2 and "there is a bundle 'paper-s' already: add --overwrite" in again.err
    assert run("render", *RENDER, "--bundle", "paper-s", "--out", "sounds").code == 0
    assert {"red.wav", "mix.wav"} <= files_in(place / "sounds")
    # A damaged part is found before anything is made of it.
    (place / "data/sounddesk/models/clip-vit-b-32/config.json").write_text("{}")
    damaged = run("models", "assemble", "paper-s", "--overwrite")
    assert damaged.code == 3 and "config.json has 2 bytes instead of" in damaged.err


def test_folders_of_ones_own(run: Run, place: Path, parts: tuple[Path, Path]) -> None:
    words = ("models", "assemble", "paper-m", "--audioldm", str(parts[0]), "--clip", str(parts[1]))
    made = run(
        *words,
        "--out",
        "mine",
        "--grounding",
        "fresh",
        "--weights",
        "float16",
        "--heads",
        "original",
        "--inject",
        "film",
        "--json",
    )
    assert made.code == 0 and made.document["bundle"] == "paper-m"
    manifest = json.loads((place / "mine/bundle.json").read_text())
    assert manifest["licence"]["commercial"] == "no"
    assert manifest["denoiser"] == {"inject": "film", "heads": "original"}
    assert manifest["components"]["unet"]["weight_storage"] == "float16"


@pytest.fixture
def tiny_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAPER_SHAPES, "s", TINY)


@pytest.mark.usefixtures("tiny_paper")
@pytest.mark.slow
def test_a_dry_run_goes_through_every_stage_and_says_that_it_means_nothing(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = place / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    words = [word for word in RENDER if word != "--quiet"]
    assert (
        main(["render", *words, "--bundle", "paper-s", "--random-weights", "--out", "dry", "--hint", "red=bark"]) == 0
    )
    out, err = capsys.readouterr()
    for stage in ("check bundle", "load", "encode image", "denoise", "decode"):
        assert f"{stage} [" in err
    assert "the weights are random: what was written is noise and means nothing" in err
    assert "MEANINGLESS-mix.wav  the sum of the stems" in out
    assert files_in(place / "dry") == {
        "MEANINGLESS.txt",
        "MEANINGLESS-red.wav",
        "MEANINGLESS-mix.wav",
        "masks/MEANINGLESS-red.png",
        "masks.png",
        "spectrograms.png",
        "recipe.json",
    }
    assert "is noise and means nothing" in (place / "dry/MEANINGLESS.txt").read_text()
    recipe = json.loads((place / "dry/recipe.json").read_text())
    assert recipe["bundle"]["name"] == "paper-s-random-weights"
    assert recipe["made_with"]["weights"] == "random, the sounds mean nothing"
    samples, rate = soundfile.read(place / "dry/MEANINGLESS-red.wav")
    assert rate == 48_000 and len(samples) == 48_000 and np.abs(samples).max() > 1e-3
    # Gigabytes at full size: gone with the render.
    assert list(scratch.iterdir()) == []


@pytest.mark.usefixtures("tiny_paper", "place")
@pytest.mark.slow
def test_random_weights_are_for_the_papers_bundles(run: Run) -> None:
    starter = run("render", *RENDER, "--random-weights")
    assert (
        starter.code == 2 and "--random-weights needs --bundle paper-s, paper-m, paper-l, not 'starter'" in starter.err
    )
    nowhere = run("models", "assemble", "paper-s", "--random-weights")
    assert nowhere.code == 2 and "say where to with --out FOLDER" in nowhere.err
    assert run("models", "assemble", "paper-s", "--random-weights", "--out", "noise").code == 0
    kept = run("render", *RENDER, "--bundle", "noise", "--out", "kept")
    assert kept.code == 0 and "MEANINGLESS-mix.wav" in files_in(Path("kept"))

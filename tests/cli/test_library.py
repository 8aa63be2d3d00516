"""`sounddesk library`, and renders whose takes are made of recordings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from sounddesk.cli.main import main
from sounddesk.engine.generation.sound_edits import DEFAULT_STRENGTH
from sounddesk.storage.library.library import Library
from tests.library_parts import bark


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, object]:
    code = main([*(str(each) for each in arguments), "--json"])
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    assert document["ok"] is (code == 0)
    return document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sounds"
    made.mkdir()
    soundfile.write(made / "dog_bark.wav", bark(count=2), 16_000)
    (made / "broken.wav").write_bytes(b"no sound")
    return made


def test_folders_are_added_listed_and_removed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = ("--library", tmp_path / "l.sqlite")
    assert "no library" in str(run(capsys, "library", "list", *index)["error"])
    run(capsys, "library", "add", folder, *index, "--licence", "CC0-1.0", "--commercial", "yes")
    (listed,) = run(capsys, "library", "list", *index)["folders"]  # type: ignore[misc]
    assert (listed["licence"], listed["commercial"], listed["recordings"]) == ("CC0-1.0", True, 0)
    assert run(capsys, "library", "problems", *index)["problems"] == []
    run(capsys, "library", "add", folder.parent / "beside" / ".." / folder.name, *index)
    assert len(run(capsys, "library", "list", *index)["folders"]) == 1  # type: ignore[arg-type]
    run(capsys, "library", "remove", folder / ".." / folder.name, *index)
    assert run(capsys, "library", "list", *index)["folders"] == []
    assert "is not in the library" in str(run(capsys, "library", "remove", folder, *index)["error"])
    assert "no folder yet" in str(run(capsys, "library", "scan", *index)["error"])
    assert "is not a folder" in str(run(capsys, "library", "add", folder / "dog_bark.wav", *index)["error"])
    assert (folder / "dog_bark.wav").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search"], "say what to look for"),
        (["search", "dog", "--like", "x.wav"], "say what to look for"),
        (["search", "dog", "--limit", "0"], "limit is 0"),
        (["search", "--like", "x.wav"], "is not in the library"),
        (["star", "x.wav"], "is not in the library"),
        (["add", ".", "--commercial", "yes"], "add --licence"),
    ],
)
def test_what_cannot_be_done_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    Library(tmp_path / "l.sqlite").close()
    found = run(capsys, "library", *arguments, "--library", tmp_path / "l.sqlite")
    assert said in str(found["error"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from-library", "--from", "a.wav"], "contradict"),
        (["--strength", "0.5"], "--strength needs a sound"),
        (["--regenerate", "1-2"], "--regenerate needs a sound"),
        (["--from", "a.wav", "--strength", "1", "--regenerate", "1-2"], "--strength and --regenerate are different"),
        (["--from", "a.wav", "--extend", "1", "--loop"], "--extend and --loop are different"),
        (["--loop"], "--loop needs a sound"),
        (["--from", "a.wav", "--seconds", "3"], "leave out --seconds"),
        (["--from", "a.wav", "--blend"], "--blend cannot be used with --from"),
        (["--from", "a.wav", "--regenerate", "x"], "no range of seconds"),
        (["--library", "a.sqlite"], "--library is for --from-library"),
        (["--from-library", "--balance"], "--balance cannot be used with --from-library"),
        (["--from-library", "--steps", "5"], "--steps cannot be used with --from-library"),
        (["--from-library", "--preset", "draft"], "--preset cannot be used with --from-library"),
        (["--from-library", "--guidance", "3"], "--guidance cannot be used with --from-library"),
        (["--from-library", "--grounding", "caption"], "--grounding caption cannot be used with --from-library"),
        (["--from", "a.wav", "--grounding", "caption-mix"], "--grounding caption-mix cannot be used with --from"),
    ],
)
def test_contradictions_of_a_render_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert said in str(run(capsys, "render", "image.png", "--object", "dog@1,1", *arguments)["error"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from-library"], "add --bed"),
        (["--bed", "--library", "INDEX"], "--library is for --from-library"),
        (["--bed", "--from-library", "--steps", "3"], "--steps cannot be used with --from-library"),
        (["--bed", "--from-library", "--library", "INDEX"], "is empty"),
        (["--bed", "--from-library", "--library", "nothing.sqlite"], "there is no library"),
    ],
)
def test_beds_need_recordings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    Library(tmp_path / "l.sqlite").close()
    asked = [str(tmp_path / "l.sqlite") if each == "INDEX" else each for each in arguments]
    shot = ("batch", tmp_path, "--object", "sea@1,1", "--out", tmp_path / "out")
    assert said in str(run(capsys, *shot, *asked)["error"])


@pytest.fixture
def image_and_mask(tmp_path: Path) -> tuple[Path, Path]:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    mask = np.zeros((48, 64), np.uint8)
    mask[8:40, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path / "image.png", tmp_path / "mask.png"


@pytest.mark.slow
def test_a_render_is_made_of_recordings(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], image_and_mask: tuple[Path, Path]
) -> None:
    """With the networks that ship: scanned, searched for an object, laid out, varied and repaired."""
    index = ("--library", tmp_path / "l.sqlite")
    run(capsys, "library", "add", folder, *index, "--licence", "house", "--commercial", "no")
    scanned = run(capsys, "library", "scan", *index)
    assert (scanned["scanned"], len(scanned["problems"])) == (2, 1)  # type: ignore[arg-type]
    (found,) = run(capsys, "library", "search", "dog", *index)["found"]  # type: ignore[misc]
    assert found["file"] == str(folder / "dog_bark.wav")
    image, mask = image_and_mask
    render = ("render", image, "--mask", f"dog@{mask}", "--seconds", "2")
    made = run(capsys, *render, "--from-library", *index, "--out", tmp_path / "arranged")
    assert any("forbids paid work" in note for note in made["notes"])  # type: ignore[attr-defined]
    recipe = json.loads((tmp_path / "arranged" / "recipe.json").read_text())
    assert recipe["made_of_recordings"]["recordings"]["dog"][0][0]["sha256"] == found["sha256"]
    samples, rate = soundfile.read(tmp_path / "arranged" / "dog.wav")
    assert (rate, len(samples)) == (48_000, 96_000)
    assert np.abs(samples).max() > 0.05
    again = run(capsys, "render", "--recipe", tmp_path / "arranged" / "recipe.json", "--out", tmp_path / "again")
    assert "made of recordings" in str(again["error"])
    varied = (*render[:4], "--from", folder / "dog_bark.wav", "--steps", "2")
    none = run(capsys, *varied, "--library", tmp_path / "none.sqlite", "--out", tmp_path / "varied")
    assert "there is no library" in str(none["error"])
    made = run(capsys, *varied, *index, "--out", tmp_path / "varied")
    assert any("forbids paid work" in note for note in made["notes"])  # type: ignore[attr-defined]
    facts = json.loads((tmp_path / "varied" / "recipe.json").read_text())["made_of_recordings"]
    assert (facts["how"], facts["strength"], facts["licence"]) == ("varied", DEFAULT_STRENGTH, "house")
    run(capsys, *varied, "--regenerate", "0.5-0.9", "--out", tmp_path / "repaired")
    facts = json.loads((tmp_path / "repaired" / "recipe.json").read_text())["made_of_recordings"]
    assert (facts["how"], facts["file"], facts["regenerated_s"]) == ("repaired", "dog_bark.wav", [0.5, 0.9])
    run(capsys, *varied, "--extend", "0.4", "--out", tmp_path / "longer")
    document = json.loads((tmp_path / "longer" / "recipe.json").read_text())
    facts = document["made_of_recordings"]
    assert (facts["how"], facts["extended_s"], facts["sha256"]) == ("extended", 0.4, found["sha256"])
    assert document["seconds"] == pytest.approx(1.7)
    assert "path" not in facts

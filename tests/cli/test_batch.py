"""`sounddesk batch` as a command: what it refuses, what it says, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.cli.conftest import draw_scene
from tests.cli.conftest import files_in


@pytest.fixture
def shot(place: Path) -> Path:
    """shot/f.1.png and shot/f.2.png in the current folder, beside red.png and blue.png."""
    (place / "shot").mkdir()
    for number in (1, 2):
        draw_scene().save(place / "shot" / f"f.{number}.png")
    return place / "shot"


@pytest.fixture
def batch(run: Run, bundle_folder: Path, shot: Path) -> Run:
    """`sounddesk batch shot`, small: the tiny bundle, 2 steps, one worker, into 'out'."""

    def run_batch(*arguments: str) -> object:
        small = ("--bundle", str(bundle_folder), "--steps", "2", "--workers", "1", "--out", "out")
        return run("batch", "shot", *small, *arguments)

    return run_batch


RED = ("--mask", "red@red.png", "--seconds", "1")


def test_it_says_what_it_made_and_resumes(batch: Run, place: Path) -> None:
    ended = batch(*RED)
    assert ended.code == 0, ended.err
    assert "2 of 2 frames rendered" in ended.out
    assert {"index.html", "manifest.jsonl", "batch.json", "f_1/red.wav", "f_2/recipe.json"} <= files_in(place / "out")
    again = batch(*RED, "--resume", "--json", "--quiet")
    assert again.code == 0
    assert {"ok": True, "frames": 2, "rendered": 0, "complete": 2}.items() <= again.document.items()
    refused = batch(*RED)
    assert refused.code == 2
    assert "--resume" in refused.err


def test_a_broken_frame_ends_it_with_4_and_is_named(batch: Run, place: Path) -> None:
    (place / "shot" / "f.2.png").write_bytes(b"nothing")
    ended = batch(*RED)
    assert ended.code == 4, ended.err
    assert "f.2.png" in ended.err
    assert "1 of 2 frames rendered" in ended.out
    assert "failed: f.2.png" in ended.out


def test_events_are_one_json_object_a_line(batch: Run) -> None:
    ended = batch(*RED, "--events", "--quiet")
    assert ended.code == 0, ended.err
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert events[0] == {"event": "progress", "done": 0, "total": 2}
    assert [event["done"] for event in events if event["event"] == "progress"] == [0, 1, 2]
    assert {(row["frame"], row["object"]) for row in events if row["event"] == "row"} == {
        (frame, name) for frame in ("f.1.png", "f.2.png") for name in ("red", "")
    }
    assert events[-1]["event"] == "end"
    assert events[-1]["ok"]


def test_a_bed_lasts_as_long_as_the_shot(batch: Run, place: Path) -> None:
    from tests.wav_reader import read_pcm

    ended = batch("--mask", "red@red.png", "--bed", "--fps", "0.8")
    assert ended.code == 0, ended.err
    assert "1 of 1 beds rendered" in ended.out
    sound = read_pcm(place / "out" / "beds" / "red.wav")
    assert (sound.channels, len(sound.steps) // sound.channels) == (2, round(2.5 * 48_000))


def test_a_project_names_the_objects_and_settings(batch: Run, place: Path, shot: Path) -> None:
    import hashlib

    from sounddesk.domain.project import ImageInfo
    from sounddesk.domain.project import Project
    from sounddesk.domain.project import ProjectSettings
    from sounddesk.domain.scene import SceneObject
    from sounddesk.domain.tiled_mask import TiledMask
    from sounddesk.storage.project_file import write_project
    from sounddesk.storage.project_reader import ProjectContents

    file = (shot / "f.2.png").read_bytes()
    mask = np.asarray(Image.open(place / "red.png")) > 127
    image = ImageInfo(sha256=hashlib.sha256(file).hexdigest(), name="f.2.png", width=160, height=120)
    nothing = TiledMask.empty(width=160, height=120)
    project = Project(
        image=image,
        objects=(
            SceneObject(id="o1", name="dog", mask=TiledMask.from_array(mask), seed=1, hint="bark"),
            SceneObject(id="o2", name="all", mask=nothing, seed=1, kind="blend", members=("o1",)),
            SceneObject(id="o3", name="unpainted", mask=nothing, seed=1),
        ),
        settings=ProjectSettings(seconds=1.5, seed=9),
    )
    write_project(place / "shot.sdesk", ProjectContents(project=project, images={image.sha256: file}))
    ended = batch("--project", "shot.sdesk")
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in (place / "out" / "manifest.jsonl").read_text().splitlines()]
    assert {row["object"] for row in rows} == {"dog", "all", ""}
    dog = next(row for row in rows if row["object"] == "dog")
    assert (dog["settings"]["seconds"], dog["settings"]["hint"]) == (1.5, "bark")
    assert batch("--project", "shot.sdesk", "--auto").code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no object is named"),
        ((*RED, "--shard", "3/2"), "shard is 3/2"),
        ((*RED, "--shard", "half"), "I/N"),
        ((*RED, "--workers", "0"), "workers is 0"),
        ((*RED, "--every", "0"), "every is 0"),
        ((*RED, "--fps", "24"), "--bed"),
        ((*RED, "--bed"), "--seconds"),
        (("--mask", "red@red.png", "--bed", "--fps", "0"), "fps is 0"),
        (("--mask", "red@red.png", "--bed", "--fps", "24"), "another --fps"),
        (("--auto", "--bed", "--fps", "1"), "--bed"),
        (("--mask", "red@missing.png"), "missing.png"),
        (("--mask", "red@shot.sdesk"), "shot.sdesk"),
        (("--project", "missing.sdesk"), "missing.sdesk"),
        ((*RED, "--bundle", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    batch: Run, place: Path, arguments: tuple[str, ...], told: str
) -> None:
    ended = batch(*arguments)
    assert ended.code == 2, ended.out
    assert told in ended.err
    assert not (place / "out").exists()


def test_a_folder_that_is_not_there_is_named(run: Run, place: Path) -> None:
    ended = run("batch", "nowhere", "--auto", "--out", "out")
    assert ended.code == 2
    assert "nowhere" in ended.err

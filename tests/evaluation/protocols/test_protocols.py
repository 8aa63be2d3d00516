"""Published lists in their authors' form, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.evaluation_clip import read_clip_manifest
from sounddesk.evaluation.protocols import protocol
from sounddesk.evaluation.protocols.balanced_split import balanced_split
from sounddesk.evaluation.protocols.caption_snippets import snippets_of
from sounddesk.evaluation.protocols.registry import PROTOCOLS
from sounddesk.evaluation.protocols.registry import PublishedClip
from tests.page_reader import PageReader

AUDIOCAPS = """audiocap_id,youtube_id,start_time,caption
103549,7fmOlUlwoNg,20,Constant rattling noise and sharp vibrations
103548,6BJ455B1aAs,0,"A rocket flies by, followed by a loud explosion"
103541,7fmOlUlwoNg,20,Another caption of the same clip
"""
AUDIOSET = """# Segments csv created Sun Mar  5 10:54:25 2017
# num_ytids=20371, num_segs=20371, num_unique_labels=527, num_positive_labels=51804
# YTID, start_seconds, end_seconds, positive_labels
--4gqARaEJE, 0.000, 10.000, "/m/068hy,/m/07q6cd_,/m/0bt9lr,/m/0jbk"
-0ySRgyJGJs, 30.000, 37.500, "/m/09x0r"
"""
VGGSOUND = """---g-f_I2yQ,1,people marching,test
--0PQM4-hqg,30,waterfall burbling,train
--56QUhyDQM,185,"playing tennis, badly",test
"""


def read(name: str, text: str, tmp_path: Path) -> list[PublishedClip]:
    (tmp_path / "list.csv").write_text(text)
    return PROTOCOLS.get(name).read(tmp_path / "list.csv")


def test_audiocaps(tmp_path: Path) -> None:
    first, second = read("audiocaps", AUDIOCAPS, tmp_path)
    assert (first.id, first.caption) == ("7fmOlUlwoNg_000020", "Constant rattling noise and sharp vibrations")
    assert (second.start_s, second.end_s) == (0.0, 10.0)
    assert {"7fmOlUlwoNg_20", "7fmOlUlwoNg_20000_30000", "Y7fmOlUlwoNg", "7fmOlUlwoNg"} <= set(first.stems())


def test_audioset(tmp_path: Path) -> None:
    first, second = read("audioset", AUDIOSET, tmp_path)
    assert first.labels == ("/m/068hy", "/m/07q6cd_", "/m/0bt9lr", "/m/0jbk")
    assert (second.video, second.start_s, second.end_s) == ("-0ySRgyJGJs", 30.0, 37.5)


def test_vggsound(tmp_path: Path) -> None:
    clips = read("vggsound", VGGSOUND, tmp_path)
    assert [clip.object for clip in clips] == ["people marching", "waterfall burbling", "playing tennis, badly"]
    assert [clip.split for clip in clips] == ["test", "train", "test"]
    assert clips[0].stems()[0] == "---g-f_I2yQ_000001"


def test_imagehear(tmp_path: Path) -> None:
    for name in ("dog1", "dog2", "steam train12"):
        (tmp_path / f"{name}.jpg").write_bytes(b"x")
    clips = PROTOCOLS.get("imagehear").read(tmp_path)
    assert [(clip.id, clip.object) for clip in clips] == [
        ("dog1", "dog"),
        ("dog2", "dog"),
        ("steam train12", "steam train"),
    ]
    (tmp_path / "noclass.jpg").write_bytes(b"x")
    with pytest.raises(BadInputError, match="'noclass' is not named by class and number"):
        PROTOCOLS.get("imagehear").read(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("audiocaps", "a,b\n1,2\n", "name AudioCaps' test.csv as it was published"),
        ("audiocaps", "youtube_id,start_time,caption\nx,soon,c\n", "start_time is 'soon'"),
        ("audioset", "--4gqARaEJE 0 10 x", "line 1: expected YTID"),
        ("vggsound", f"{VGGSOUND}short,1,x,test", "line 4: expected id, start, label, split"),
        ("vggsound", "\udce9".encode("latin-1", "surrogateescape").decode("latin-1"), "is no text|expected"),
    ],
)
def test_lists_that_are_others(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInputError, match=message):
        PROTOCOLS.get(name).read(tmp_path / "list.csv")
    with pytest.raises(BadInputError, match="cannot read"):
        PROTOCOLS.get(name).read(tmp_path / "gone.csv")


def media(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def test_a_manifest_of_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "vggsound.csv").write_text(VGGSOUND)
    (tmp_path / "sync.txt").write_text("---g-f_I2yQ_1000_11000.mp4\n--0PQM4-hqg\n")
    place = media(tmp_path / "media", "---g-f_I2yQ_000001.wav", "---g-f_I2yQ.jpg", "--56QUhyDQM_185.flac")
    result = protocol.run(
        name="vggsound", table=tmp_path / "vggsound.csv", media=place, out=tmp_path / "out", split="test"
    )
    assert (result.listed, result.found) == (2, 2)
    assert result.incomplete == {"a picture": 1, "a sound": 0}
    clips = read_clip_manifest(tmp_path / "out" / "clips.jsonl").clips
    assert clips[0].image == (place / "---g-f_I2yQ.jpg").resolve()
    assert clips[1].reference == (place / "--56QUhyDQM_185.flac").resolve()
    assert clips[1].object == "playing tennis, badly"
    sync = protocol.run(
        name="vggsound",
        table=tmp_path / "vggsound.csv",
        media=place,
        out=tmp_path / "sync",
        split="test",
        only=tmp_path / "sync.txt",
    )
    assert (sync.listed, sync.found) == (1, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": None}, "is read from a list: name it with --table"),
        ({"split": "val"}, "no clip of VGG-Sound"),
        ({"media": "empty"}, "neither picture nor sound of any of 3 clips: call them by id, as ---g-f_I2yQ_000001.jpg"),
        ({"media": "gone"}, "gone is not a folder"),
    ],
)
def test_what_makes_no_manifest(options: dict, message: str, tmp_path: Path) -> None:
    (tmp_path / "vggsound.csv").write_text(VGGSOUND)
    (tmp_path / "empty").mkdir()
    media(tmp_path / "media", "---g-f_I2yQ.jpg")
    given = {"table": tmp_path / "vggsound.csv", "media": "media", **options}
    with pytest.raises(BadInputError, match=message):
        protocol.run(name="vggsound", out=tmp_path / "out", **{**given, "media": tmp_path / given["media"]})
    assert not (tmp_path / "out").exists()


def test_a_balanced_split_by_hand() -> None:
    dog, rain, cat, speech = "/m/0bt9lr", "/m/06mb1", "/m/01yrx", "/m/09x0r"
    clips = [PublishedClip(video=f"d{i}", start_s=0, end_s=10, labels=(dog, speech)) for i in range(20)]
    clips += [
        PublishedClip(video=f"r{i // 2}", start_s=10 * (i % 2), end_s=10 + 10 * (i % 2), labels=(rain, dog))
        for i in range(10)
    ]
    clips += [PublishedClip(video=f"c{i}", start_s=0, end_s=10, labels=(cat,)) for i in range(3)]
    clips += [PublishedClip(video="s", start_s=0, end_s=10, labels=(speech, "unknown"))]
    split = balanced_split(clips, hours=3 * 50 / 3600, seed=0)
    # Who is also a dog counts for the more frequent dogs, and there are only three cats.
    assert split.hours == pytest.approx({"Dog": 300 / 3600, "Cat": 30 / 3600, "other": 10 / 3600})
    assert split.test_hours["Cat"] == pytest.approx(30 / 3600)
    assert split.test_hours["Dog"] >= 50 / 3600
    assert not {clip.video for clip in split.test} & {clip.video for clip in split.train}
    assert len(split.test) + len(split.train) == len(clips)
    assert balanced_split(clips, hours=3 * 50 / 3600, seed=0) == split


def test_split_chart_and_examples_are_written(tmp_path: Path) -> None:
    lines = [f'vid{i:08d}, 0.000, 10.000, "{"/m/0bt9lr" if i % 2 else "/m/06mb1"}"' for i in range(40)]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    place = media(tmp_path / "media", *(f"vid{i:08d}.{ending}" for i in range(40) for ending in ("jpg", "wav")))
    result = protocol.run(
        name="audioset", table=tmp_path / "list.csv", media=place, out=tmp_path / "out", hours=200 / 3600
    )
    assert result.test_hours == pytest.approx({"Dog": 100 / 3600, "Rain": 100 / 3600})
    assert len((tmp_path / "out" / "train.txt").read_text().split()) == 20
    page = PageReader((tmp_path / "out" / "categories.html").read_text())
    assert page.problems == [] and "Rain" in page.text and "50.0 %" in page.text
    (tmp_path / "caps.csv").write_text(
        "youtube_id,start_time,caption\n" + "\n".join(f"vid{i:08d},0,A dog barks while rain falls" for i in range(40))
    )
    drawn = protocol.run(name="audiocaps", table=tmp_path / "caps.csv", media=place, out=tmp_path / "caps", examples=10)
    assert (drawn.examples, drawn.to_be_masked) == (10, 5)
    rows = [json.loads(line) for line in (tmp_path / "caps" / "examples.jsonl").read_text().splitlines()]
    masked = [row for row in rows if "mask" in row]
    assert len(masked) == 5
    assert all(row["mask"] == f"masks/{row['id']}.png" for row in masked)
    assert {row["object"] for row in masked} <= {"dog barks", "rain falls"}
    assert any("draw its mask" in line for line in drawn.details())


@pytest.mark.parametrize(
    ("caption", "snippets"),
    [
        ("A bell rings, then birds sing and then an engine starts", ("bell rings", "birds sing", "engine starts")),
        ("Thunder", ("Thunder",)),
        ("A dog barks and a dog barks", ("dog barks",)),
        ("Passengers wander as a band plays", ("Passengers wander", "band plays")),
        (" , and ", ()),
    ],
)
def test_snippets(caption: str, snippets: tuple[str, ...]) -> None:
    assert snippets_of(caption) == snippets

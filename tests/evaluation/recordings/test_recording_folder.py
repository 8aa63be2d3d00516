"""Which recordings a folder holds, and which of them a bundle has heard."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.verified_files import hash_file
from sounddesk.evaluation.recordings.heard_recordings import heard_by
from sounddesk.evaluation.recordings.recording_folder import most_of
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from tests.evaluation.conftest import write_sound

HEADER = (
    "kind,role,id,path,split,source,package,version,member,source_sha256,sha256,licence,credit,duration_s,"
    "source_rate_hz"
)


def write_set(folder: Path, splits: dict[str, str]) -> Path:
    """A prepared set of dogs, by name and split."""
    lines = [HEADER]
    for name, split in splits.items():
        file = write_sound(folder / "recordings" / "dog" / f"{name}.wav", np.full(4000, 0.1))
        digest = hash_file(file).sha256
        lines.append(
            f"dog,recording,{name},recordings/dog/{name}.wav,{split},src,p,1,{name}.ogg#0-1,x,{digest},MIT,me,0.25,44100"
        )
    lines.append("dog,picture,p,pictures/dog/p.png,test,src,p,1,p.png,x,y,MIT,me,,")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_set_gives_its_test_part_and_others_when_asked(tmp_path: Path) -> None:
    folder = write_set(tmp_path, {"a": "train", "b": "test", "c": "validation"})
    (only,) = read_recording_folder(folder)
    assert (only.kind, only.id, only.split, only.origin, only.source_rate_hz) == (
        "dog",
        "b",
        "test",
        "src:b.ogg",
        44100,
    )
    assert [each.id for each in read_recording_folder(folder, split="validation")] == ["c"]
    assert [each.id for each in read_recording_folder(folder, split="all")] == ["a", "b", "c"]


def test_folders_of_anyones_are_read_whole(tmp_path: Path) -> None:
    for name in ("cow/b.wav", "cow/a.FLAC", "ant/z.wav", "ant/notes.txt"):
        write_sound(tmp_path / name, np.zeros(4))
    found = read_recording_folder(tmp_path)
    assert [(each.kind, each.id, each.split) for each in found] == [
        ("ant", "z", ""),
        ("cow", "a", ""),
        ("cow", "b", ""),
    ]
    with pytest.raises(BadInputError, match="leave the split out"):
        read_recording_folder(tmp_path, split="test")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("dog,recording,a,../a.wav,test,s,p,1,m,x,y,MIT,me,1,16000", "outside of its folder"),
        ("dog,recording,a,a.wav,train,s,p,1,m,x,y,MIT,me,1,16000", "no recording of the split 'test'"),
    ],
)
def test_tables_that_cannot_be_used(row: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(f"{HEADER}\n{row}\n")
    with pytest.raises(BadInputError, match=message):
        read_recording_folder(tmp_path)


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("kind,role\ndog,recording\n")
    with pytest.raises(BadInputError, match="lacks the columns id, path, split"):
        read_recording_folder(tmp_path)


def test_a_few_are_spread_over_the_kinds(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "a/3", "b/1", "c/1", "c/2"):
        write_sound(tmp_path / f"{name}.wav", np.zeros(4))
    found = read_recording_folder(tmp_path)
    assert [f"{each.kind}/{each.id}" for each in most_of(found, 4)] == ["a/1", "a/2", "b/1", "c/1"]
    assert most_of(found, None) == found


def test_silence_and_clicks_are_no_recordings(tmp_path: Path) -> None:
    assert read_mono(write_sound(tmp_path / "silent.wav", np.zeros(16_000))) is None
    assert read_mono(write_sound(tmp_path / "short.wav", np.full(800, 0.5))) is None
    stereo = np.stack([np.full(4000, 0.5), np.zeros(4000)], axis=1)
    found = read_mono(write_sound(tmp_path / "stereo.wav", stereo))
    assert found is not None
    assert found[0].shape == (4000,)
    assert found[0][0] == pytest.approx(0.25, abs=1e-4)


def test_what_a_bundle_heard_is_told_by_name_and_by_content(bundle_with_kinds: Path, tmp_path: Path) -> None:
    data = write_set(tmp_path / "set", {"a": "train", "b": "test"})
    bundle = shutil.copytree(bundle_with_kinds, tmp_path / "bundle")
    assert not heard_by(Bundle.open(bundle)).known
    shutil.copyfile(data / "table.csv", bundle / "sources.csv")
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["documents"]["sources.csv"] = asdict(hash_file(bundle / "sources.csv"))
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    heard = heard_by(Bundle.open(bundle))
    recordings = read_recording_folder(data, split="all")
    assert [heard.has(each) for each in recordings] == [True, True]  # both files have the same content
    write_sound(data / "recordings/dog/b.wav", np.full(4000, 0.2))
    assert [heard.has(each) for each in recordings] == [True, False]
    assert heard.text(recordings) == "of 2 recordings the bundle heard 1 in training"
    assert heard.text(recordings[1:]) == "of 1 recordings the bundle heard none in training"

"""Which recordings a folder holds, and which of them a bundle has heard."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.evaluation.recordings.heard_recordings import heard_by
from sounddesk.evaluation.recordings.recording_folder import most_of
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from tests.evaluation.conftest import TABLE_HEADER
from tests.evaluation.conftest import tell_sources
from tests.evaluation.conftest import write_set
from tests.evaluation.conftest import write_sound


def test_a_set_gives_its_test_part_and_others_when_asked(tmp_path: Path) -> None:
    folder = write_set(tmp_path, {"dog": ("train", "test", "validation")})
    (only,) = read_recording_folder(folder)
    assert (only.kind, only.id, only.split, only.origin, only.source_rate_hz) == (
        "dog",
        "1",
        "test",
        "s:dog1.ogg",
        16000,
    )
    assert [each.id for each in read_recording_folder(folder, split="validation")] == ["2"]
    assert [each.id for each in read_recording_folder(folder, split="all")] == ["0", "1", "2"]


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
        ("dog,recording,a", "outside of its folder"),
        ("dog,recording,a,a.wav,train,s,p,1,m,x,y,MIT,me,1,16000", "no recording of the split 'test'"),
    ],
)
def test_tables_that_cannot_be_used(row: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(f"{TABLE_HEADER}\n{row}\n")
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
    firsts = [replace(found[0], kind=kind) for kind in "abcdef"]
    assert [each.kind for each in most_of(firsts, 3)] == ["a", "c", "e"]
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
    data = write_set(tmp_path / "set", {"dog": ("train", "test")})
    assert not heard_by(Bundle.open(bundle_with_kinds)).known
    heard = heard_by(Bundle.open(tell_sources(bundle_with_kinds, data / "table.csv", tmp_path / "told")))
    recordings = read_recording_folder(data, split="all")
    assert [heard.has(each) for each in recordings] == [True, False]
    assert heard.text(recordings) == "of 2 recordings the bundle heard 1 in training"
    assert heard.text(recordings[1:]) == "of 1 recordings the bundle heard none in training"
    # Under another name it is the same recording.
    shutil.copyfile(recordings[0].path, recordings[1].path)
    assert heard.has(recordings[1])

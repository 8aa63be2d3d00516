"""Recordings of a project are found by their hash: beside it, where they were used, or where the library knows them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
import soundfile

from sounddesk.engine.library.linked_recordings import RecordingFinder
from sounddesk.engine.library.recording_facts import file_facts
from sounddesk.engine.library.remembered_recordings import remember_recording
from sounddesk.engine.library.remembered_recordings import remembered_recordings
from sounddesk.engine.verified_files import hash_file
from sounddesk.storage.library.library import Library
from tests.library_parts import bark
from tests.storage.library.test_library import indexed


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def dog(tmp_path: Path) -> Path:
    path = tmp_path / "sounds" / "dog.wav"
    path.parent.mkdir()
    soundfile.write(path, bark(), 16_000)
    return path


def finder(tmp_path: Path, *, folder: Path | None = None) -> RecordingFinder:
    return RecordingFinder(folder=folder, library_path=tmp_path / "library.sqlite")


def test_where_it_was_used(dog: Path, tmp_path: Path) -> None:
    sha256 = hash_file(dog).sha256
    with finder(tmp_path) as unknown:
        assert unknown.lost({sha256: "dog.wav"}) == ["dog.wav is not on this computer"]
        assert unknown.lost({sha256: "dog.wav"}, embedded={sha256}) == []
    remember_recording(sha256, dog)
    with finder(tmp_path) as known:
        assert known.find(sha256, "dog.wav") == dog
    # Touched only: its content says that it is the same.
    os.utime(dog, ns=(1, 1))
    with finder(tmp_path) as known:
        assert known.find(sha256, "dog.wav") == dog
    data = bytearray(dog.read_bytes())
    data[-1] ^= 1
    dog.write_bytes(data)
    with finder(tmp_path) as known:
        assert known.lost({sha256: "dog.wav"}) == [f"{dog} was changed"]
    dog.unlink()
    with finder(tmp_path) as known:
        assert known.lost({sha256: "dog.wav"}) == [f"{dog} is not there"]


def test_beside_a_collected_project(dog: Path, tmp_path: Path) -> None:
    sha256, folder = hash_file(dog).sha256, tmp_path / "film collected"
    (folder / "recordings").mkdir(parents=True)
    (folder / "recordings" / "dog.wav").write_bytes(b"another dog")
    dog.replace(folder / "recordings" / sha256[:12])
    with finder(tmp_path, folder=folder) as here:
        assert here.find(sha256, "dog.wav") == folder / "recordings" / sha256[:12]


@pytest.mark.parametrize("name", ["../../sounds/dog.wav", "/etc/passwd", "..", "", "\0", "x" * 300])
def test_a_name_leads_nowhere_else(dog: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "film" / "recordings").mkdir(parents=True)
    with finder(tmp_path, folder=tmp_path / "film") as here:
        assert here.find(hash_file(dog).sha256, name) is None
        assert here.find("../../sounds/dog.wav", name) is None


def test_where_the_library_knows_it(dog: Path, tmp_path: Path) -> None:
    sha256 = hash_file(dog).sha256
    with Library(tmp_path / "library.sqlite") as library:
        folder = library.add_folder(dog.parent, licence="house", commercial=False)
        library.put(folder, [indexed(dog, sha256=sha256)])
        recording = library.recording_at(dog)
        assert recording is not None
        library.set_licence(recording.id, "house", commercial=False)
    with finder(tmp_path) as known:
        # Its size is not the one that was indexed: it is not taken for the same.
        assert known.lost({sha256: "dog.wav"}) == [f"{dog} was changed"]
    facts = file_facts(dog, library_path=tmp_path / "library.sqlite")
    assert (facts["licence"], facts["commercial"], facts["file"]) == ("house", False, "dog.wav")
    assert file_facts(dog)["commercial"] is None


def test_what_is_remembered_is_bounded_by_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "state" / "sounddesk").mkdir(parents=True)
    (tmp_path / "state" / "sounddesk" / "recordings.json").write_text('{"x": 1}')
    assert remembered_recordings() == {}


@pytest.mark.parametrize("path", [7, b"/nowhere\0/dog.wav"])
def test_an_index_that_holds_no_paths_keeps_no_project_from_being_saved(
    dog: Path, tmp_path: Path, path: int | bytes
) -> None:
    sha256 = hash_file(dog).sha256
    with Library(tmp_path / "library.sqlite") as library:
        library.put(library.add_folder(dog.parent), [indexed(dog, sha256=sha256)])
    with contextlib.closing(sqlite3.connect(tmp_path / "library.sqlite")) as db:
        assert db.execute("UPDATE recordings SET path = ?", (path,)).rowcount == 1
        db.commit()
    with finder(tmp_path) as found:
        assert found.find(sha256, "dog.wav") is None

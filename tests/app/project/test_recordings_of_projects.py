"""Projects link to the recordings of their takes, hold them if asked, collect them, and name those that are gone."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest
import soundfile

from sounddesk.app.project.document import Document
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.app.project.recordings_check import RecordingsCheck
from sounddesk.app.takes.sound_import import take_from_file
from sounddesk.storage.embedded_recordings import embedded_recordings
from sounddesk.storage.project_file import read_project
from tests.app.conftest import succeeds
from tests.app.conftest import wait_until
from tests.app.project.test_project_store import fill
from tests.library_parts import bark


@pytest.fixture
def recordings(document: Document, tmp_path: Path) -> list[Path]:
    """Two recordings of one name, each with a take of the first object."""
    fill(document)
    paths = []
    for seed, folder in enumerate(("a", "b")):
        path = tmp_path / folder / "dog.wav"
        path.parent.mkdir()
        soundfile.write(path, bark(seed=seed), 16_000)
        document.add_take(take_from_file(path, object_id=document.project.objects[0].id, number=seed + 1))
        paths.append(path)
    return paths


def held_by(path: Path) -> int:
    with sqlite3.connect(path) as db:
        return len(embedded_recordings(db))


def test_what_is_gone_or_changed_is_named_when_the_project_is_opened(
    document: Document, store: ProjectStore, recordings: list[Path], tmp_path: Path, told: list[str]
) -> None:
    check = RecordingsCheck(document, store)
    assert succeeds(store.save_as, tmp_path / "film.sdesk")
    # The folders of the user are nobody else's.
    assert str(recordings[0].parent).encode() not in (tmp_path / "film.sdesk").read_bytes()
    assert held_by(tmp_path / "film.sdesk") == 0
    assert succeeds(store.new)
    recordings[0].unlink()
    soundfile.write(recordings[1], bark(seed=5, count=2), 16_000)
    assert succeeds(store.open, tmp_path / "film.sdesk")
    wait_until(lambda: bool(told))
    assert f"{recordings[0]} is not there; {recordings[1]} was changed" in told[0]
    assert len(document.takes) == 3
    check.close()


def test_recordings_are_in_the_file_only_if_asked(
    document: Document, store: ProjectStore, recordings: list[Path], tmp_path: Path, told: list[str]
) -> None:
    film = tmp_path / "film.sdesk"
    document.commit("Embed", document.project.with_settings(embed_recordings=True))
    assert succeeds(store.save_as, film)
    assert held_by(film) == 2
    for each in recordings:
        each.unlink()
    assert succeeds(store.new)
    check = RecordingsCheck(document, store)
    assert succeeds(store.open, film)
    assert succeeds(store.save)
    assert held_by(film) == 2
    assert succeeds(store.collect, tmp_path)
    assert len(list((tmp_path / "film collected" / "recordings").iterdir())) == 2
    document.commit("Link", document.project.with_settings(embed_recordings=False))
    assert succeeds(store.save)
    assert held_by(film) == 0
    assert told == []
    check.close()


def test_a_collected_project_has_its_recordings_beside_it(
    document: Document, store: ProjectStore, recordings: list[Path], tmp_path: Path, told: list[str]
) -> None:
    contents = [each.read_bytes() for each in recordings]
    recipe = {"recordings": [{"file": "cow.wav", "sha256": "0" * 64}]}
    gone = dataclasses.replace(next(iter(document.takes)), id="gone", recipe=recipe)
    document.add_take(gone)
    assert succeeds(store.collect, tmp_path)
    folder = tmp_path / "project collected"
    assert sorted(each.read_bytes() for each in (folder / "recordings").iterdir()) == sorted(contents)
    assert ["cow.wav was not collected" in each for each in told] == [True]
    for each in recordings:
        each.unlink()
    told.clear()
    check = RecordingsCheck(document, store)
    assert succeeds(store.open, folder / "project.sdesk")
    wait_until(lambda: bool(told))
    assert "cow.wav is not on this computer" in told[0]
    assert "dog.wav" not in told[0]
    assert len(read_project(folder / "project.sdesk").takes) == 4
    check.close()

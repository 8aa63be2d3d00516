"""Stereo takes in a project file: kept to the bit, and a mono take for sounddesk before them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.project_schema import ProjectFileError
from sounddesk.storage.waveform_blob import decode_waveform

STEREO = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)


def a_take(take_id: str, waveform: np.ndarray) -> Take:
    return Take(
        id=take_id, object_id="o", number=1, seed=1, waveform=waveform, sample_rate_hz=44_100, recipe={}, created="now"
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a.sdesk"
    takes = (a_take("stereo", STEREO), a_take("mono", STEREO[:, 0].copy()))
    write_project(path, ProjectContents(project=Project(), takes=takes))
    return path


def test_both_channels_come_back_to_the_bit(saved: Path) -> None:
    stereo, mono = read_project(saved).takes
    assert np.array_equal(stereo.waveform, STEREO)
    assert np.array_equal(mono.waveform, STEREO[:, 0])


def test_older_versions_find_the_mean_where_they_look_for_the_sound(saved: Path) -> None:
    with sqlite3.connect(saved) as db:
        rows = dict(db.execute("SELECT id, waveform FROM takes"))
    assert np.allclose(decode_waveform(rows["stereo"], samples=1000), STEREO.mean(axis=1), atol=1e-6)


def test_a_project_without_stereo_has_no_table_for_it(tmp_path: Path) -> None:
    write_project(tmp_path / "a.sdesk", ProjectContents(takes=(a_take("mono", STEREO[:, 0].copy()),)))
    with sqlite3.connect(tmp_path / "a.sdesk") as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'stereo_takes'").fetchall()


def test_a_stereo_take_is_added_to_an_open_project_and_saved_with_it(tmp_path: Path) -> None:
    database = ProjectDatabase.create(tmp_path / "work.sdesk")
    database.write(Project(), takes=[a_take("mono", STEREO[:, 0].copy())])
    database.write(Project(), takes=[a_take("stereo", STEREO)])
    database.copy_to(tmp_path / "a.sdesk")
    database.close()
    assert [take.channels for take in read_project(tmp_path / "a.sdesk").takes] == [1, 2]


@pytest.mark.parametrize("change", ["waveform = X'00'", "waveform = 'text'", "encoding = 'opus'"])
def test_a_damaged_side_is_told(saved: Path, change: str) -> None:
    with sqlite3.connect(saved) as db:
        db.execute(f"UPDATE stereo_takes SET {change}")
    with pytest.raises(ProjectFileError, match="a.sdesk is damaged"):
        read_project(saved)

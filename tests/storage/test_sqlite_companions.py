"""Files that somebody put beside a database under names of SQLite: named, never waited for, never written into."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.project import Project
from sounddesk.evaluation.study.study_design import StudySample
from sounddesk.evaluation.study.study_design import StudyTerms
from sounddesk.evaluation.study.study_file import STUDY_FILE
from sounddesk.evaluation.study.study_file import StudyFile
from sounddesk.evaluation.study.study_file import study_bytes
from sounddesk.storage.library.library import Library
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.sqlite_companions import foreign_companion

ANOTHER_USER = 12_345


def a_project(folder: Path) -> Path:
    write_project(folder / "p.sdesk", ProjectContents(project=Project()))
    return folder / "p.sdesk"


def a_library(folder: Path) -> Path:
    Library(folder / "l.sqlite").close()
    return folder / "l.sqlite"


def a_study(folder: Path) -> Path:
    sample = StudySample(number=1, clip="c", system="s", text="", has_picture=False, has_object=False)
    (folder / STUDY_FILE).write_bytes(study_bytes(StudyTerms(title="t"), [sample]))
    return folder / STUDY_FILE


DATABASES: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "project": (a_project, ProjectDatabase.open),
    "library": (a_library, Library),
    "study": (a_study, lambda path: StudyFile(path.parent)),
}


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("kind", DATABASES)
def test_what_is_none_of_sqlites_is_named_and_left_alone(tmp_path: Path, kind: str, suffix: str) -> None:
    make, open_database = DATABASES[kind]
    path = make(tmp_path)
    before = path.read_bytes()
    mine = tmp_path / "mine.txt"
    mine.write_text("keep")
    planted = path.with_name(path.name + suffix)
    plants: list[tuple[str, Callable[[], object]]] = [
        ("is a second name of another file", lambda: planted.hardlink_to(mine)),
        ("is no ordinary file", lambda: planted.symlink_to(mine)),
    ]
    if hasattr(os, "mkfifo"):
        plants.append(("is no ordinary file", lambda: os.mkfifo(planted)))
    for said, put in plants:
        put()
        with pytest.raises(BadInputError, match=f"{planted.name} {said}: move that file away"):
            open_database(path)
        planted.unlink()
    assert mine.read_text() == "keep"
    assert path.read_bytes() == before


def test_what_sqlite_itself_made_is_taken(tmp_path: Path) -> None:
    with Library(tmp_path / "l.sqlite"), Library(tmp_path / "l.sqlite"):
        assert (tmp_path / "l.sqlite-wal").exists()
        assert foreign_companion(tmp_path / "l.sqlite") == ""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_journal_of_somebody_who_could_not_write_the_database(tmp_path: Path) -> None:
    path = a_project(tmp_path)
    path.chmod(0o644)
    planted = path.with_name("p.sdesk-journal")
    planted.write_bytes(b"pages that would be put into the project")
    assert foreign_companion(path) == ""
    os.chown(planted, ANOTHER_USER, ANOTHER_USER)
    with pytest.raises(BadInputError, match="p.sdesk-journal belongs to another user: move that file away"):
        ProjectDatabase.open(path)
    # Who may write the database may finish what another one began.
    path.chmod(0o664)
    assert foreign_companion(path) == ""

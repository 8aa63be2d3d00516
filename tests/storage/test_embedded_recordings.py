"""Recordings inside a project file: put in, taken out, written again, and never trusted without their hash."""

from __future__ import annotations

import errno
import hashlib
import io
import sqlite3
from pathlib import Path

import pytest

from sounddesk.storage import embedded_recordings as module
from sounddesk.storage.embedded_recordings import embed_recordings
from sounddesk.storage.embedded_recordings import embedded_recordings
from sounddesk.storage.embedded_recordings import extract_recording
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_schema import ProjectFileError


def test_a_recording_goes_in_and_comes_out_again(tmp_path: Path) -> None:
    file = tmp_path / "dog.wav"
    file.write_bytes(bytes(range(256)) * 9000)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    database = ProjectDatabase.create(tmp_path / "a.sdesk")
    db = database.connection
    assert embedded_recordings(db) == frozenset()
    assert not extract_recording(db, sha256, tmp_path / "nothing.wav")
    wanted = [(sha256, "dog.wav", file), ("0" * 64, "cat.wav", None), ("1" * 64, "cow.wav", file)]
    problems = embed_recordings(db, wanted)
    assert [each.split(" is ")[0] for each in problems] == ["cat.wav", "cow.wav"]
    assert "was changed" in problems[1]
    database.close()
    database = ProjectDatabase.open(tmp_path / "a.sdesk")
    assert database.read().embedded == {sha256}
    assert extract_recording(database.connection, sha256, tmp_path / "again.wav")
    assert (tmp_path / "again.wav").read_bytes() == file.read_bytes()
    # It need not be read again for the next save, and goes when nobody wants it.
    assert embed_recordings(database.connection, [(sha256, "dog.wav", None)]) == []
    assert embed_recordings(database.connection, []) == []
    assert embedded_recordings(database.connection) == frozenset()
    database.close()


def test_what_is_damaged_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "dog.wav"
    file.write_bytes(b"bark" * 100)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    database = ProjectDatabase.create(tmp_path / "a.sdesk")
    embed_recordings(database.connection, [(sha256, "dog.wav", file)])
    database.connection.execute("UPDATE recordings SET file = zeroblob(400)")
    assert not extract_recording(database.connection, sha256, tmp_path / "again.wav")
    assert not (tmp_path / "again.wav").exists()
    database.connection.execute("UPDATE recordings SET file = 7")
    assert not extract_recording(database.connection, sha256, tmp_path / "again.wav")
    database.close()


class Unplugged(io.BytesIO):
    """A file whose disk goes away after the first block."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, "Input/output error")
        return super().read(min(10, size or 0))


def test_what_could_be_read_in_part_only_is_not_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dog.wav"
    file.write_bytes(b"bark" * 100)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    database = ProjectDatabase.create(tmp_path / "a.sdesk")
    with monkeypatch.context() as patch:
        patch.setattr(module, "open_foreign_file", lambda path: Unplugged(path.read_bytes()))
        (problem,) = embed_recordings(database.connection, [(sha256, "dog.wav", file)])
    assert "Input/output error" in problem
    assert embedded_recordings(database.connection) == frozenset()
    # The next save tries again.
    assert embed_recordings(database.connection, [(sha256, "dog.wav", file)]) == []
    assert embedded_recordings(database.connection) == {sha256}
    database.close()


def test_a_table_with_other_ids_is_read_too(tmp_path: Path) -> None:
    database = ProjectDatabase.create(tmp_path / "a.sdesk")
    sha256 = hashlib.sha256(b"bark").hexdigest()
    database.connection.execute("CREATE TABLE recordings (id TEXT, sha256 TEXT, file BLOB)")
    database.connection.execute("INSERT INTO recordings VALUES ('x', ?, ?)", (sha256, b"bark"))
    assert extract_recording(database.connection, sha256, tmp_path / "dog.wav")
    assert (tmp_path / "dog.wav").read_bytes() == b"bark"
    database.close()


@pytest.mark.parametrize(
    "planted", ["CREATE VIEW recordings AS SELECT 1 AS sha256", "CREATE VIRTUAL TABLE recordings USING fts5(sha256)"]
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, planted: str) -> None:
    ProjectDatabase.create(tmp_path / "a.sdesk").close()
    with sqlite3.connect(tmp_path / "a.sdesk") as db:
        db.execute(planted)
    with pytest.raises(ProjectFileError, match="is no table"):
        ProjectDatabase.open(tmp_path / "a.sdesk")

"""Project files made to do harm: endless queries, bombs, wrong kinds of values in columns, more than is referred to."""

from __future__ import annotations

import shutil
import sqlite3
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from sounddesk.storage import project_reader
from sounddesk.storage import project_schema
from sounddesk.storage.png_mask import decode_mask_png
from sounddesk.storage.png_mask import encode_mask_png
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_schema import ProjectFileError
from tests.storage.test_project_file import V1
from tests.storage.test_project_file import assert_same
from tests.storage.test_project_file import v1_contents


def changed(tmp_path: Path, *statements: str, blob: bytes = b"") -> Path:
    """The v1.0 file after some SQL, in which :blob stands for `blob`."""
    path = tmp_path / "evil.sdesk"
    shutil.copy(V1, path)
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement, {"blob": blob} if ":blob" in statement else {})
    db.close()
    return path


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
VIEW = f"CREATE VIEW markers AS {ENDLESS} SELECT i AS id, i AS position, '' AS data FROM n"
VIRTUAL = "CREATE VIRTUAL TABLE markers USING fts5(id, position, data)"


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (("DROP TABLE markers", VIEW), "no table"),
        (("CREATE TRIGGER t AFTER INSERT ON clips BEGIN DELETE FROM takes; END",), "trigger 't'"),
        (("ALTER TABLE clips ADD COLUMN big AS (zeroblob(900000000))",), "'clips' has a computed column"),
        (("DROP TABLE markers", VIRTUAL), "'markers' is no table"),
        (("UPDATE masks SET png = 5",), "a mask is int instead of bytes"),
        (("UPDATE images SET file = 'text'",), "the image is str instead of bytes"),
        (("UPDATE takes SET waveform = 7",), "a take is int instead of bytes"),
        (("UPDATE takes SET samples = 'many'",), 'samples is "many": expected a whole number'),
        (("UPDATE takes SET samples = 750000000",), "samples is 750000000: expected 1 to 345600000"),
        (("UPDATE takes SET seed = -1",), "seed is -1: expected 0 to"),
        (("UPDATE takes SET notes = '{\"notes\": [3]}'",), r"notes\[0\] is 3: expected text"),
        (("UPDATE clips SET data = json_set(data, '$.start_s', '1')",), r'c2\.start_s is "1": expected a number'),
        (("UPDATE clips SET data = replace(data, '1.1', '1e999')",), r"clips\.c2 is damaged .*inf: expected a finite"),
        (("UPDATE clips SET data = replace(data, '1.1', '" + "9" * 5000 + "')",), "5000 digits"),
        (("UPDATE clips SET data = '" + "[" * 5000 + "'",), "nested too deeply"),
        (("UPDATE clips SET position = 'x'",), r"clips\.c2\.position is \"x\": expected a whole number"),
        (("UPDATE objects SET data = json_set(data, '$.mask_sha256', 5)",), r"mask_sha256 is 5: expected text"),
    ],
)  # fmt: skip
def test_a_file_made_to_do_harm_is_refused(tmp_path: Path, statements: tuple[str, ...], message: str) -> None:
    with pytest.raises(ProjectFileError, match=message):
        read_project(changed(tmp_path, *statements))


def test_a_sound_that_inflates_without_end_is_stopped_at_its_length(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(64 << 20), 9)
    tracemalloc.start()
    for samples in (10, 4000):
        path = changed(tmp_path, f"UPDATE takes SET samples = {samples}, waveform = :blob", blob=bomb)
        with pytest.raises(ProjectFileError, match="has more samples instead of"):
            read_project(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_takes_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_reader, "_FREE_WAVEFORM_BYTES", 4 * 4000 * 3)
    monkeypatch.setattr(project_reader, "_MAX_SHRINKING", 0)
    columns = "object_id, number, seed, sample_rate_hz, samples, encoding, waveform, recipe, created, notes"
    copies = f"INSERT INTO takes SELECT 'x{{0}}', position + {{0}}, {columns} FROM takes WHERE id = 't1'"
    assert len(read_project(changed(tmp_path, *(copies.format(n) for n in (1, 2)))).takes) == 3
    with pytest.raises(ProjectFileError, match="far longer than the file could hold"):
        read_project(changed(tmp_path, *(copies.format(n) for n in (1, 2, 3))))


def test_only_what_is_referred_to_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    monkeypatch.setattr(project_reader, "decode_mask_png", lambda png: (decoded.append(png), decode_mask_png(png))[1])
    other = encode_mask_png(np.zeros((3, 3), np.uint8))
    path = changed(
        tmp_path,
        "INSERT INTO masks SELECT 'unused' || value, :blob FROM json_each('[1, 2, 3]')",
        "INSERT INTO images VALUES ('unused', :blob)",
        blob=other,
    )
    assert_same(read_project(path), v1_contents())
    assert len(decoded) == 1
    database = ProjectDatabase.open(path)
    database.tidy(database.read().project)
    assert database.connection.execute("SELECT COUNT(*) FROM masks").fetchone() == (1,)
    assert database.connection.execute("SELECT COUNT(*) FROM images").fetchone() == (1,)
    database.close()


def test_masks_of_another_size_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_reader, "decode_mask_png", lambda _: pytest.fail("it was decoded"))
    path = changed(tmp_path, "UPDATE masks SET png = :blob", blob=encode_mask_png(np.zeros((25, 32), np.uint8)))
    with pytest.raises(ProjectFileError, match="32 x 25 pixels, unlike the image"):
        read_project(path)
    monkeypatch.setattr(project_reader, "_MAX_MASK_PIXELS", 32 * 24 - 1)
    with pytest.raises(ProjectFileError, match="more than 767 pixels together"):
        read_project(V1)


def test_work_inside_sqlite_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_schema, "_MAX_CALLS", 2)
    db = sqlite3.connect(":memory:")
    project_schema.limit_work(db)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        db.execute(f"{ENDLESS} SELECT COUNT(*) FROM n").fetchone()
    project_schema.lift_limit(db)
    assert db.execute("SELECT 1").fetchone() == (1,)
    db.close()

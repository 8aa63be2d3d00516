"""The manifest keeps what was written, whatever became of the process that wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.batch.manifest import ManifestWriter
from sounddesk.batch.manifest import hash_file
from sounddesk.batch.manifest import is_intact
from sounddesk.batch.manifest import manifest_name
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.frame_sequence import Shard
from sounddesk.storage.batch_rows import read_rows
from sounddesk.storage.batch_rows import row_to_json


def row(name: str = "dog", *, frame: str = "f.1.png", finished: str = "2026-01-01", **values: object) -> Row:
    fields = {"kind": "object", "take": 1, "status": "done", "input_sha256": "aa", **values}
    return Row(frame=frame, object=name, finished=finished, **fields)  # type: ignore[arg-type]


def write(path: Path, *rows: Row) -> None:
    with ManifestWriter(path) as manifest:
        for each in rows:
            manifest.append(each)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [
        row(files={"a/dog.wav": "11"}, levels={"lufs": None, "peak_dbfs": -3.0}, notes=("quiet",), seed=2**63 - 1),
        row("", kind="frame", take=0, objects=("dog", "\udc80 odd\n"), error=None),
    ]
    write(tmp_path / "manifest.jsonl", *rows)
    assert read_rows(tmp_path) == rows


@settings(max_examples=60)
@given(data=st.data())
def test_a_kill_at_any_byte_costs_at_most_the_last_row(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    path = folder / "manifest.jsonl"
    rows = [row(f"o{number}", finished=f"2026-01-0{number}") for number in range(1, 5)]
    write(path, *rows)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    survived = whole[:cut].count(b"\n")
    kept = read_rows(folder)
    # A line may be whole but for its end.
    assert kept in (rows[:survived], rows[: survived + 1])
    later = row("later", finished="2026-02-01")
    write(path, later)
    assert read_rows(folder) == [*kept, later]


def test_what_is_no_row_is_passed_over(tmp_path: Path) -> None:
    good = row()
    write(tmp_path / "manifest.jsonl", good)
    with (tmp_path / "manifest.jsonl").open("ab") as file:
        file.write(
            b'null\n[]\n{"version":1}\n{"version":1,"frame":3,"object":"x"}\n\xff\xfe\n' + b"[" * 100_000 + b"\n"
        )
    assert read_rows(tmp_path) == [good]


def test_keys_of_a_newer_version_do_no_harm(tmp_path: Path) -> None:
    import json

    data = {**row_to_json(row()), "mood": "sad"}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(data) + "\n")
    assert read_rows(tmp_path) == [row()]


def test_manifests_of_all_shards_are_read_together_and_the_newest_row_counts(tmp_path: Path) -> None:
    first = row(finished="2026-01-01", status="failed")
    second = row(finished="2026-01-02")
    write(tmp_path / manifest_name(Shard()), second)
    write(tmp_path / manifest_name(Shard(index=1, count=2)), first)
    assert read_rows(tmp_path) == [first, second]
    assert newest_rows(read_rows(tmp_path)) == {("f.1.png", "dog", 1): second}


def test_files_are_verified_by_content(tmp_path: Path) -> None:
    (tmp_path / "dog.wav").write_bytes(b"sound")
    written = row(files={"dog.wav": hash_file(tmp_path / "dog.wav")})
    assert is_intact(written, tmp_path)
    (tmp_path / "dog.wav").write_bytes(b"sounD")
    assert not is_intact(written, tmp_path)
    (tmp_path / "dog.wav").unlink()
    assert not is_intact(written, tmp_path)

"""The pictures of a prepared set as a folder for the measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.split_pictures import write_pictures
from tests.evaluation.conftest import write_cut_out


def write_table(folder: Path, *rows: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "table.csv").write_text("\n".join(["kind,role,path,split", *rows]) + "\n")
    return folder


def test_pictures_of_one_part_lie_by_kind_and_those_that_are_there_stay(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_cut_out(tmp_path / "set" / "pictures" / f"{name}.png")
    data = write_table(
        tmp_path / "set",
        "dog,picture,pictures/a.png,test",
        "car,picture,pictures/b.png,test",
        "car,picture,pictures/c.png,train",
        "dog,recording,recordings/a.wav,test",
    )
    out = tmp_path / "out"
    (out / "dog").mkdir(parents=True)
    (out / "dog" / "a.png").write_bytes(b"mine")
    told = MEASURES.get("pictures").measure(None, out=out, reference=data, split="test")
    assert told.line == f"2 test pictures of 2 kinds are in {out}"
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == ["car/b.png", "dog/a.png"]
    assert (out / "dog" / "a.png").read_bytes() == b"mine"
    assert (out / "car" / "b.png").read_bytes() == (data / "pictures" / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("dog,picture,../a.png,test", "outside of its folder"),
        ("dog,picture", "no picture of the split 'test'"),
        ("dog,picture,gone.png,test", "gone.png is missing"),
    ],
)
def test_tables_that_cannot_be_used(row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message):
        write_pictures(tmp_path / "out", reference=write_table(tmp_path / "set", row))
    assert not (tmp_path / "out").exists()


def test_what_is_no_data_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no data set"):
        write_pictures(tmp_path / "out", reference=tmp_path)
    (tmp_path / "table.csv").write_text("role,split\npicture,test\n")
    with pytest.raises(BadInputError, match="lacks the columns kind, path"):
        write_pictures(tmp_path / "out", reference=tmp_path)

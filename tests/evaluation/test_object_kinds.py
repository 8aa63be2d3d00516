"""Which names are right for a label."""

from __future__ import annotations

from pathlib import Path

import pytest

from sounddesk.engine.images.annotated_photographs import PhotographFolderError
from sounddesk.evaluation.object_kinds import RightNames
from sounddesk.evaluation.object_kinds import read_right_names

KINDS = ("dog", "car", "church_bell")


def test_without_a_table_a_label_that_is_a_kind_is_right(tmp_path: Path) -> None:
    found = read_right_names(tmp_path, ["Church Bell", "lamp", "dog"], kinds=KINDS)
    assert {label: sorted(each.kinds) for label, each in found.items()} == {
        "Church Bell": ["church_bell"],
        "lamp": [],
        "dog": ["dog"],
    }
    assert not found["lamp"].known


def test_the_table_decides(tmp_path: Path) -> None:
    (tmp_path / "kinds.csv").write_text("label,kinds,near\npuppy,dog,\nlorry,,car; dog\nlamp\n")
    found = read_right_names(tmp_path, ["puppy", "lorry", "lamp", "puppy"], kinds=KINDS)
    assert found == {
        "puppy": RightNames(kinds=frozenset({"dog"})),
        "lorry": RightNames(kinds=frozenset(), near=frozenset({"car", "dog"})),
        "lamp": RightNames(kinds=frozenset()),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,kinds\ndog,dog\n", "lacks the columns near"),
        ("label,kinds,near\ncat,,\n", "does not say what 'dog' may be called"),
        ("label,kinds,near\ndog,wolf,\n", "a kind 'wolf' that the bundle does not know"),
    ],
)
def test_tables_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "kinds.csv").write_text(text)
    with pytest.raises(PhotographFolderError, match=message):
        read_right_names(tmp_path, ["dog"], kinds=KINDS)

"""Which names are right for an outlined object: its label, in the words of a recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.engine.images.annotated_photographs import PhotographFolderError
from sounddesk.evaluation.picture_folder import normal_name
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_csv

KINDS_TABLE: Final = "kinds.csv"
"""A table beside the pictures that says which names are right for a label: columns `label`, `kinds` and `near`."""


@dataclass(frozen=True, kw_only=True)
class RightNames:
    """What an object may be called.

    Attributes:
        kinds: right names; none for a thing that the recogniser does not know.
        near: names of things so alike that they count neither as right nor as wrong.
    """

    kinds: frozenset[str]
    near: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        return bool(self.kinds)


def read_right_names(folder: Path, labels: Sequence[str], *, kinds: Sequence[str]) -> dict[str, RightNames]:
    """Right names by label.

    Args:
        folder: may hold `kinds.csv`. Without it a label is right itself where it is one of the kinds.
        labels: of all objects.
        kinds: what the recogniser knows.

    Raises:
        PhotographFolderError: the table cannot be read, lacks a label, or names a kind that nobody knows.
    """
    path = folder / KINDS_TABLE
    wanted = sorted(set(labels))
    if not path.is_file():
        known = {normal_name(kind): kind for kind in kinds}
        return {
            label: RightNames(kinds=frozenset([known[normal_name(label)]] if normal_name(label) in known else []))
            for label in wanted
        }
    try:
        rows = read_csv(path, columns=("label", "kinds", "near"))
    except (OSError, FieldError) as error:
        raise PhotographFolderError(f"{path} cannot be read: {error}") from error
    table = {row["label"]: RightNames(kinds=_names(row["kinds"]), near=_names(row["near"])) for row in rows}
    missing = [label for label in wanted if label not in table]
    if missing:
        raise PhotographFolderError(f"{path} does not say what {missing[0]!r} may be called: add a row for it")
    named = {name for each in table.values() for name in each.kinds | each.near}
    strange = sorted(named - set(kinds))
    if strange:
        raise PhotographFolderError(f"{path} names a kind {strange[0]!r} that the bundle does not know")
    return {label: table[label] for label in wanted}


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(";") if name.strip())

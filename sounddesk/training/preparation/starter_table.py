"""The table that ships with the set: where every file comes from and what may be done with it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
from pathlib import Path
from typing import Any
from typing import Literal

from sounddesk.storage.atomic_file import atomic_path
from sounddesk.training.data.data_error import DataError
from sounddesk.training.preparation.starter_recipe import KindRecipe
from sounddesk.training.preparation.starter_recipe import Role

Split = Literal["train", "validation", "test"]
"""Older tables know no validation part and are read as they are."""

TABLE_NAME = "table.csv"
KINDS_NAME = "kinds.json"


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One file of the set. ``duration_s`` and ``source_rate_hz`` are empty for pictures."""

    kind: str
    role: Role
    id: str
    path: str
    split: Split
    source: str
    package: str
    version: str
    member: str
    source_sha256: str
    sha256: str
    licence: str
    credit: str
    duration_s: float | None
    source_rate_hz: int | None

    @property
    def order(self) -> tuple[str, str, str]:
        return self.role, self.kind, self.id


def write_table(path: Path, rows: Iterable[TableRow]) -> None:
    """Writes the table sorted by role, kind and id, so that the same set gives the same bytes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(TableRow)], lineterminator="\n")
    writer.writeheader()
    for row in sorted(rows, key=lambda row: row.order):
        values: dict[str, Any] = asdict(row)
        values["duration_s"] = "" if row.duration_s is None else f"{row.duration_s:.3f}"
        values["source_rate_hz"] = "" if row.source_rate_hz is None else row.source_rate_hz
        writer.writerow(values)
    write_whole(path, text.getvalue().encode("utf-8"))


def read_table(path: Path) -> list[TableRow]:
    """Reads a table written by `write_table`; raises `DataError` when a column is missing."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = {field.name for field in fields(TableRow)}
    if rows and not wanted <= rows[0].keys():
        raise DataError(f"{path.name} lacks the columns {', '.join(sorted(wanted - rows[0].keys()))}")
    return [row_from(row) for row in rows]


def row_from(values: dict[str, Any]) -> TableRow:
    """A row from texts or JSON values; empty numbers become None."""
    known = {field.name: values[field.name] for field in fields(TableRow)}
    for name, kind in (("duration_s", float), ("source_rate_hz", int)):
        known[name] = None if known[name] in ("", None) else kind(known[name])
    return TableRow(**known)


def write_kinds(path: Path, kinds: Sequence[KindRecipe]) -> None:
    """Writes what is said about every kind, in the order of the recipe."""
    entries = [
        {
            "kind": kind.kind,
            "caption": kind.caption,
            "alt_captions": list(kind.alt_captions),
            "group": kind.group,
            "repeat": kind.repeat,
            "imagenet_classes": list(kind.imagenet_classes),
        }
        for kind in kinds
    ]
    write_whole(path, (json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        part.write_bytes(content)

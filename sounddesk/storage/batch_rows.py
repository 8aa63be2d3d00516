"""The manifest of a batch: JSON Lines, one per frame and object (`sounddesk batch` appends them).

Several manifests may lie in one folder, one per shard; they are read together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.batch_manifest import Row
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.codec import field_of
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json

VERSION: Final = 1
GLOB: Final = "manifest*.jsonl"


def row_to_json(row: Row) -> dict[str, Any]:
    """JSON-ready; `row_from_json` gives an equal row back."""
    return {"version": VERSION, **encode(row)}


def row_from_json(data: Any) -> Row:
    """Read back what `row_to_json` gave; keys of newer versions are left out. Raises: FieldError, not a row."""
    field_of(int, data, "version")
    return decode(Row, data, unknown="ignore")


def read_rows(out: Path) -> list[Row]:
    """The rows of all manifests in a folder, oldest first; lines that are no rows are passed over.

    Raises:
        OSError: one of them cannot be read.
    """
    rows = []
    for path in sorted(out.glob(GLOB)):
        text = path.read_bytes().decode("utf-8", errors="replace")
        for line in text.splitlines():
            try:
                rows.append(row_from_json(parse_json(line)))
            except FieldError:
                # Torn by a kill, or written by hand: what it stood for is simply made again.
                continue
    return sorted(rows, key=lambda row: row.finished)

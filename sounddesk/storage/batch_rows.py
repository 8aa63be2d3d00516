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
from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json

VERSION: Final = 1
GLOB: Final = "manifest*.jsonl"
# Of all manifests of a folder together: more than a batch of a million frames writes.
_MOST_BYTES: Final = 1 << 30
_MOST_LINES: Final = 2_000_000


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
        FieldError: they are larger than the rows of any batch.
        OSError: one of them cannot be read.
    """
    rows = []
    n_bytes = n_lines = 0
    for path in sorted(out.glob(GLOB)):
        with open_foreign_file(path) as file:
            data = file.read(_MOST_BYTES + 1 - n_bytes)
        n_bytes += len(data)
        n_lines += data.count(b"\n")
        if n_bytes > _MOST_BYTES or n_lines > _MOST_LINES:
            raise FieldError(f"{path} is larger than the manifest of any batch: move it away")
        for line in data.decode("utf-8", errors="replace").split("\n"):
            try:
                rows.append(row_from_json(parse_json(line)))
            except FieldError:
                # Torn by a kill, or written by hand: what it stood for is simply made again.
                continue
    return sorted(rows, key=lambda row: row.finished)

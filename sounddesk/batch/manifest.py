"""The batch's memory: a JSON line per frame and object, only ever appended, so that a kill costs at most the last line.

Several manifests may lie in one folder, one per shard; they are read together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import Any
from typing import Final
from typing import Literal
from typing import Self

from sounddesk.audio.atomic_file import OutputError
from sounddesk.audio.atomic_file import explained
from sounddesk.batch.frame_sequence import Shard

VERSION: Final = 1
GLOB: Final = "manifest*.jsonl"

Status = Literal["done", "failed", "absent"]
Key = tuple[str, str, int]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one thing to render.

    A row without an object is about the frame as a whole: its mix, masks, recipe and thumbnail. A row without a frame
    is about a bed over the whole shot.

    Attributes:
        frame: file name of the frame; '' for a bed.
        object: the object's name; '' for the frame as a whole.
        kind: 'object', 'blend', 'ambience', 'frame' or 'bed'.
        take: from 1; 0 for a frame as a whole.
        status: 'done', 'failed' or 'absent' (the object is not in this frame, so there is nothing to hear).
        input_sha256: of everything that decides the result; another one means that it must be made again.
        seed: of the take.
        settings: what it was made with.
        files: SHA-256 of each file, by path relative to the output folder.
        error: why it failed.
        levels: 'lufs' and 'peak_dbfs'; None where they cannot be measured.
        timings_s: seconds by step.
        objects: of a frame, the names of what sounds in it.
        finished: UTC, ISO 8601.
    """

    frame: str
    object: str
    kind: str
    take: int
    status: Status
    input_sha256: str
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    image_sha256: str | None = None
    mask_sha256: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    notes: tuple[str, ...] = ()
    levels: Mapping[str, float | None] = field(default_factory=dict)
    timings_s: Mapping[str, float] = field(default_factory=dict)
    objects: tuple[str, ...] = ()
    finished: str = ""

    @property
    def key(self) -> Key:
        return self.frame, self.object, self.take

    @property
    def file(self) -> str | None:
        """The first file: the sound itself."""
        return next(iter(self.files), None)

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, data: Any) -> Row:
        """Read back what `to_json` gave; keys of newer versions are left out.

        Raises:
            ValueError: not a row.
        """
        if not isinstance(data, dict) or not isinstance(data.get("version"), int):
            raise ValueError("not a row of a manifest")
        known = {each.name for each in dataclasses.fields(cls)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in known
        }
        try:
            row = cls(**values)
        except TypeError as error:
            raise ValueError(f"not a row of a manifest: {error}") from None
        wrong = not (
            all(isinstance(text, str) for text in (row.frame, row.object, row.input_sha256))
            and isinstance(row.take, int)
            and isinstance(row.files, dict)
        )
        if wrong:
            raise ValueError("a row of a manifest has values of the wrong kind")
        return row


class ManifestWriter:
    """Appends rows to one manifest; one process writes it at a time.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with explained(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            size = os.fstat(self._descriptor).st_size
            # A kill may have left half a line: ended here, it spoils no other.
            if size and _last_byte(self._descriptor, size) != b"\n":
                os.write(self._descriptor, b"\n")

    def append(self, row: Row) -> None:
        """Write a row and wait until it is on the disk. Raises: OutputError."""
        line = json.dumps(row.to_json(), ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
        with explained(self._path):
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OutputError(f"cannot write {self._path}: the disk is full: free some space")
            os.fsync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def manifest_name(shard: Shard) -> str:
    """'manifest.jsonl', or 'manifest-2-of-8.jsonl' for a shard."""
    return "manifest.jsonl" if shard.is_whole else f"manifest-{shard.index}-of-{shard.count}.jsonl"


def read_rows(out: Path) -> list[Row]:
    """The rows of all manifests in a folder, oldest first; lines that are no rows are passed over."""
    rows = []
    for path in sorted(out.glob(GLOB)):
        with explained(path, what="cannot read"):
            text = path.read_bytes().decode("utf-8", errors="replace")
        for line in text.splitlines():
            try:
                rows.append(Row.from_json(json.loads(line)))
            except (ValueError, RecursionError):
                # Torn by a kill, or written by hand: what it stood for is simply made again.
                continue
    return sorted(rows, key=lambda row: row.finished)


def newest_rows(rows: Iterable[Row]) -> dict[Key, Row]:
    """The last row of each key."""
    return {row.key: row for row in rows}


def is_intact(row: Row, out: Path) -> bool:
    """Whether every file of a row is there with the content that was written."""
    return all(_hash_or_none(out / name) == sha256 for name, sha256 in row.files.items())


def hash_of(value: Any) -> str:
    """SHA-256 of a JSON-ready value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_or_none(path: Path) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)

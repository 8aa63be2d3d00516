"""What a batch has made, as its manifest tells: a row per frame and object. `storage.batch_rows` reads it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

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


def newest_rows(rows: Iterable[Row]) -> dict[Key, Row]:
    """The last row of each key."""
    return {row.key: row for row in rows}

"""Reads everything that a project refers to out of its database, within bounds on each part and on all together."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Annotated
from typing import Any
from typing import Final

from sounddesk.domain.limits import Range
from sounddesk.domain.limits import Seed
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import MasterBus
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.project import TakeMark
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker
from sounddesk.storage.codec import decode
from sounddesk.storage.embedded_recordings import embedded_recordings
from sounddesk.storage.png_mask import decode_mask_png
from sounddesk.storage.png_mask import png_size
from sounddesk.storage.project_json import Json
from sounddesk.storage.project_json import from_text
from sounddesk.storage.project_json import mask_sha256
from sounddesk.storage.project_json import object_from_json
from sounddesk.storage.project_json import part_from_json
from sounddesk.storage.project_json import to_text
from sounddesk.storage.project_json import with_crossfades
from sounddesk.storage.project_json import with_drop_frame
from sounddesk.storage.stereo_takes import has_stereo_takes
from sounddesk.storage.stereo_takes import stereo_waveform
from sounddesk.storage.waveform_blob import decode_waveform

# A bed lasts an hour at most, at 96 kHz at most.
_MAX_SAMPLES: Final = 3600 * 96_000
# Real sound shrinks to three quarters at best; only silence and attacks shrink to a sixteenth of the whole file.
_FREE_WAVEFORM_BYTES: Final = 2 << 30
_MAX_SHRINKING: Final = 16
_MAX_MASK_PIXELS: Final = 4_000_000_000
_SIDES: Final = "SELECT encoding, waveform FROM stereo_takes WHERE id = ?"


@dataclass(frozen=True, kw_only=True, eq=False)
class ProjectContents:
    """Everything that a project refers to: the state, all takes in order, bytes of its image by SHA-256.

    Attributes:
        embedded: hashes of the recordings that its file holds.
    """

    project: Project = field(default_factory=Project)
    takes: tuple[Take, ...] = ()
    images: dict[str, bytes] = field(default_factory=dict)
    newer_major: bool = False
    embedded: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class _TakeColumns:
    """Columns of a take that are no blob."""

    id: str
    object_id: str
    number: int
    seed: Seed
    sample_rate_hz: Annotated[int, Range(1, 768_000)]
    samples: Annotated[int, Range(1, _MAX_SAMPLES)]
    encoding: str
    created: str


class ProjectReader:
    """One reading of a database.

    Attributes:
        rows: table -> key -> position and JSON text, as they are in the file.
        rest: keys of newer versions, by table and key.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.rows: dict[str, dict[str, tuple[int, str]]] = {}
        self.rest: dict[tuple[str, str], Json] = {}

    def read(self, *, newer_major: bool) -> ProjectContents:
        """Raises: sqlite3.Error, ValueError, KeyError or TypeError, where something is wrong inside the file."""
        state = {key: from_text(data, str(key)) for key, data in self._db.execute("SELECT key, data FROM state")}
        self.rows["state"] = {key: (0, to_text(data)) for key, data in state.items()}
        image = self._part(ImageInfo, "state", "image", state["image"]) if state.get("image") else None
        rows = self._json_rows("objects")
        masks = self._masks({mask_sha256(data, where=f"objects.{key}") for key, data in rows}, image)
        objects = []
        for key, data in rows:
            found, self.rest["objects", key] = object_from_json(data, masks, where=f"objects.{key}")
            objects.append(found)
        clips = self._parts(Clip, "clips")
        settings = with_crossfades(with_drop_frame(state.get("settings", {})), clips)
        project = Project(
            image=image,
            objects=tuple(objects),
            clips=clips,
            markers=self._parts(Marker, "markers"),
            take_marks=self._parts(TakeMark, "take_marks"),
            master=self._part(MasterBus, "state", "master", state.get("master", {})),
            settings=self._part(ProjectSettings, "state", "settings", settings),
            next_id=_next_id(state.get("next_id", {}).get("value", 1)),
        )
        images = {} if image is None else {image.sha256: self._image(image)}
        return ProjectContents(
            project=project,
            takes=tuple(self._takes()),
            images=images,
            newer_major=newer_major,
            embedded=embedded_recordings(self._db),
        )

    # ------------------------------------------------------------------ rows of JSON

    def _part(self, kind: Any, table: str, key: str, data: Json) -> Any:
        part, self.rest[table, key] = part_from_json(kind, data, where=f"{table}.{key}")
        return part

    def _parts(self, kind: Any, table: str) -> tuple[Any, ...]:
        return tuple(self._part(kind, table, key, data) for key, data in self._json_rows(table))

    def _json_rows(self, table: str) -> list[tuple[str, Json]]:
        found = self._db.execute(f"SELECT id, position, data FROM {table} ORDER BY position, id").fetchall()
        rows = [
            (decode(str, key, where=f"id of {table}"), decode(int, position, where=f"{table}.{key}.position"), data)
            for key, position, data in found
        ]
        parsed = [(key, position, from_text(data, f"{table}.{key}")) for key, position, data in rows]
        self.rows[table] = {key: (position, to_text(data)) for key, position, data in parsed}
        return [(key, data) for key, _, data in parsed]

    # ------------------------------------------------------------------ blobs: only those that are referred to

    def _image(self, image: ImageInfo) -> bytes:
        row = self._db.execute("SELECT file FROM images WHERE sha256 = ?", (image.sha256,)).fetchone()
        if row is None:
            raise ValueError(f"the image {image.name!r} is missing")
        file = _blob(row[0], "the image")
        if hashlib.sha256(file).hexdigest() != image.sha256:
            raise ValueError("the image is damaged: its bytes do not fit their hash")
        return file

    def _masks(self, wanted: set[str], image: ImageInfo | None) -> dict[str, TiledMask]:
        masks: dict[str, TiledMask] = {}
        n_pixels = 0
        for sha256 in sorted(wanted):
            row = self._db.execute("SELECT png FROM masks WHERE sha256 = ?", (sha256,)).fetchone()
            if row is None:
                continue
            png = _blob(row[0], "a mask")
            width, height = png_size(png)
            if image is not None and (width, height) != (image.width, image.height):
                raise ValueError(f"a mask is {width} x {height} pixels, unlike the image")
            n_pixels += width * height
            if n_pixels > _MAX_MASK_PIXELS:
                raise ValueError(f"its masks have more than {_MAX_MASK_PIXELS} pixels together")
            masks[sha256] = TiledMask.from_array(decode_mask_png(png))
            if masks[sha256].sha256 != sha256:
                raise ValueError("a mask is damaged: its pixels do not fit its hash")
        return masks

    def _takes(self) -> Iterator[Take]:
        pages, page_bytes = (self._db.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "page_size"))
        left = max(_FREE_WAVEFORM_BYTES, pages * page_bytes * _MAX_SHRINKING)
        rows = self._db.execute(
            "SELECT id, object_id, number, seed, sample_rate_hz, samples, encoding, created, waveform, recipe, notes "
            "FROM takes ORDER BY position, rowid"
        )
        names = [each[0] for each in rows.description[:8]]
        stereo = has_stereo_takes(self._db)
        for *plain, waveform, recipe, notes in rows:
            take = decode(_TakeColumns, dict(zip(names, plain, strict=True)), where=f"takes.{plain[0]}")
            both = self._db.execute(_SIDES, (take.id,)).fetchone() if stereo else None
            left -= take.samples * (4 if both is None else 8)
            if left < 0:
                raise ValueError("its takes are far longer than the file could hold")
            if both is None:
                sound = decode_waveform(_blob(waveform, "a take"), samples=take.samples, encoding=take.encoding)
            else:
                sound = stereo_waveform(_blob(both[1], "a take"), samples=take.samples, encoding=both[0])
            yield Take(
                id=take.id,
                object_id=take.object_id,
                number=take.number,
                seed=take.seed,
                waveform=sound,
                sample_rate_hz=take.sample_rate_hz,
                recipe=from_text(recipe, "recipe"),
                created=take.created,
                notes=decode(tuple[str, ...], from_text(notes, "notes")["notes"], where="notes"),
            )


def _blob(value: Any, what: str) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"{what} is {type(value).__name__} instead of bytes")
    return value


def _next_id(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"next_id is {value!r}")
    return value

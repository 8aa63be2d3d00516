"""The pictures of a data set's part: read, or written as the measures read them. `sounddesk evaluate pictures`."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import RgbImage
from sounddesk.engine.verified_files import inside
from sounddesk.evaluation.picture_folder import read_cut_out
from sounddesk.evaluation.recordings.recording_folder import TABLE_NAME
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_csv


@dataclass(frozen=True, kw_only=True)
class WrittenPictures:
    """What lies in a folder now."""

    folder: Path
    pictures: int
    kinds: int
    split: str

    def line(self) -> str:
        return f"{self.pictures} {self.split} pictures of {self.kinds} kinds are in {self.folder}"

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "pictures",
            "folder": str(self.folder),
            "pictures": self.pictures,
            "kinds": self.kinds,
            "split": self.split,
        }


def write_pictures(
    out: Path,
    *,
    reference: Path,
    split: str = "test",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> WrittenPictures:
    """Copy the cut-outs of one part of a data set into OUT/KIND; pictures that are there already stay.

    Raises:
        BadInputError: no data set, or one without pictures of that part.
        OutputError: a picture cannot be written.
        Cancelled: through `cancel`, between two pictures.
    """
    files = _picture_files(reference, split=split)
    reporter = StageReporter(stage="copy", total=len(files), on_progress=progress, cancel=cancel)
    for done, (kind, origin) in enumerate(files, start=1):
        target = out / Path(kind).name / origin.name
        if not target.exists():
            with translate_os_errors(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                with atomic_path(target) as part:
                    shutil.copyfile(origin, part)
        reporter.step(done)
    return WrittenPictures(folder=out, pictures=len(files), kinds=len({kind for kind, _ in files}), split=split)


def read_split_pictures(reference: Path, *, split: str) -> dict[str, list[CutOut]]:
    """The usable cut-outs of one part of a data set, by kind. Raises: BadInputError, as `write_pictures`."""
    found: dict[str, list[CutOut]] = {}
    for kind, origin in _picture_files(reference, split=split):
        with contextlib.suppress(ValueError):
            found.setdefault(kind, []).append(read_cut_out(origin))
    return {kind: pictures for kind, pictures in found.items() if pictures}


def read_split_backgrounds(reference: Path, *, split: str) -> list[RgbImage]:
    """The readable backgrounds of one part of a data set. Raises: BadInputError, as `write_pictures`."""
    found = []
    for _, origin in _picture_files(reference, split=split, role="background"):
        with contextlib.suppress(ImageFileError):
            found.append(load_image(origin).pixels)
    return found


def _picture_files(reference: Path, *, split: str, role: str = "picture") -> list[tuple[str, Path]]:
    """Kind and file of each picture of one part of a data set. Raises: BadInputError."""
    try:
        table = read_csv(reference / TABLE_NAME, columns=("kind", "role", "path", "split"))
    except (OSError, FieldError) as error:
        raise BadInputError(
            f"{reference} is no data set ({error}): build one with 'sounddesk train prepare starter'"
        ) from error
    rows = [row for row in table if row["role"] == role and row["split"] == split]
    if not rows:
        raise BadInputError(f"{reference / TABLE_NAME} has no {role} of the split {split!r}: name another")
    files = []
    for row in rows:
        try:
            origin = inside(reference, row["path"])
        except BundleError as error:
            raise BadInputError(f"{TABLE_NAME} names {row['path']!r} outside of its folder") from error
        if not origin.is_file():
            raise BadInputError(f"{origin} is missing: build the data set again")
        files.append((row["kind"], origin))
    return files

"""Reads a folder of cut-outs to evaluate on: KIND/*.png with alpha."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.images.image_file import load_cut_out
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.starter.kinds_document import KINDS_DOCUMENT
from sounddesk.engine.starter.kinds_document import read_kind_rows
from sounddesk.engine.types import BundleError
from sounddesk.storage.text_formats import FieldError

"""Document of a bundle: what it was trained to sound like, a list of {kind, caption, alt_captions, repeat, ...}."""

MIN_SIDE: Final = 8
"""Smaller cut-outs (in pixels, after trimming transparent borders) show nothing that could be recognised."""


class PictureFolderError(BadInputError):
    """The folder of pictures cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True)
class BundleKind:
    """A kind that a bundle was trained on, the caption that names it, and ImageNet's classes that show it."""

    name: str
    caption: str
    imagenet_classes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureFolder:
    """The usable cut-outs of a folder, and what was skipped.

    Attributes:
        cut_outs: uint8[H, W, 4] (RGBA) by the bundle's name of the kind, in the order of file names.
        skipped_kinds: names of folders whose kind is not known, with their number of pictures.
        skipped_pictures: pictures of known kinds that cannot be used, with the reason.
        files: FOLDER/NAME of each cut-out.
    """

    cut_outs: Mapping[str, Sequence[CutOut]]
    skipped_kinds: Mapping[str, int]
    skipped_pictures: Mapping[str, str]
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def pictures(self) -> int:
        """Number of usable cut-outs."""
        return sum(len(cut_outs) for cut_outs in self.cut_outs.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "kinds": sorted(self.cut_outs),
            "pictures": self.pictures,
            "skipped_kinds": dict(self.skipped_kinds),
            "skipped_pictures": dict(self.skipped_pictures),
        }


def normal_name(name: str) -> str:
    """The form in which names are compared: lower case, '_' and '-' as spaces, single spaces."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def read_bundle_kinds(bundle: Bundle) -> list[BundleKind]:
    """The kinds that a bundle says it knows, in its own order.

    Raises:
        PictureFolderError: the bundle has no list of kinds, or one that cannot be read.
    """
    try:
        rows = read_kind_rows(bundle.document(KINDS_DOCUMENT))
        return [BundleKind(name=row.kind, caption=row.caption, imagenet_classes=row.imagenet_classes) for row in rows]
    except BundleError as error:
        raise PictureFolderError(
            f"bundle {bundle.name!r} does not say which kinds it knows (no {KINDS_DOCUMENT}): evaluate one that does, "
            "such as 'starter'"
        ) from error
    except (OSError, FieldError) as error:
        raise PictureFolderError(
            f"{KINDS_DOCUMENT} of bundle {bundle.name!r} cannot be read ({error!r}): install the bundle again"
        ) from error


def kind_captions(bundle: Bundle) -> dict[str, str]:
    """The captions of a bundle's kinds by name; none of a bundle that does not say which kinds it knows."""
    try:
        return {kind.name: kind.caption for kind in read_bundle_kinds(bundle)}
    except PictureFolderError:
        return {}


def read_picture_folder(directory: Path, kinds: Sequence[str], *, only: Collection[str] | None = None) -> PictureFolder:
    """Read KIND/*.png of `directory` for the given kinds, whose names are matched by `normal_name`.

    Pictures without transparency, unreadable ones and those under `MIN_SIDE` pixels are skipped with the
    reason: without alpha nobody knows which pixels are the object. Of known kinds that are not in `only`, where it is
    given, nothing is read or counted.

    Raises:
        PictureFolderError: not a folder, or nothing usable in it.
    """
    if not directory.is_dir():
        raise PictureFolderError(f"{directory} is not a folder: name one that holds KIND/*.png cut-outs with alpha")
    known = {normal_name(kind): kind for kind in kinds}
    cut_outs: dict[str, list[CutOut]] = {}
    used: dict[str, list[str]] = {}
    skipped_kinds: dict[str, int] = {}
    skipped_pictures: dict[str, str] = {}
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png")
        if not files:
            continue
        kind = known.get(normal_name(folder.name))
        if kind is None:
            skipped_kinds[folder.name] = len(files)
            continue
        if only is not None and kind not in only:
            continue
        for file in files:
            name = f"{folder.name}/{file.name}"
            try:
                cut_outs.setdefault(kind, []).append(read_cut_out(file))
            except ValueError as error:
                skipped_pictures[name] = str(error)
            else:
                used.setdefault(kind, []).append(name)
    found = {kind: pictures for kind, pictures in cut_outs.items() if pictures}
    if not found:
        raise PictureFolderError(
            f"{directory} holds no usable picture of a kind that is known: it needs KIND/*.png cut-outs with alpha; "
            f"{len(skipped_kinds)} kinds and {len(skipped_pictures)} pictures were skipped"
        )
    return PictureFolder(cut_outs=found, skipped_kinds=skipped_kinds, skipped_pictures=skipped_pictures, files=used)


def read_all_cut_outs(directory: Path) -> list[CutOut]:
    """Every usable DIRECTORY/KIND/*.png, whatever its kind, in the order of folders and files.

    Raises:
        PictureFolderError: not a folder, or nothing usable in it.
    """
    kinds = [path.name for path in sorted(directory.iterdir()) if path.is_dir()] if directory.is_dir() else []
    found = read_picture_folder(directory, kinds).cut_outs
    return [cut_out for kind in kinds for cut_out in found.get(kind, ())]


def read_cut_out(file: Path) -> CutOut:
    """One cut-out without its transparent borders, uint8[H, W, 4] (RGBA).

    Raises:
        ValueError: unreadable, without transparency, or too small; the message is the reason alone.
    """
    try:
        rgba = load_cut_out(file)
    except ImageFileError as error:
        raise ValueError(f"cannot be read: {error}") from error
    opaque = rgba[..., 3] > 127
    if opaque.all():
        raise ValueError("has no alpha channel, or is opaque everywhere: cut the object out")
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    if len(rows) == 0 or min(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 < MIN_SIDE:
        raise ValueError(f"shows less than {MIN_SIDE} pixels of an object")
    trimmed = rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(trimmed)

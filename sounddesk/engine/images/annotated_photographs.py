"""Photographs with outlined objects: labelme's or COCO's JSON beside the pictures."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.outlines import polygon_mask
from sounddesk.engine.images.outlines import run_length_mask
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.picture_decoding import decode_picture
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_csv
from sounddesk.storage.text_formats import read_json

SPLITS_TABLE: Final = "photographs.csv"
"""A table beside the pictures that says in its columns `file` and `split` which photographs are for what."""

# Corners of the polygon that stands for labelme's circle.
_CIRCLE_CORNERS: Final = 256
_Draw = Callable[[int, int], BoolMask]


class PhotographFolderError(BadInputError):
    """The folder of photographs cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True)
class OutlinedObject:
    """One object; what is drawn of it may be in several parts.

    Attributes:
        label: its kind, as the annotation names it.
        parts: each gives bool[H, W] for a height and a width.
    """

    label: str
    parts: tuple[_Draw, ...]

    def mask(self, *, height: int, width: int) -> BoolMask:
        """bool[height, width], all parts together."""
        mask = np.zeros((height, width), dtype=np.bool_)
        for part in self.parts:
            mask |= part(height, width)
        return mask


@dataclass(frozen=True, kw_only=True)
class AnnotatedPhotograph:
    """A photograph and the objects that are outlined in it."""

    path: Path
    objects: tuple[OutlinedObject, ...]

    def image(self) -> RgbImage:
        """sRGB uint8[H, W, 3]. Raises: ImageFileError."""
        return load_image(self.path).pixels


def read_annotated_photographs(folder: Path, *, split: str = "") -> list[AnnotatedPhotograph]:
    """The photographs of a folder, by file name, each with at least one object.

    Args:
        folder: holds labelme's NAME.json or one or several of COCO's documents beside the pictures. Other JSON files
            are left alone, and so are COCO's crowds.
        split: only those of which `photographs.csv` says so; all where empty.

    Raises:
        PhotographFolderError: there is none, an outline or a picture is missing or cannot be read, or the table
            does not know the split.
    """
    if not folder.is_dir():
        raise PhotographFolderError(f"{folder} is not a folder: name one that holds photographs and their outlines")
    found: dict[Path, list[OutlinedObject]] = {}
    for path in sorted(folder.glob("*.json")):
        document = _document(path)
        try:
            if "shapes" in document:
                objects = list(_labelme_objects(document))
                found.setdefault(_labelme_picture(path, document), []).extend(objects)
            elif "annotations" in document and "images" in document:
                for picture, one in _coco_objects(path, document):
                    found.setdefault(picture, []).append(one)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PhotographFolderError(f"{path} is neither labelme's nor COCO's: {error!r}") from error
    chosen = _of_split(folder, split) if split else None
    photographs = []
    for picture, objects in sorted(found.items()):
        if objects and (chosen is None or picture.name in chosen):
            if not picture.is_file():
                raise PhotographFolderError(f"{picture} is missing: put it beside its outlines")
            photographs.append(AnnotatedPhotograph(path=picture, objects=tuple(objects)))
    if not photographs:
        of_split = f" of split {split!r}" if split else ""
        raise PhotographFolderError(f"{folder} holds no outlined photograph{of_split}: see labelme's or COCO's format")
    return photographs


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = read_json(path)
    except (OSError, ValueError) as error:
        raise PhotographFolderError(f"{path} cannot be read: {error}") from error
    return document if isinstance(document, dict) else {}


def _of_split(folder: Path, split: str) -> set[str]:
    table = folder / SPLITS_TABLE
    if not table.is_file():
        raise PhotographFolderError(f"{table} is missing: leave out --split, or say there which photographs are which")
    try:
        splits = {row["file"]: row["split"] for row in read_csv(table, columns=("file", "split"))}
    except (OSError, FieldError) as error:
        raise PhotographFolderError(f"{table} cannot be read: {error}") from error
    chosen = {name for name, each in splits.items() if each == split}
    if not chosen:
        known = ", ".join(sorted(set(splits.values()) - {""}))
        raise PhotographFolderError(f"{table} knows no split {split!r}: choose one of {known}")
    return chosen


def _labelme_picture(path: Path, document: Mapping[str, Any]) -> Path:
    """What `imagePath` names; it may have been written on another system."""
    return path.parent / str(document["imagePath"]).replace("\\", "/")


def _labelme_objects(document: Mapping[str, Any]) -> Iterator[OutlinedObject]:
    """Shapes of one `group_id` and label are one object; points and lines are none."""
    groups: dict[tuple[Any, ...], list[_Draw]] = {}
    for index, shape in enumerate(document["shapes"]):
        part = _labelme_part(shape)
        if part is not None:
            group = shape.get("group_id")
            key = ("alone", index) if group is None else ("group", group)
            groups.setdefault((str(shape["label"]), *key), []).append(part)
    for key, parts in groups.items():
        yield OutlinedObject(label=key[0], parts=tuple(parts))


def _labelme_part(shape: Mapping[str, Any]) -> _Draw | None:
    points = np.asarray(shape["points"], dtype=np.float64)
    kind = shape.get("shape_type") or "polygon"
    if kind == "polygon":
        return partial(_draw_polygon, points)
    if kind == "rectangle":
        (left, top), (right, bottom) = points
        return partial(_draw_polygon, np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))
    if kind == "circle":
        middle, rim = points
        angles = np.linspace(0, 2 * np.pi, _CIRCLE_CORNERS, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.linalg.norm(rim - middle)
        return partial(_draw_polygon, middle + circle)
    if kind == "mask":
        (left, top), _ = points
        return partial(_draw_picture, _decoded(shape["mask"]), round(left), round(top))
    return None


def _draw_polygon(points: npt.NDArray[np.float64], height: int, width: int) -> BoolMask:
    return polygon_mask(points, height=height, width=width)


def _decoded(text: str) -> BoolMask:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"a mask is no base64: {error}") from error
    try:
        picture = decode_picture(data, name="mask", what="mask", notes=[], min_side_px=1).image
    except ImageFileError as error:
        raise ValueError(str(error)) from error
    mask: BoolMask = np.asarray(picture.convert("L")) > 0
    return mask


def _draw_picture(picture: BoolMask, left: int, top: int, height: int, width: int) -> BoolMask:
    mask = np.zeros((height, width), dtype=np.bool_)
    target = mask[top : top + picture.shape[0], left : left + picture.shape[1]]
    target |= picture[: target.shape[0], : target.shape[1]]
    return mask


def _coco_objects(path: Path, document: Mapping[str, Any]) -> Iterator[tuple[Path, OutlinedObject]]:
    pictures = {image["id"]: path.parent / image["file_name"] for image in document["images"]}
    names = {each["id"]: str(each["name"]) for each in document.get("categories", ())}
    for annotation in document["annotations"]:
        if annotation.get("iscrowd"):
            continue
        label = names.get(annotation.get("category_id"), "")
        parts = tuple(_coco_parts(annotation["segmentation"]))
        yield pictures[annotation["image_id"]], OutlinedObject(label=label, parts=parts)


def _coco_parts(segmentation: Mapping[str, Any] | Sequence[Sequence[float]]) -> Iterator[_Draw]:
    if isinstance(segmentation, Mapping):
        yield partial(_draw_runs, segmentation["counts"], tuple(segmentation["size"]))
        return
    for flat in segmentation:
        yield partial(_draw_polygon, np.asarray(flat, dtype=np.float64).reshape(-1, 2))


def _draw_runs(counts: Sequence[int] | str, size: tuple[int, int], height: int, width: int) -> BoolMask:
    if size != (height, width):
        raise PhotographFolderError(f"an outline is for a picture of {size[1]}x{size[0]}, but it has {width}x{height}")
    try:
        return run_length_mask(counts, height=height, width=width)
    except ValueError as error:
        raise PhotographFolderError(f"an outline cannot be drawn: {error}") from error

"""Masks from and for other programs: mask images, labelme JSON (labelme 5) and COCO instances.

COCO's compressed run lengths are read by a few lines here: pycocotools, the usual reader, is a C extension that would
be a dependency for nothing else.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import PngImagePlugin

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.mask import BoolMask
from sounddesk.engine.images.image_file import load_mask
from sounddesk.storage.text_formats import read_json

MAX_JSON_BYTES: Final = 512 * 2**20
_FRACTION_BITS: Final = 8


class MaskFormatError(BadInputError, EngineError):
    """A mask file cannot be used; the message names it, the reason and the remedy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedMask:
    """A mask with the name that its file gives it, bool[H, W] at image size."""

    name: str
    mask: BoolMask


# ---------------------------------------------------------------------- reading


def read_masks(path: Path, *, image_size: tuple[int, int]) -> tuple[NamedMask, ...]:
    """Every mask of a file: a mask image (see `load_mask`), labelme JSON, or COCO JSON.

    Shapes of one label and group in labelme are one mask. Of a COCO file with several images those annotations are
    read whose image has the size of ours, if it is but one.

    Args:
        image_size: (width, height) of the image that the masks are for. Masks made for the same picture at another
            size are scaled.

    Raises:
        MaskFormatError, ImageFileError: the file cannot be read, holds no mask, or is for another image.
    """
    if path.suffix.lower() != ".json":
        return (NamedMask(name=path.stem, mask=load_mask(path, image_size=image_size)),)
    data = _read_json(path)
    if isinstance(data.get("shapes"), list):
        found = _from_labelme(data, path, image_size)
    elif isinstance(data.get("annotations"), list) and isinstance(data.get("images"), list):
        found = _from_coco(data, path, image_size)
    else:
        raise MaskFormatError(
            f"{path.name} is neither labelme nor COCO: it has no 'shapes', and no 'images' with 'annotations'"
        )
    found = tuple(each for each in found if each.mask.any())
    if not found:
        raise MaskFormatError(f"{path.name} holds no mask: draw one in the program that made it")
    return found


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise MaskFormatError(f"{path.name} has more than {MAX_JSON_BYTES >> 20} MiB: export fewer images at once")
        data = read_json(path, max_bytes=MAX_JSON_BYTES)
    except OSError as error:
        raise MaskFormatError(f"{path} cannot be read ({error.strerror}): check the path") from None
    except (ValueError, RecursionError) as error:
        raise MaskFormatError(f"{path.name} is damaged: it is no JSON ({error})") from None
    if not isinstance(data, dict):
        raise MaskFormatError(f"{path.name} is neither labelme nor COCO: it holds no JSON object")
    return data


def _scale(path: Path, size: tuple[Any, Any], image_size: tuple[int, int]) -> float:
    """How many pixels of our image are one of the file's. Raises: MaskFormatError, another aspect ratio."""
    width, height = image_size
    try:
        own_width, own_height = float(size[0]), float(size[1])
    except (TypeError, ValueError):
        raise MaskFormatError(f"{path.name} does not say how large its image is: export it again") from None
    if own_width < 1 or own_height < 1 or abs(own_width * height - own_height * width) > max(width, height):
        raise MaskFormatError(
            f"{path.name} is for an image of {own_width:g} x {own_height:g} pixels, but this one has {width} x {height}"
        )
    return width / own_width


def _from_labelme(data: Mapping[str, Any], path: Path, image_size: tuple[int, int]) -> tuple[NamedMask, ...]:
    scale = _scale(path, (data.get("imageWidth"), data.get("imageHeight")), image_size)
    masks: dict[tuple[str, Any], BoolMask] = {}
    for index, shape in enumerate(data["shapes"]):
        if not isinstance(shape, dict):
            raise MaskFormatError(f"shape {index} of {path.name} is damaged")
        label = str(shape.get("label") or "object").strip() or "object"
        group = shape.get("group_id")
        # Without a group each shape is an object of its own.
        key = (label, group if group is not None else ("shape", index))
        try:
            drawn = _labelme_shape(shape, scale, image_size)
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, OSError) as error:
            raise MaskFormatError(f"shape {index} of {path.name} ({label!r}) is damaged: {error}") from None
        if drawn is not None:
            masks[key] = masks[key] | drawn if key in masks else drawn
    return tuple(NamedMask(name=label, mask=mask) for (label, _), mask in masks.items())


def _labelme_shape(shape: Mapping[str, Any], scale: float, image_size: tuple[int, int]) -> BoolMask | None:
    """A shape's pixels; None for one without an area."""
    points = np.asarray(shape["points"], dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise ValueError("a coordinate is no number")
    kind = shape.get("shape_type") or "polygon"
    if kind == "polygon":
        return _filled([points * scale], image_size) if len(points) >= 3 else None
    if kind == "rectangle":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        return _filled([corners * scale], image_size)
    if kind == "circle":
        centre, radius = points[0], float(np.hypot(*(points[1] - points[0])))
        turn = np.linspace(0.0, 2.0 * np.pi, 180, endpoint=False)
        return _filled([(centre + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)) * scale], image_size)
    if kind == "mask":
        png = io.BytesIO(base64.b64decode(shape["mask"], validate=True))
        patch = np.asarray(PngImagePlugin.PngImageFile(png).convert("L")) > 0
        (left, top), (right, bottom) = np.floor(points.min(axis=0)), np.floor(points.max(axis=0)) + 1.0
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) * scale
        return _pasted(patch, corners, image_size)
    return None


def _pasted(patch: BoolMask, corners: npt.NDArray[np.float64], image_size: tuple[int, int]) -> BoolMask:
    """A small mask stretched over the rectangle that `corners` span."""
    width, height = image_size
    out = np.zeros((height, width), dtype=bool)
    left, top = (round(v) for v in corners[0])
    right, bottom = (round(v) for v in corners[2])
    if right <= left or bottom <= top or right - left > 4 * width or bottom - top > 4 * height:
        return out
    resized = cv2.resize(patch.astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST) > 0
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = resized[y0 - top : y1 - top, x0 - left : x1 - left]
    return out


def _from_coco(data: Mapping[str, Any], path: Path, image_size: tuple[int, int]) -> tuple[NamedMask, ...]:
    images = [each for each in data["images"] if isinstance(each, dict)]
    if len(images) > 1:
        images = [each for each in images if (each.get("width"), each.get("height")) == image_size]
    if len(images) != 1:
        raise MaskFormatError(
            f"{path.name} is for several images, and {len(images) or 'none'} of them has the size of this one: "
            "export the annotations of this image alone"
        )
    scale = _scale(path, (images[0].get("width"), images[0].get("height")), image_size)
    categories = data.get("categories")
    listed = categories if isinstance(categories, list) else []
    names = {each.get("id"): str(each.get("name") or "object") for each in listed if isinstance(each, dict)}
    found = []
    for index, annotation in enumerate(data["annotations"]):
        if not isinstance(annotation, dict) or annotation.get("image_id") != images[0].get("id"):
            continue
        name = names.get(annotation.get("category_id"), "object")
        try:
            mask = _coco_segmentation(annotation.get("segmentation"), scale, image_size)
        except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
            raise MaskFormatError(f"annotation {index} of {path.name} ({name!r}) is damaged: {error}") from None
        if mask is not None:
            found.append(NamedMask(name=name, mask=mask))
    return tuple(found)


def _coco_segmentation(segmentation: Any, scale: float, image_size: tuple[int, int]) -> BoolMask | None:
    if isinstance(segmentation, list):
        polygons = [np.asarray(each, dtype=np.float64).reshape(-1, 2) * scale for each in segmentation]
        if not all(np.isfinite(each).all() for each in polygons):
            raise ValueError("a coordinate is no number")
        polygons = [each for each in polygons if len(each) >= 3]
        return _filled(polygons, image_size) if polygons else None
    if not isinstance(segmentation, dict):
        return None
    height, width = (int(each) for each in segmentation["size"])
    counts = segmentation["counts"]
    runs = decode_run_lengths(counts) if isinstance(counts, str) else [int(each) for each in counts]
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"its run lengths do not fill {width} x {height} pixels")
    values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    # COCO counts down the columns.
    mask = values.reshape(width, height).T
    own_width, own_height = image_size
    if mask.shape != (own_height, own_width):
        mask = cv2.resize(mask.astype(np.uint8), image_size, interpolation=cv2.INTER_NEAREST) > 0
    return np.ascontiguousarray(mask)


def decode_run_lengths(text: str) -> list[int]:
    """COCO's compressed counts: 5 bits a character from 48 on, bit 5 for 'more follows', each count from the third
    on relative to the one two before it (cocoapi, maskApi.c, rleFrString).

    Raises:
        ValueError: a character out of range, or the text ends within a count.
    """
    runs: list[int] = []
    value, bits = 0, 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError(f"{character!r} is no part of compressed counts")
        value |= (code & 31) << bits
        bits += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << bits
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, bits = 0, 0
    if bits:
        raise ValueError("its counts end too early")
    return runs


def _filled(polygons: Sequence[npt.NDArray[np.float64]], image_size: tuple[int, int]) -> BoolMask:
    """Pixels whose centre lies inside any of the polygons, whose corners are in pixels from the top left corner."""
    width, height = image_size
    out = np.zeros((height, width), dtype=np.uint8)
    for polygon in polygons:
        # OpenCV counts from the middle of the first pixel.
        limited = np.clip(polygon, -width - height, 2 * (width + height)) - 0.5
        fixed = np.round(limited * (1 << _FRACTION_BITS)).astype(np.int32)
        cv2.fillPoly(out, [fixed], 1, shift=_FRACTION_BITS)
    return out.astype(bool)


# ---------------------------------------------------------------------- writing


def labelme_json(masks: Sequence[NamedMask], *, image_name: str, image_size: tuple[int, int]) -> bytes:
    """A labelme file: each mask as a shape of type 'mask', pixel for pixel."""
    shapes: list[dict[str, Any]] = []
    for each in masks:
        rows, columns = np.flatnonzero(each.mask.any(axis=1)), np.flatnonzero(each.mask.any(axis=0))
        if not len(rows):
            continue
        left, right, top, bottom = int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])
        encoded, png = cv2.imencode(".png", each.mask[top : bottom + 1, left : right + 1].astype(np.uint8))
        assert encoded
        shapes.append(
            {
                "label": each.name,
                "points": [[float(left), float(top)], [float(right), float(bottom)]],
                "group_id": None,
                "description": "",
                "shape_type": "mask",
                "flags": {},
                "mask": base64.b64encode(png.tobytes()).decode("ascii"),
            }
        )
    width, height = image_size
    data: dict[str, Any] = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(data, indent=2).encode("utf-8")


def coco_json(masks: Sequence[NamedMask], *, image_name: str, image_size: tuple[int, int]) -> bytes:
    """A COCO instances file for one image, as run lengths, pixel for pixel (COCO marks those as crowds)."""
    width, height = image_size
    names = list(dict.fromkeys(each.name for each in masks))
    annotations: list[dict[str, Any]] = []
    for each in masks:
        if not each.mask.any():
            continue
        rows, columns = np.flatnonzero(each.mask.any(axis=1)), np.flatnonzero(each.mask.any(axis=0))
        left, top = int(columns[0]), int(rows[0])
        flat = each.mask.T.reshape(-1)
        edges = np.flatnonzero(np.diff(flat)) + 1
        runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": 1,
                "category_id": names.index(each.name) + 1,
                "segmentation": {"size": [height, width], "counts": [0, *runs] if flat[0] else runs},
                "area": int(np.count_nonzero(each.mask)),
                "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
                "iscrowd": 1,
            }
        )
    data = {
        "info": {"description": "masks from sounddesk"},
        "images": [{"id": 1, "file_name": image_name, "width": width, "height": height}],
        "annotations": annotations,
        "categories": [{"id": index, "name": name} for index, name in enumerate(names, start=1)],
    }
    return json.dumps(data).encode("utf-8")

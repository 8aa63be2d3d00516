"""labelme's JSON (labelme 5, with the shapes of its descendants): read and written."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Final

import numpy as np
from PIL import Image

from sounddesk.domain.mask import BoolMask
from sounddesk.engine.images.annotations.canvas import Canvas
from sounddesk.engine.images.annotations.canvas import MaskFormatError
from sounddesk.engine.images.annotations.canvas import MaskRequest
from sounddesk.engine.images.annotations.canvas import NamedMask
from sounddesk.engine.images.annotations.canvas import label_of
from sounddesk.engine.images.annotations.canvas import points_of
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.picture_decoding import decode_picture

# 'rotation' and 'quadrilateral' are of labelme's descendants: closed outlines of four corners.
_OUTLINES: Final = ("polygon", "rotation", "oriented_rectangle", "quadrilateral")
_FOLDED_PATCH_PIXELS: Final = 4


def is_labelme(data: Any) -> bool:
    """Whether a JSON value is a labelme file."""
    return isinstance(data, dict) and isinstance(data.get("shapes"), list)


def read_labelme(data: Any, request: MaskRequest) -> Iterator[NamedMask]:
    """Shapes of one label and group are one mask; a shape without a group is one of its own.

    Raises:
        MaskFormatError: a shape is damaged, or the file is for another picture.
    """
    canvas = Canvas(request, own_size=_own_size(data, request))
    groups: dict[tuple[str, Any], list[tuple[int, Mapping[str, Any]]]] = {}
    for index, shape in enumerate(data["shapes"]):
        if not isinstance(shape, dict):
            raise MaskFormatError(f"shape {index} of {request.file_name} is damaged")
        label, group = label_of(shape.get("label")), shape.get("group_id")
        key = (label, ("shape", index) if group is None else ("group", str(group)))
        groups.setdefault(key, []).append((index, shape))
    for (label, _), shapes in groups.items():
        mask: BoolMask | None = None
        for index, shape in shapes:
            try:
                drawn = _drawn(shape, canvas, request, label=label)
            except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
                raise MaskFormatError(f"shape {index} of {request.file_name} ({label!r}) is damaged: {error}") from None
            if drawn is not None:
                mask = drawn if mask is None else mask | drawn
        if mask is not None:
            yield NamedMask(name=label, mask=mask)


def _own_size(data: Mapping[str, Any], request: MaskRequest) -> tuple[Any, Any] | None:
    """As the file says, else that of the picture inside it, else None with a note."""
    if data.get("imageWidth") is not None or data.get("imageHeight") is not None:
        return data.get("imageWidth"), data.get("imageHeight")
    inside = data.get("imageData")
    if isinstance(inside, str) and inside:
        try:
            notes: list[str] = []
            picture = decode_picture(base64.b64decode(inside, validate=True), name=request.file_name, notes=notes)
            return picture.image.size
        except (binascii.Error, ImageFileError):
            pass
    request.tell("it does not say how large its picture is: taken to be this one")
    return None


def _drawn(shape: Mapping[str, Any], canvas: Canvas, request: MaskRequest, *, label: str) -> BoolMask | None:
    """A shape's pixels; None for one without an area, which is counted."""
    kind = str(shape.get("shape_type") or "polygon")
    points = points_of(shape["points"])
    if kind in _OUTLINES and len(points) >= 3:
        return canvas.polygons([points])
    if kind == "rectangle":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return canvas.box(left, top, right, bottom)
    if kind == "circle":
        radius = float(np.hypot(*(points[1] - points[0])))
        return canvas.ellipse(points[0][0], points[0][1], radius, radius)
    if kind == "mask":
        left, top = np.floor(points.min(axis=0))
        right, bottom = np.floor(points.max(axis=0)) + 1.0
        patch = _patch(shape["mask"], request, most_px=_FOLDED_PATCH_PIXELS * canvas.own_size[0] * canvas.own_size[1])
        if (right - left, bottom - top) != (patch.shape[1], patch.shape[0]):
            request.tell(f"the mask of {label!r} is not as large as its box: placed at the box's upper left corner")
        return canvas.patch(patch, left=left, top=top)
    request.leave_out(f"{kind[:40]} shape(s) without an area", label)
    return None


def _patch(text: Any, request: MaskRequest, *, most_px: float) -> BoolMask:
    if not isinstance(text, str):
        raise ValueError("it has no mask")
    data = base64.b64decode(text, validate=True)
    # 24 bytes into a PNG stand its sides: a mask is no larger than its picture.
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not data.startswith(b"\x89PNG") or width * height > most_px:
        raise ValueError(f"its mask is no PNG that fits into the picture ({width} x {height} pixels)")
    try:
        decoded = decode_picture(data, name=request.file_name, what="mask", notes=[], min_side_px=1)
    except ImageFileError as error:
        raise ValueError(str(error)) from None
    return np.asarray(decoded.image.convert("L")) > 0


def labelme_json(masks: Sequence[NamedMask], *, image_name: str, image_size: tuple[int, int]) -> bytes:
    """A labelme file: each mask as a shape of type 'mask', pixel for pixel."""
    shapes: list[dict[str, Any]] = []
    for each in masks:
        rows, columns = np.flatnonzero(each.mask.any(axis=1)), np.flatnonzero(each.mask.any(axis=0))
        if not len(rows):
            continue
        left, right, top, bottom = int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])
        shapes.append(
            {
                "label": each.name,
                "points": [[float(left), float(top)], [float(right), float(bottom)]],
                "group_id": None,
                "description": "",
                "shape_type": "mask",
                "flags": {},
                "mask": base64.b64encode(_png(each.mask[top : bottom + 1, left : right + 1])).decode("ascii"),
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


def _png(mask: BoolMask) -> bytes:
    file = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8)).save(file, format="PNG")
    return file.getvalue()

"""CVAT's XML 1.1, 'CVAT for images' and the single frames of 'CVAT for video'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np

from sounddesk.domain.mask import BoolMask
from sounddesk.engine.images.annotations.canvas import Canvas
from sounddesk.engine.images.annotations.canvas import MaskFormatError
from sounddesk.engine.images.annotations.canvas import MaskRequest
from sounddesk.engine.images.annotations.canvas import NamedMask
from sounddesk.engine.images.annotations.canvas import finite
from sounddesk.engine.images.annotations.canvas import label_of
from sounddesk.engine.images.annotations.canvas import points_of
from sounddesk.engine.images.picture_decoding import MAX_PIXELS

_SHAPES: Final = ("polygon", "box", "ellipse", "mask")
_WITHOUT_AREA: Final = ("polyline", "points", "cuboid", "skeleton", "tag")


def is_cvat(root: Element) -> bool:
    """Whether an XML file is CVAT's."""
    return root.tag == "annotations"


def read_cvat(root: Element, request: MaskRequest) -> Iterator[NamedMask]:
    """The shapes of our image: the one of its name, else the only one; shapes of one group and label are one mask.

    Raises:
        MaskFormatError: a shape is damaged, or none or several images could be meant.
    """
    for track in root.iterfind("track"):
        request.leave_out("track(s) over a video: export as 'CVAT for images'", label_of(track.get("label")))
    images = root.findall("image")
    if not images:
        return
    image = _chosen(images, request)
    canvas = Canvas(request, own_size=(image.get("width"), image.get("height")))
    groups: dict[tuple[str, str], list[Element]] = {}
    for index, shape in enumerate(image):
        label, group = label_of(shape.get("label")), shape.get("group_id") or "0"
        if shape.tag in _SHAPES:
            # CVAT's groups begin at 1.
            groups.setdefault((label, f"alone {index}" if group == "0" else f"group {group}"), []).append(shape)
        else:
            known = shape.tag if shape.tag in _WITHOUT_AREA else f"{str(shape.tag)[:40]} (not known here)"
            request.leave_out(f"{known} shape(s) without an area", label)
    for (label, _), shapes in groups.items():
        mask: BoolMask | None = None
        for shape in shapes:
            try:
                drawn = _drawn(shape, canvas)
            except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
                raise MaskFormatError(f"a {shape.tag} of {request.file_name} ({label!r}) is damaged: {error}") from None
            if drawn is None:
                request.leave_out(f"{shape.tag} shape(s) without an area", label)
            else:
                mask = drawn if mask is None else mask | drawn
        if mask is not None:
            yield NamedMask(name=label, mask=mask)


def _chosen(images: list[Element], request: MaskRequest) -> Element:
    names = [PurePosixPath((each.get("name") or "").replace("\\", "/")).name.casefold() for each in images]
    fitting = [image for image, name in zip(images, names, strict=True) if name == request.image_name.casefold()]
    if request.image_name and len(fitting) == 1:
        return fitting[0]
    if len(images) == 1:
        return images[0]
    width, height = request.image_size
    sized = [each for each in images if (each.get("width"), each.get("height")) == (str(width), str(height))]
    if len(sized) == 1:
        return sized[0]
    raise MaskFormatError(
        f"{request.file_name} is for {len(images)} images, and {len(fitting) or 'none'} of them is named "
        f"{request.image_name!r}: give the image the name that it has there, or export this image alone"
    )


def _drawn(shape: Element, canvas: Canvas) -> BoolMask | None:
    degrees = finite(shape.get("rotation") or 0)
    if shape.tag == "polygon":
        pairs = [pair.split(",") for pair in (shape.get("points") or "").split(";") if pair.strip()]
        return canvas.polygons([points_of([[float(x), float(y)] for x, y in pairs])])
    if shape.tag == "box":
        left, top, right, bottom = (finite(shape.get(side)) for side in ("xtl", "ytl", "xbr", "ybr"))
        return canvas.box(left, top, right, bottom, degrees=degrees)
    if shape.tag == "ellipse":
        x, y, rx, ry = (finite(shape.get(key)) for key in ("cx", "cy", "rx", "ry"))
        return canvas.ellipse(x, y, rx, ry, degrees=degrees)
    left, top, width, height = (int(finite(shape.get(key))) for key in ("left", "top", "width", "height"))
    return canvas.patch(_patch(shape.get("rle") or "", width, height), left=left, top=top)


def _patch(text: str, width: int, height: int) -> BoolMask:
    """Runs along the rows of the box, not part of the object first."""
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(f"its box is {width} x {height} pixels")
    runs = np.array([int(each) for each in text.split(",")], dtype=np.int64)
    if (runs < 0).any() or int(runs.sum()) != width * height:
        raise ValueError(f"its runs do not fill its box of {width} x {height} pixels")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)

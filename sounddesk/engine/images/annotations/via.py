"""VGG Image Annotator's JSON: projects and exported annotations of VIA 1 and 2, and projects of VIA 3."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.mask import BoolMask
from sounddesk.engine.images.annotations.canvas import Canvas
from sounddesk.engine.images.annotations.canvas import MaskFormatError
from sounddesk.engine.images.annotations.canvas import MaskRequest
from sounddesk.engine.images.annotations.canvas import NamedMask
from sounddesk.engine.images.annotations.canvas import finite
from sounddesk.engine.images.annotations.canvas import label_of

# Attributes that people name an object by, the likeliest first.
_NAMING: Final = ("name", "label", "class", "object", "category", "type")
# VIA 3's numbers for shapes (its documentation of `metadata.xy`).
_VIA3_SHAPES: Final = {1: "point", 2: "rect", 3: "circle", 4: "ellipse", 5: "line", 6: "polyline", 7: "polygon"}


def is_via(data: Any) -> bool:
    """Whether a JSON value is a project or an export of VIA."""
    if not isinstance(data, dict) or not data:
        return False
    if "_via_img_metadata" in data or ("metadata" in data and "view" in data and "file" in data):
        return True
    return all(isinstance(each, dict) and "filename" in each and "regions" in each for each in data.values())


def read_via(data: Any, request: MaskRequest) -> Iterator[NamedMask]:
    """The regions of our image: the one of its name, else the only one.

    Raises:
        MaskFormatError: a region is damaged, or none or several images could be meant.
    """
    request.tell("VIA does not say how large its picture is: taken to be this one")
    canvas = Canvas(request, own_size=None)
    regions = _regions_of_via3(data, request) if "view" in data else _regions(data, request)
    for index, (shape, attributes) in enumerate(regions):
        name = _name(attributes)
        try:
            mask = _drawn(shape, canvas)
        except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
            raise MaskFormatError(f"region {index} of {request.file_name} ({name!r}) is damaged: {error}") from None
        if mask is None:
            request.leave_out(f"{str(shape.get('name'))[:40]} region(s) without an area", name)
        else:
            yield NamedMask(name=name, mask=mask)


def _regions(data: Mapping[str, Any], request: MaskRequest) -> list[tuple[Mapping[str, Any], Any]]:
    listed = data.get("_via_img_metadata", data)
    images = [each for each in listed.values() if isinstance(each, dict)] if isinstance(listed, dict) else []
    image = _chosen(images, [str(each.get("filename")) for each in images], request)
    found = image.get("regions") or []
    # VIA 1 numbers them in an object.
    regions = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(regions, list) or not all(isinstance(each, dict) for each in regions):
        raise MaskFormatError(f"{request.file_name} is damaged: its regions are no list")
    return [(_object(each.get("shape_attributes")), each.get("region_attributes")) for each in regions]


def _regions_of_via3(data: Mapping[str, Any], request: MaskRequest) -> list[tuple[Mapping[str, Any], Any]]:
    files, views = _object(data.get("file")), _object(data.get("view"))
    names = []
    for view in views.values():
        fids = [str(each) for each in _list(_object(view).get("fid_list"))]
        names.append(str(_object(files.get(fids[0])).get("fname")) if len(fids) == 1 else "")
    wanted = _chosen(list(views), names, request)
    attributes = _object(data.get("attribute"))
    found: list[tuple[Mapping[str, Any], Any]] = []
    for each in _object(data.get("metadata")).values():
        region = _object(each)
        if str(region.get("vid")) != wanted or not region.get("xy"):
            continue
        numbers = _list(region["xy"])
        if not numbers or not isinstance(numbers[0], int | float):
            raise MaskFormatError(f"{request.file_name} is damaged: xy of a region is {str(region['xy'])[:40]!r}")
        kind, *values = numbers
        said = {
            str(_object(attributes.get(key)).get("aname") or key): _object(
                _object(attributes.get(key)).get("options")
            ).get(str(value), value)
            for key, value in _object(region.get("av")).items()
        }
        found.append(({"name": _VIA3_SHAPES.get(kind, str(kind)), "xy": values}, said))
    return found


def _chosen(items: list[Any], names: list[str], request: MaskRequest) -> Any:
    bases = [PurePosixPath(name.replace("\\", "/")).name.casefold() for name in names]
    fitting = [item for item, base in zip(items, bases, strict=True) if base == request.image_name.casefold()]
    if request.image_name and len(fitting) == 1:
        return fitting[0]
    if len(items) == 1:
        return items[0]
    raise MaskFormatError(
        f"{request.file_name} is for {len(items)} images, and {len(fitting) or 'none'} of them is named "
        f"{request.image_name!r}: give the image the name that it has there, or export this image alone"
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(attributes: Any) -> str:
    """By the attribute that names it; ticked boxes come as an object of names."""
    said = {str(key).casefold(): value for key, value in _object(attributes).items()}
    for key in (*(each for each in _NAMING if each in said), *said):
        value = said[key]
        if isinstance(value, dict):
            value = " ".join(str(each) for each, ticked in value.items() if ticked)
        name = label_of(value)
        if name != "object":
            return name
    return "object"


def _drawn(shape: Mapping[str, Any], canvas: Canvas) -> BoolMask | None:
    kind = shape.get("name")
    if "xy" in shape:
        values = [finite(each) for each in shape["xy"]]
        if kind == "polygon":
            return canvas.polygons([np.asarray(values, dtype=np.float64).reshape(-1, 2)])
        if kind == "rect":
            left, top, width, height = values[:4]
            return canvas.box(left, top, left + width, top + height)
        if kind == "circle":
            return canvas.ellipse(values[0], values[1], values[2], values[2])
        if kind == "ellipse":
            return canvas.ellipse(*values[:4])
        return None
    if kind in ("polygon", "polyline"):
        points = np.stack([_numbers(shape["all_points_x"]), _numbers(shape["all_points_y"])], axis=1)
        closed = kind == "polygon" or (len(points) > 3 and bool((points[0] == points[-1]).all()))
        return canvas.polygons([points]) if closed else None
    if kind == "rect":
        left, top = finite(shape["x"]), finite(shape["y"])
        return canvas.box(left, top, left + finite(shape["width"]), top + finite(shape["height"]))
    if kind == "circle":
        radius = finite(shape["r"])
        return canvas.ellipse(finite(shape["cx"]), finite(shape["cy"]), radius, radius)
    if kind == "ellipse":
        degrees = float(np.degrees(finite(shape.get("theta", 0.0))))
        axes = finite(shape["rx"]), finite(shape["ry"])
        return canvas.ellipse(finite(shape["cx"]), finite(shape["cy"]), *axes, degrees=degrees)
    return None


def _numbers(values: Any) -> npt.NDArray[np.float64]:
    return np.array([finite(each) for each in values], dtype=np.float64)

"""COCO's instances, written and read; also its kin: SA-1B's files and the dumps of SAM's automatic masks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from sounddesk.domain.mask import BoolMask
from sounddesk.engine.images.annotations.canvas import Canvas
from sounddesk.engine.images.annotations.canvas import MaskFormatError
from sounddesk.engine.images.annotations.canvas import MaskRequest
from sounddesk.engine.images.annotations.canvas import NamedMask
from sounddesk.engine.images.annotations.canvas import finite
from sounddesk.engine.images.annotations.canvas import label_of
from sounddesk.engine.images.annotations.canvas import points_of


def is_coco(data: Any) -> bool:
    """Whether a JSON value is a COCO file of instances."""
    return isinstance(data, dict) and isinstance(data.get("annotations"), list) and isinstance(data.get("images"), list)


def is_segment_anything(data: Any) -> bool:
    """Whether a JSON value is a file of SA-1B, or a dump of SAM's automatic masks."""
    if isinstance(data, dict):
        return isinstance(data.get("annotations"), list) and isinstance(data.get("image"), dict)
    return isinstance(data, list) and bool(data) and all(isinstance(e, dict) and "segmentation" in e for e in data)


def read_coco(data: Any, request: MaskRequest) -> Iterator[NamedMask]:
    """The annotations of our image: the one of its name, else the only one, else the only one of its size.

    Raises:
        MaskFormatError: an annotation is damaged, or no image or several could be meant.
    """
    image = _image_of(data, request)
    canvas = Canvas(request, own_size=(image.get("width"), image.get("height")))
    categories = data.get("categories")
    listed = categories if isinstance(categories, list) else []
    names = {str(each.get("id")): label_of(each.get("name")) for each in listed if isinstance(each, dict)}
    for index, annotation in enumerate(data["annotations"]):
        if not isinstance(annotation, dict):
            request.leave_out("damaged annotation(s)", "")
        elif annotation.get("image_id") != image.get("id"):
            request.leave_out("annotation(s) of other images", "")
        else:
            name = names.get(str(annotation.get("category_id")), "object")
            yield from _mask_of(annotation, index, canvas, request, name=name)


def read_segment_anything(data: Any, request: MaskRequest) -> Iterator[NamedMask]:
    """Each annotation as a mask of its own, named 'object 1' and so on. Raises: MaskFormatError."""
    annotations = data if isinstance(data, list) else data["annotations"]
    image = {} if isinstance(data, list) else data["image"]
    sized = next((each["segmentation"] for each in annotations if _has_size(each)), None)
    own = (image.get("width"), image.get("height")) if image.get("width") else None
    if own is None and sized is not None:
        own = (sized["size"][1], sized["size"][0])
    canvas = Canvas(request, own_size=own)
    for index, annotation in enumerate(annotations):
        if not isinstance(annotation, dict):
            request.leave_out("damaged annotation(s)", "")
            continue
        yield from _mask_of(annotation, index, canvas, request, name=f"object {index + 1}")


def _has_size(annotation: Any) -> bool:
    segmentation = annotation.get("segmentation") if isinstance(annotation, dict) else None
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    return isinstance(size, list) and len(size) == 2


def _image_of(data: Mapping[str, Any], request: MaskRequest) -> Mapping[str, Any]:
    images = [each for each in data["images"] if isinstance(each, dict)]
    if request.image_name:
        named = [each for each in images if _base_name(each.get("file_name")) == request.image_name.casefold()]
        if len(named) == 1:
            return named[0]
    if len(images) == 1:
        if request.image_name and images[0].get("file_name"):
            request.tell(f"it is for {str(images[0]['file_name'])[:200]!r}; taken to be this image")
        return images[0]
    fitting = [each for each in images if (each.get("width"), each.get("height")) == request.image_size]
    if len(fitting) == 1:
        return fitting[0]
    raise MaskFormatError(
        f"{request.file_name} is for several images, and {len(fitting) or 'none'} of them has the size of this one: "
        "export the annotations of this image alone, or give the image the name that it has there"
    )


def _base_name(value: Any) -> str:
    return PurePosixPath(str(value or "").replace("\\", "/")).name.casefold()


def _mask_of(
    annotation: Mapping[str, Any], index: int, canvas: Canvas, request: MaskRequest, *, name: str
) -> Iterator[NamedMask]:
    try:
        mask = _segmentation(annotation.get("segmentation"), canvas)
        if mask is None and annotation.get("bbox"):
            left, top, width, height = (finite(each) for each in annotation["bbox"])
            mask = canvas.box(left, top, left + width, top + height)
            request.tell("annotations without an outline became boxes")
    except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise MaskFormatError(f"annotation {index} of {request.file_name} ({name!r}) is damaged: {error}") from None
    if mask is None:
        request.leave_out("annotation(s) without outline and box", name)
        return
    yield NamedMask(name=name, mask=mask)


def _segmentation(segmentation: Any, canvas: Canvas) -> BoolMask | None:
    if isinstance(segmentation, list):
        # One flat list is one outline.
        flat = bool(segmentation) and not isinstance(segmentation[0], list)
        return canvas.polygons([points_of(each) for each in ([segmentation] if flat else segmentation)])
    if not isinstance(segmentation, dict):
        return None
    height, width = (int(finite(each)) for each in segmentation["size"])
    counts = segmentation["counts"]
    if not isinstance(counts, str | list):
        raise ValueError("its counts are neither a list nor a text")
    return canvas.runs(counts, width=width, height=height)


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

"""Every mask of a file, whichever program made it: what 'Import masks' and `--mask` read."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.engine.images.annotations.canvas import MaskFormatError
from sounddesk.engine.images.annotations.canvas import MaskRequest
from sounddesk.engine.images.annotations.canvas import NamedMask
from sounddesk.engine.images.annotations.coco import is_coco
from sounddesk.engine.images.annotations.coco import is_segment_anything
from sounddesk.engine.images.annotations.coco import read_coco
from sounddesk.engine.images.annotations.coco import read_segment_anything
from sounddesk.engine.images.annotations.cvat import is_cvat
from sounddesk.engine.images.annotations.cvat import read_cvat
from sounddesk.engine.images.annotations.labelme import is_labelme
from sounddesk.engine.images.annotations.labelme import read_labelme
from sounddesk.engine.images.annotations.via import is_via
from sounddesk.engine.images.annotations.via import read_via
from sounddesk.engine.images.mask_file import EmptyMaskError
from sounddesk.engine.images.mask_file import MaskPicture
from sounddesk.engine.images.mask_file import SeveralMasksError
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.images.mask_file import several_masks_text
from sounddesk.engine.types import BoolMask
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json
from sounddesk.storage.xml_text import read_xml

# Annotations of some thousand images.
MAX_TEXT_BYTES: Final = 128 << 20
# All masks of a file together, in pixels of a byte each.
MAX_TOTAL_PIXELS: Final = 3 << 30


@dataclass(frozen=True, kw_only=True)
class AnnotationFormat:
    """A kind of annotation file: whose it is, how it is known, and its reader."""

    name: str
    recognises: Callable[[Any], bool]
    read: Callable[[Any, MaskRequest], Iterator[NamedMask]]


JSON_FORMATS: Final = (
    AnnotationFormat(name="labelme", recognises=is_labelme, read=read_labelme),
    AnnotationFormat(name="COCO", recognises=is_coco, read=read_coco),
    AnnotationFormat(name="SA-1B or SAM's automatic masks", recognises=is_segment_anything, read=read_segment_anything),
    AnnotationFormat(name="VIA", recognises=is_via, read=read_via),
)
XML_FORMATS: Final = (AnnotationFormat(name="CVAT", recognises=is_cvat, read=read_cvat),)


def read_masks(
    path: Path,
    *,
    image_size: tuple[int, int],
    image_name: str = "",
    orientation: int = 1,
    notes: list[str] | None = None,
) -> tuple[NamedMask, ...]:
    """Every mask of a file: a picture (see `load_mask`), a label map, or annotations of another program.

    Annotations are labelme's, COCO's, SA-1B's, VIA's (JSON) and CVAT's (XML). Shapes of one label and group are one
    mask. What becomes no mask, lines and points for example, is counted and named in `notes`.

    Args:
        image_size: (width, height) of the image that the masks are for. Masks made for the same picture at another
            size are scaled.
        image_name: of the image's file: a file with annotations of several images is asked for that one.
        orientation: how the image was turned upright (see `LoadedImage`).
        notes: takes what was left out, turned or assumed, one sentence each.

    Raises:
        MaskFormatError, ImageFileError: the file cannot be read, holds no mask, or is for another image.
    """
    request = MaskRequest(
        file_name=path.name,
        image_size=image_size,
        image_name=image_name,
        orientation=orientation,
        notes=[] if notes is None else notes,
    )
    suffix = path.suffix.lower()
    if suffix not in (".json", ".xml"):
        return _read_picture(path, request)
    data: Any = _parsed(path, read_json if suffix == ".json" else read_xml)
    formats = JSON_FORMATS if suffix == ".json" else XML_FORMATS
    kind = next((each for each in formats if each.recognises(data)), None)
    if kind is None:
        known = ", ".join(each.name for each in (*JSON_FORMATS, *XML_FORMATS))
        raise MaskFormatError(
            f"{path.name} is of no program that is known here ({known}): export it as labelme, COCO or PNG masks"
        )
    found: list[NamedMask] = []
    total = 0
    for each in _masks_of(kind, data, request):
        if not each.mask.any():
            request.leave_out("shape(s) that cover no pixel of the image", each.name)
            continue
        total += each.mask.size
        if total > MAX_TOTAL_PIXELS:
            raise MaskFormatError(
                f"{path.name} holds more masks than fit into memory at {image_size[0]} x {image_size[1]} pixels: "
                f"export fewer than {len(found)} objects at once"
            )
        found.append(each)
    request.tell_what_was_left_out()
    if not found:
        why = "; ".join(f"{len(names)} {what}" for what, names in request.left_out.items())
        left = f" ({why} left out)" if why else ""
        raise MaskFormatError(f"{path.name} holds no mask{left}: draw an outline in the program that made it")
    return tuple(found)


def _masks_of(kind: AnnotationFormat, data: Any, request: MaskRequest) -> Iterator[NamedMask]:
    """What the reader of a format finds; a value of another type than the format has, anywhere, is damage."""
    try:
        yield from kind.read(data, request)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise MaskFormatError(f"{request.file_name} is damaged ({reason}): export it from {kind.name} again") from error


def read_one_mask(
    path: Path,
    *,
    part: str | None,
    wanted_name: str,
    image_size: tuple[int, int],
    image_name: str = "",
    orientation: int = 1,
    notes: list[str] | None = None,
) -> BoolMask:
    """The one mask of a file that is meant, bool[H, W].

    Args:
        part: its id in a label map, or its name or number (from 1) among annotations; None where the file says it
            all: it holds one mask, or one with the name that is wanted.
        wanted_name: the object's own name.

    Raises:
        SeveralMasksError: none or several could be meant; the message lists them.
        MaskFormatError, ImageFileError: as `read_masks`.
    """
    if path.suffix.lower() not in (".json", ".xml"):
        return load_mask(path, image_size=image_size, part=part, orientation=orientation, notes=notes)
    masks = read_masks(path, image_size=image_size, image_name=image_name, orientation=orientation, notes=notes)
    name = wanted_name if part is None else part
    found = [each for each in masks if each.name.casefold() == name.casefold()]
    if not found and part is not None and part.isdecimal() and 1 <= int(part) <= len(masks):
        found = [masks[int(part) - 1]]
    if not found and part is None and len(masks) == 1:
        found = [masks[0]]
    if len(found) == 1:
        return found[0].mask
    numbers = {id(each): number for number, each in enumerate(masks, start=1)}
    if found:
        listed = [f"{numbers[id(each)]} {each.name}" for each in found]
        raise SeveralMasksError(
            f"mask {str(path)!r} holds {len(found)} objects named {name!r}: choose one by its number, "
            f"as FILE#{numbers[id(found[0])]} ({', '.join(listed[:12])})"
        )
    raise SeveralMasksError(several_masks_text(str(path), [each.name for each in masks], part=part or wanted_name))


def _read_picture(path: Path, request: MaskRequest) -> tuple[NamedMask, ...]:
    picture = MaskPicture(path, image_size=request.image_size, orientation=request.orientation, notes=request.notes)
    if picture.labels is None:
        return (NamedMask(name=path.stem, mask=picture.mask()),)
    names = list(picture.labels.names.values())
    if len(names) * request.image_size[0] * request.image_size[1] > MAX_TOTAL_PIXELS:
        raise MaskFormatError(
            f"{path.name} holds {len(names)} objects, more than fit into memory at "
            f"{request.image_size[0]} x {request.image_size[1]} pixels: export fewer at once"
        )
    found = []
    for name in names:
        try:
            found.append(NamedMask(name=f"{path.stem} {name}", mask=picture.mask(name)))
        except EmptyMaskError:
            request.leave_out("id(s) that cover no pixel of the image", name)
    if picture.labels.void:
        request.leave_out("id 255, which marks what is to be ignored", "")
    request.tell_what_was_left_out()
    return tuple(found)


def _parsed(path: Path, read: Callable[..., Any]) -> Any:
    try:
        return read(path, max_bytes=MAX_TEXT_BYTES)
    except OSError as error:
        raise MaskFormatError(f"{path} cannot be read ({error.strerror}): check the path") from None
    except FieldError as error:
        raise MaskFormatError(f"{path.name} is damaged or no {path.suffix[1:].upper()}: {error}") from None

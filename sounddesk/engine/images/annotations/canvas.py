"""What all readers of annotations share: who asks, for which image, and shapes drawn at its size."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.mask import BoolMask
from sounddesk.engine.images.outlines import polygon_mask
from sounddesk.engine.images.outlines import scaled_run_length_mask
from sounddesk.engine.images.picture_decoding import MAX_PIXELS
from sounddesk.engine.images.upright import turned
from sounddesk.engine.images.upright import turns_sideways

_CIRCLE_CORNERS: Final = 180
# Of all shapes of a file together: five hundred masks on an image of eight megapixels, some ten seconds.
MAX_DRAWN_PIXELS: Final = 4_000_000_000
# An outline takes as long as a ready mask of four times its box.
_OUTLINE_WORK: Final = 4
# What a shape takes, however small it is: twenty thousand of them, some two seconds.
_SHAPE_WORK: Final = 200_000
_FARTHEST_PX: Final = 1e7
_LONGEST_NAME: Final = 200
_MOST_NAMED: Final = 5

Points = npt.NDArray[np.float64]


class MaskFormatError(BadInputError, EngineError):
    """A mask file cannot be used; the message names it, the reason and the remedy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedMask:
    """A mask with the name that its file gives it, bool[H, W] at image size."""

    name: str
    mask: BoolMask


@dataclass(frozen=True, kw_only=True)
class MaskRequest:
    """For which image masks are read, and what is told about them.

    Attributes:
        file_name: of the mask file, for messages.
        image_size: (width, height) of the image in pixels, upright.
        image_name: of the image's file; empty where it is not known.
        orientation: how the image was turned upright, as EXIF counts it.
        notes: takes sentences for the user.
        left_out: what was not read, by kind, with the names that it had.
    """

    file_name: str
    image_size: tuple[int, int]
    image_name: str = ""
    orientation: int = 1
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, kind: str, name: str) -> None:
        """Count something that becomes no mask."""
        self.left_out.setdefault(kind, []).append(name)

    def tell(self, note: str) -> None:
        """Add a sentence about the file, once."""
        text = f"{self.file_name}: {note}"
        if text not in self.notes:
            self.notes.append(text)

    def tell_what_was_left_out(self) -> None:
        """One sentence with every kind, its number and the first names."""
        if not self.left_out:
            return
        parts = []
        for kind, names in self.left_out.items():
            few = list(dict.fromkeys(each for each in names if each))[:_MOST_NAMED]
            shown = ", ".join(repr(each) for each in few) + (", ..." if len(set(names)) > _MOST_NAMED else "")
            parts.append(f"{len(names)} {kind}" + (f" ({shown})" if few else ""))
        self.tell(f"left out: {'; '.join(parts)}")


def label_of(value: Any) -> str:
    """A name as a file gives it, of bounded length; 'object' where there is none."""
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    return text[:_LONGEST_NAME] or "object"


def finite(value: Any) -> float:
    """A number. Raises: ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{type(value).__name__} is no number")
    number = float(value)
    if not np.isfinite(number):
        raise ValueError("a coordinate is no number")
    return number


def points_of(values: Any) -> Points:
    """float64[N, 2] of a list of pairs or a flat list. Raises: ValueError."""
    points = np.asarray(values, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise ValueError("a coordinate is no number")
    return points


class Canvas:
    """Draws shapes in the pixels of the file's own picture; masks come out upright at image size.

    Args:
        own_size: (width, height) of the picture that the file is for; None where it does not say, then ours is meant.

    Raises:
        MaskFormatError: it is for a picture of another shape.
    """

    def __init__(self, request: MaskRequest, *, own_size: tuple[Any, Any] | None) -> None:
        width, height = request.image_size
        self._file_name = request.file_name
        self._drawn = 0
        self._turn = 1
        if own_size is None:
            own = float(width), float(height)
            if request.orientation != 1:
                request.tell(
                    "it does not say how large its picture is; the picture is turned by its EXIF tag: check the masks"
                )
        else:
            own = _checked_size(request, own_size)
            if not _same_shape(own, (width, height)):
                if not (turns_sideways(request.orientation) and _same_shape(own, (height, width))):
                    hint = ""
                    if _same_shape(own, (height, width)):
                        hint = ": its sides are swapped, was it drawn on the unturned picture?"
                    raise MaskFormatError(
                        f"{request.file_name} is for an image of {own[0]:g} x {own[1]:g} pixels, "
                        f"but this one has {width} x {height}{hint}"
                    )
                self._turn = request.orientation
                width, height = height, width
                request.tell("it was drawn on the unturned picture: its masks are turned with it")
        self.own_size = own
        self._size = width, height
        self._scale = np.array([width / own[0], height / own[1]])

    def polygons(self, polygons: Iterable[Points]) -> BoolMask | None:
        """Their union; None where none has three corners."""
        width, height = self._size
        mask: BoolMask | None = None
        for polygon in polygons:
            if len(polygon) < 3:
                continue
            corners = (polygon * self._scale).clip(-_FARTHEST_PX, _FARTHEST_PX)
            # Only the part of the picture around the outline is drawn.
            x0, y0 = np.floor(corners.min(axis=0)).astype(int).clip(0, self._size)
            x1, y1 = np.ceil(corners.max(axis=0)).astype(int).clip(0, self._size)
            if mask is None:
                self._count(width * height)
                mask = np.zeros((height, width), dtype=np.bool_)
            self._count(_SHAPE_WORK + _OUTLINE_WORK * int((x1 - x0) * (y1 - y0)) + len(corners))
            if x1 > x0 and y1 > y0:
                mask[y0:y1, x0:x1] |= polygon_mask(corners - (x0, y0), height=int(y1 - y0), width=int(x1 - x0))
        return None if mask is None else self._upright(mask)

    def box(self, left: float, top: float, right: float, bottom: float, *, degrees: float = 0.0) -> BoolMask | None:
        """A box, turned clockwise about its middle."""
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
        return self.polygons([_turned_about_middle(corners, degrees)])

    def ellipse(self, x: float, y: float, rx: float, ry: float, *, degrees: float = 0.0) -> BoolMask | None:
        """An ellipse about (x, y), turned clockwise."""
        angle = np.linspace(0.0, 2.0 * np.pi, _CIRCLE_CORNERS, endpoint=False)
        # Corners a little outside, so that the polygon has the ellipse's area.
        grown = np.sqrt(2 * np.pi / _CIRCLE_CORNERS / np.sin(2 * np.pi / _CIRCLE_CORNERS))
        corners = np.stack([x + rx * grown * np.cos(angle), y + ry * grown * np.sin(angle)], axis=1)
        return self.polygons([_turned_about_middle(corners, degrees)])

    def runs(self, counts: Sequence[int] | str, *, width: int, height: int) -> BoolMask:
        """COCO's runs over the whole picture. Raises: ValueError, also for another shape than the picture's."""
        if width < 1 or height < 1 or width * height > MAX_PIXELS or not _same_shape((width, height), self.own_size):
            own = f"{self.own_size[0]:g} x {self.own_size[1]:g}"
            raise ValueError(f"its run lengths are for {width} x {height} pixels, unlike the picture's {own}")
        self._count(_SHAPE_WORK + self._size[0] * self._size[1])
        return self._upright(scaled_run_length_mask(counts, height=height, width=width, image_size=self._size))

    def patch(self, patch: BoolMask, *, left: float, top: float) -> BoolMask:
        """A small mask whose upper left corner is at (left, top); what lies outside is cut off."""
        rows, columns = patch.shape
        x0, y0 = round(left * self._scale[0]), round(top * self._scale[1])
        x1, y1 = round((left + columns) * self._scale[0]), round((top + rows) * self._scale[1])
        width, height = self._size
        self._count(_SHAPE_WORK + width * height)
        mask = np.zeros((height, width), dtype=np.bool_)
        ax, ay, bx, by = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
        if bx > ax and by > ay:
            across = ((np.arange(ax, bx) - x0 + 0.5) * columns / (x1 - x0)).astype(int).clip(0, columns - 1)
            down = ((np.arange(ay, by) - y0 + 0.5) * rows / (y1 - y0)).astype(int).clip(0, rows - 1)
            mask[ay:by, ax:bx] = patch[np.ix_(down, across)]
        return self._upright(mask)

    def _count(self, pixels: int) -> None:
        """Bound what is drawn for one file, before it is drawn."""
        self._drawn += pixels
        if self._drawn > MAX_DRAWN_PIXELS:
            raise MaskFormatError(
                f"{self._file_name} holds more outlines than can be drawn for a picture of "
                f"{self._size[0]} x {self._size[1]} pixels: export fewer objects at once"
            )

    def _upright(self, mask: BoolMask) -> BoolMask:
        return np.ascontiguousarray(turned(mask, self._turn))


def _turned_about_middle(corners: Points, degrees: float) -> Points:
    if not degrees:
        return corners
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    # Coordinates of others may be as large as numbers get; what becomes of them covers no pixel.
    with np.errstate(over="ignore", invalid="ignore"):
        middle = corners.mean(axis=0)
        return np.asarray((corners - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle)


def _checked_size(request: MaskRequest, size: tuple[Any, Any]) -> tuple[float, float]:
    try:
        width, height = finite(size[0]), finite(size[1])
    except ValueError:
        width = height = 0.0
    if width < 1 or height < 1:
        raise MaskFormatError(f"{request.file_name} does not say how large its image is: export it again")
    return width, height


def _same_shape(own: tuple[float, float], size: tuple[float, float]) -> bool:
    """The same aspect ratio, to one pixel of the smaller of the two."""
    return min(abs(own[0] - own[1] * size[0] / size[1]), abs(own[1] - own[0] * size[1] / size[0])) <= 1.0 or (
        abs(own[0] * size[1] - own[1] * size[0]) <= max(size)
    )

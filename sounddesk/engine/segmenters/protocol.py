"""What every segmenter is given and gives back: prompts, candidates, and the checks that all of them share.

Coordinates are image pixels as floats, x to the right and y down; pixel i covers [i, i + 1), so that a
click at (420, 310) lies in column 420 and row 310 of the image array.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from typing import Final
from typing import Protocol
from typing import Self

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.engine.segmenters.soft_edge import SoftMask
from sounddesk.engine.segmenters.soft_edge import soft_mask
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Polyline = tuple[Point, ...]

# Above this size only the best candidate is kept: three float masks of 200 megapixels would take 2.4 GB.
MAX_PIXELS_FOR_ALTERNATIVES: Final = 24_000_000


class SegmenterError(EngineError):
    """A segmenter that cannot be used, such as one whose checkpoint is damaged."""


class PromptError(BadInputError, EngineError):
    """A prompt that cannot be answered; the message names the value and the remedy."""


class EmptySelectionError(BadInputError, EngineError):
    """Nothing was found at a valid prompt."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompt:
    """Where the object is.

    Attributes:
        points: clicks as (x, y).
        labels: one per point; True belongs to the object, False does not.
        box: (left, top, right, bottom); right and bottom are exclusive and may equal the image's size.
        positive_scribbles: polylines drawn over the object.
        negative_scribbles: polylines drawn over what does not belong to it.
        mask_hint: bool[H, W] at image size, a first guess to be corrected by the rest.
    """

    points: tuple[Point, ...] = ()
    labels: tuple[bool, ...] = ()
    box: Box | None = None
    positive_scribbles: tuple[Polyline, ...] = ()
    negative_scribbles: tuple[Polyline, ...] = ()
    mask_hint: BoolMask | None = None

    @classmethod
    def click(cls, x: float, y: float) -> Prompt:
        """One positive click."""
        return cls(points=((x, y),), labels=(True,))

    @property
    def positive_points(self) -> tuple[Point, ...]:
        return tuple(point for point, label in zip(self.points, self.labels, strict=True) if label)

    @property
    def negative_points(self) -> tuple[Point, ...]:
        return tuple(point for point, label in zip(self.points, self.labels, strict=True) if not label)

    @property
    def is_single_click(self) -> bool:
        """One positive click and nothing else: the ambiguous case that deserves several candidates."""
        others = (self.box, self.mask_hint, self.positive_scribbles or None, self.negative_scribbles or None)
        return self.labels == (True,) and all(other is None for other in others)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """One answer to a prompt.

    Attributes:
        mask: bool[H, W] at image size, never empty.
        probability: float32[H, W] in 0..1 that a pixel belongs to the object, at least 0.5 where `mask` is True
            and below elsewhere; what patch weights are made from.
        score: the segmenter's own estimate of the overlap (IoU) with the object meant, 0 to 1.
        within: (left, top, right, bottom) in whole pixels outside of which `probability` is 0; None where that is not
            known. Spares whoever works on it the rest of a large image.
    """

    mask: BoolMask
    probability: FloatMask
    score: float
    within: tuple[int, int, int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        rows, columns = self.mask.shape
        return rows, columns

    @property
    def area_px(self) -> int:
        """How many pixels the mask has, or nearly so where it is not drawn yet; the same whenever it is asked for."""
        return int(np.count_nonzero(self.mask))

    def soft_mask(self) -> SoftMask | None:
        """The probability as bytes, soft at the edge alone, as projects keep it; None where it is empty."""
        return soft_mask(self.probability, within=self.within)

    def with_score(self, score: float) -> Self:
        """The same mask with another score; a probability that is made when it is asked for stays so."""
        changed = copy.copy(self)
        object.__setattr__(changed, "score", score)
        return changed


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedImage:
    """A handle to an image that a segmenter has prepared for prompts.

    Attributes:
        image: sRGB uint8[H, W, 3].
        sha256: hash of the pixels and their shape.
        segmenter: name of the segmenter that made it; no other can use it.
        features: that segmenter's private data.
    """

    image: RgbImage
    sha256: str
    segmenter: str
    features: Any

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


class Segmenter(Protocol):
    """Turns clicks, boxes and scribbles into masks. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Shown to the user, e.g. 'SAM ViT-B'."""
        ...

    def encode(self, image: RgbImage) -> EncodedImage:
        """Prepare sRGB uint8[H, W, 3] for prompts: slow, once per image, cached by content."""
        ...

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        """Candidates, best first: up to three for a single click, one otherwise.

        Raises:
            PromptError: the prompt is empty, outside the image, or of a kind that this segmenter does not answer.
            EmptySelectionError: nothing was found.
        """
        ...


class ProposesObjects(Protocol):
    """Finds the objects of an image without a prompt."""

    @property
    def name(self) -> str:
        """Shown to the user."""
        ...

    def encode(self, image: RgbImage) -> EncodedImage:
        """Prepare sRGB uint8[H, W, 3]: slow, once per image."""
        ...

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> Iterable[Candidate]:
        """Every object found, best first, without duplicates; takes seconds.

        One that finds them one after another gives an iterator, and the first before it looks for the rest.

        Raises:
            Cancelled: through `cancel`.
        """
        ...


def keeps_alternatives(encoded: EncodedImage) -> bool:
    """Whether the image is small enough to return more than the best candidate."""
    return encoded.width * encoded.height <= MAX_PIXELS_FOR_ALTERNATIVES


def sample_polyline(line: Polyline, *, step: float) -> list[Point]:
    """Points along a polyline, at most `step` pixels apart, both ends included."""
    sampled: list[Point] = list(line[:1])
    for (x0, y0), (x1, y1) in pairwise(line):
        pieces = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / step))
        sampled += [(x0 + (x1 - x0) * i / pieces, y0 + (y1 - y0) * i / pieces) for i in range(1, pieces + 1)]
    return sampled


def box_of_mask(mask: BoolMask) -> Box:
    """The smallest box around the pixels of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def check_image(image: RgbImage) -> None:
    """Refuse an array that is not an image.

    Raises:
        ValueError: not uint8[H, W, 3].
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image is {image.dtype}{list(image.shape)}: give uint8[H, W, 3]")


def check_encoded(encoded: EncodedImage, *, segmenter: str) -> None:
    """Refuse an image that another segmenter encoded.

    Raises:
        ValueError: with both names.
    """
    if encoded.segmenter != segmenter:
        raise ValueError(f"image was encoded by {encoded.segmenter!r}: encode it again with {segmenter!r}")


def check_prompt(prompt: Prompt, *, width: int, height: int) -> None:
    """Refuse a prompt that cannot be answered on an image of `width` x `height` px.

    Raises:
        PromptError: no positive part, a click or box outside the image, a box without area, a mask hint of
            another size; the message names the coordinates and the image size.
        ValueError: points and labels of different number.
    """
    if len(prompt.points) != len(prompt.labels):
        raise ValueError(f"{len(prompt.points)} points but {len(prompt.labels)} labels: give one label per point")
    _check_inside(prompt.points, what="click", width=width, height=height)
    for scribble in (*prompt.positive_scribbles, *prompt.negative_scribbles):
        _check_inside(scribble, what="scribble", width=width, height=height)
    if prompt.box is not None:
        _check_box(prompt.box, width=width, height=height)
    if prompt.mask_hint is not None and prompt.mask_hint.shape != (height, width):
        hint_height, hint_width = prompt.mask_hint.shape
        raise PromptError(f"mask hint is {hint_width} x {hint_height} px, the image is {width} x {height} px")
    drawn = any(len(scribble) > 0 for scribble in prompt.positive_scribbles)
    hinted = prompt.mask_hint is not None and bool(prompt.mask_hint.any())
    if not (prompt.positive_points or prompt.box is not None or drawn or hinted):
        raise PromptError("nothing is selected: click on the object, draw a box around it or scribble over it")


def _check_inside(points: Iterable[Point], *, what: str, width: int, height: int) -> None:
    for x, y in points:
        # Written so that NaN fails too.
        if not (0 <= x < width and 0 <= y < height):
            raise PromptError(
                f"{what} at {x:g},{y:g} is outside the image of {width} x {height} px: "
                f"choose x from 0 to {width - 1} and y from 0 to {height - 1}"
            )


def _check_box(box: Box, *, width: int, height: int) -> None:
    left, top, right, bottom = box
    named = f"box {left:g},{top:g},{right:g},{bottom:g}"
    if not all(math.isfinite(value) for value in box) or left < 0 or top < 0 or right > width or bottom > height:
        raise PromptError(f"{named} is outside the image of {width} x {height} px: keep it inside 0,0,{width},{height}")
    if right - left < 1 or bottom - top < 1:
        raise PromptError(f"{named} has no area: give left,top,right,bottom with right > left and bottom > top")

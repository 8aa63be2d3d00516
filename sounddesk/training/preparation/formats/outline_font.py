"""Pictures out of the outlines of an emoji font: ink where the glyph is, paper where it encloses something."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

_SIZE_PX: Final = 256
_MARGIN_PX: Final = 20
# Ink lighter than this does not close an outline.
_INK: Final = 100
# A private code point: what a font draws for it is its sign for 'no such glyph'.
_NOWHERE: Final = "\U000f1234"


@dataclass(frozen=True, kw_only=True)
class OutlineFont:
    """One font, or the parts that a web font comes in.

    Attributes:
        files: TrueType, OpenType or WOFF; the first that has a glyph draws it.
    """

    files: tuple[Path, ...]

    def draw(self, text: str) -> npt.NDArray[np.uint8] | None:
        """The glyph of `text`, black on white inside its outline, uint8[H, W, 4] RGBA; None where no file has it."""
        from PIL import ImageFont

        for file in self.files:
            font = ImageFont.truetype(str(file), _SIZE_PX)
            ink = _ink(font, text)
            missing = _ink(font, _NOWHERE)
            if ink is not None and (missing is None or not np.array_equal(ink, missing)):
                return _on_paper(ink)
        return None


def _ink(font: Any, text: str) -> npt.NDArray[np.uint8] | None:
    from PIL import Image
    from PIL import ImageDraw

    left, top, right, bottom = font.getbbox(text)
    if right <= left or bottom <= top:
        return None
    canvas = Image.new("L", (right - left + 2 * _MARGIN_PX, bottom - top + 2 * _MARGIN_PX))
    ImageDraw.Draw(canvas).text((_MARGIN_PX - left, _MARGIN_PX - top), text, font=font, fill=255)
    return np.asarray(canvas, np.uint8)


def _on_paper(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    outside = (ink > _INK).astype(np.uint8)
    # The margin is free of ink, so all that surrounds the glyph is reached from its corner.
    cv2.floodFill(outside, None, (0, 0), 2)
    alpha = np.maximum(ink, np.where(outside == 2, 0, 255)).astype(np.uint8)
    grey = 255 - ink
    return np.dstack([grey, grey, grey, alpha])

"""The overlay picture: the image with every object tinted, outlined and named."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from PIL import Image
    from PIL import ImageDraw

_LONGEST_SIDE_PX: Final = 1600
_TINT: Final = 0.45
_LONGEST_LABEL: Final = 40
# The golden ratio's turn keeps neighbouring objects far apart in hue, however many there are.
_HUE_TURN: Final = 0.618034

NamedMask = tuple[str, npt.NDArray[np.bool_]]


def draw_masks(
    image: RgbImage, objects: Sequence[NamedMask], *, longest_side_px: int = _LONGEST_SIDE_PX
) -> Image.Image:
    """The image at most `longest_side_px` long, rest dimmed, each mask tinted, outlined and named.

    Args:
        image: sRGB uint8[H, W, 3].
        objects: (name, bool[H, W]), drawn in this order; an empty name writes none.
    """
    from PIL import Image
    from PIL import ImageDraw

    height, width = image.shape[:2]
    scale = min(1.0, longest_side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX), dtype=np.float32)
    masks = [_shrink(mask, size) for _, mask in objects]
    covered = np.logical_or.reduce(masks) if masks else np.zeros(size[::-1], dtype=np.bool_)
    picture = np.where(covered[..., None], picture, picture * 0.6)
    for number, mask in enumerate(masks):
        colour = np.array(object_colour(number), dtype=np.float32)
        picture[mask] = picture[mask] * (1 - _TINT) + colour * _TINT
        picture[_outline(mask, width=max(1, max(size) // 400))] = colour
    drawn = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(drawn)
    for number, ((name, _), mask) in enumerate(zip(objects, masks, strict=True)):
        if name:
            _label(draw, name, mask, colour=object_colour(number), size=size)
    return drawn


def object_colour(number: int) -> tuple[int, int, int]:
    """Colour (sRGB, 0 to 255) of the object with this place in the list."""
    red, green, blue = colorsys.hls_to_rgb((0.02 + number * _HUE_TURN) % 1.0, 0.55, 0.85)
    return round(red * 255), round(green * 255), round(blue * 255)


def _shrink(mask: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    from PIL import Image

    grey = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    return np.asarray(grey.resize(size, Image.Resampling.BOX)) >= 128


def _outline(mask: npt.NDArray[np.bool_], *, width: int) -> npt.NDArray[np.bool_]:
    """Pixels of the mask within `width` of its edge; the image's own edge counts as one."""
    inner = mask
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def _label(
    draw: ImageDraw.ImageDraw,
    name: str,
    mask: npt.NDArray[np.bool_],
    *,
    colour: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    from PIL import ImageFont

    # A mask of a few pixels may vanish when the picture shrinks; then there is nothing to stand on.
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return
    text = "".join(character if character.isprintable() else " " for character in name)
    if len(text) > _LONGEST_LABEL:
        text = text[: _LONGEST_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"
    font = ImageFont.load_default(size=max(12, max(size) // 40))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = 4
    box_width, box_height = right - left + 2 * pad, bottom - top + 2 * pad
    x = int(np.clip(columns.mean() - box_width / 2, 0, max(0, size[0] - box_width)))
    y = int(np.clip(rows.mean() - box_height / 2, 0, max(0, size[1] - box_height)))
    draw.rectangle((x, y, x + box_width, y + box_height), fill=(20, 20, 20), outline=colour, width=2)
    draw.text((x + pad - left, y + pad - top), text, font=font, fill=(255, 255, 255))

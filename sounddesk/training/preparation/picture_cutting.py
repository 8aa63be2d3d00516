"""Turns any picture into a tight cut-out with alpha, or into a background."""

from __future__ import annotations

import hashlib
import io
from typing import Final
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFilter

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.picture_decoding import decode_picture as decode_file

LONGEST_SIDE_PX: Final = 384
BACKGROUND_SIDE_PX: Final = 512
SMALLEST_SIDE_PX: Final = 24

# Alpha below this is a shadow or an edge that compression left behind.
_VISIBLE_ALPHA = 12
_GRABCUT_SIDE_PX = 320
_GRABCUT_ROUNDS = 6
# A colour that no backdrop has.
_MARKER = (255, 0, 254)
_BACKDROP_TOLERANCE = 40

Cut = Literal["alpha", "whole", "blob", "object", "backdrop"]


class PictureError(BadInputError, ValueError):
    """A picture that cannot be decoded, or that shows nothing."""


def cut_picture(
    encoded: bytes, *, name: str, cut: Cut = "alpha", box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """The picture as RGBA, tight around what is visible, longest side at most 384 px.

    ``box`` (left, top, right, bottom as shares of width and height) crops first. ``cut``
    says where the alpha comes from: the file's own; the whole rectangle; an irregular
    blob, for textures; the object inside the rectangle, found by GrabCut; or all but an
    even backdrop that touches the edges.
    Raises: PictureError, naming the file, when it is unreadable or nothing is left.
    """
    image = decode_picture(encoded, name=name)
    if box is not None:
        width, height = image.size
        image = image.crop(
            (round(box[0] * width), round(box[1] * height), round(box[2] * width), round(box[3] * height))
        )
    if cut == "blob":
        image.putalpha(_blob_alpha(image.size, seed=name))
    elif cut == "object":
        image.putalpha(_object_alpha(image, name=name))
    elif cut == "backdrop":
        image.putalpha(_backdrop_alpha(image))
    elif cut == "whole":
        image.putalpha(255)
    visible = image.getchannel("A").point(lambda alpha: 255 if alpha >= _VISIBLE_ALPHA else 0)
    bounds = visible.getbbox()
    if bounds is None:
        raise PictureError(f"{name} shows nothing: every pixel is transparent")
    image = image.crop(bounds)
    image = _shrink(image, LONGEST_SIDE_PX)
    if min(image.size) < SMALLEST_SIDE_PX:
        raise PictureError(f"{name} is {image.size[0]}x{image.size[1]} px; at least {SMALLEST_SIDE_PX} are needed")
    return image


def make_background(encoded: bytes, *, name: str, box: tuple[float, float, float, float] | None = None) -> Image.Image:
    """The picture as RGB, longest side at most 512 px; raises `PictureError` if unreadable."""
    image = decode_picture(encoded, name=name)
    if box is not None:
        width, height = image.size
        image = image.crop(
            (round(box[0] * width), round(box[1] * height), round(box[2] * width), round(box[3] * height))
        )
    flat = Image.new("RGB", image.size, (128, 128, 128))
    flat.paste(image, mask=image.getchannel("A"))
    return _shrink(flat, BACKGROUND_SIDE_PX)


def encode_png(image: Image.Image) -> bytes:
    """The picture as PNG, the same bytes every time."""
    target = io.BytesIO()
    image.save(target, format="PNG", compress_level=6)
    return target.getvalue()


def encode_jpeg(image: Image.Image) -> bytes:
    """The picture as JPEG of good quality, the same bytes every time."""
    target = io.BytesIO()
    image.save(target, format="JPEG", quality=88)
    return target.getvalue()


def decode_picture(encoded: bytes, *, name: str) -> Image.Image:
    """Any raster or SVG picture as upright RGBA; raises `PictureError` if unreadable."""
    head = encoded[:512].lstrip()
    if head.startswith((b"<?xml", b"<svg", b"<!DOCTYPE svg", b"<!--")) or b"<svg" in head:
        encoded = _render_svg(encoded, name=name)
    try:
        return decode_file(encoded, name=name, notes=[], min_side_px=1).image.convert("RGBA")
    except ImageFileError as error:
        raise PictureError(f"{name} cannot be decoded as a picture: {error}") from error


def _render_svg(encoded: bytes, *, name: str) -> bytes:
    try:
        import resvg_py
    except ImportError:
        raise PictureError(f"{name} is an SVG drawing; install 'sounddesk[prepare]' (resvg-py) to draw it") from None
    try:
        # Twice the final size: clip art often fills only a part of its page.
        return bytes(resvg_py.svg_to_bytes(svg_string=encoded.decode("utf-8", "replace"), width=2 * LONGEST_SIDE_PX))
    except ValueError as error:
        raise PictureError(f"{name} cannot be drawn: {error}") from error


def _shrink(image: Image.Image, longest_px: int) -> Image.Image:
    scale = longest_px / max(image.size)
    if scale >= 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if image.mode != "RGBA":
        return image.resize(size, Image.Resampling.LANCZOS)
    # Resampling straight alpha would drag the colour of invisible pixels into the edge.
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def _blob_alpha(size: tuple[int, int], *, seed: str) -> Image.Image:
    """A smooth irregular shape filling most of the rectangle, the same for the same name."""
    numbers = hashlib.sha256(seed.encode()).digest()
    angles = np.linspace(0.0, 2.0 * np.pi, 240, endpoint=False)
    radius = np.full_like(angles, 0.86)
    for order in range(2, 7):
        strength = 0.10 * numbers[order] / 255.0 / order
        radius += strength * np.cos(order * angles + 2.0 * np.pi * numbers[order + 8] / 255.0)
    width, height = size
    points = [
        (width / 2 * (1 + r * np.cos(a)), height / 2 * (1 + r * np.sin(a))) for a, r in zip(angles, radius, strict=True)
    ]
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return mask.filter(ImageFilter.GaussianBlur(max(size) / 200))


def _backdrop_alpha(image: Image.Image) -> Image.Image:
    """Transparent where the colour of the corner reaches from the edges; soft by one pixel."""
    flat = image.convert("RGB")
    width, height = flat.size
    # A frame of the corner's colour joins all parts of the backdrop that touch an edge.
    framed = Image.new("RGB", (width + 2, height + 2), flat.getpixel((0, 0)))
    framed.paste(flat, (1, 1))
    ImageDraw.floodfill(framed, (0, 0), _MARKER, thresh=_BACKDROP_TOLERANCE)
    outside = np.all(np.asarray(framed)[1:-1, 1:-1] == _MARKER, axis=-1)
    return Image.fromarray(np.where(outside, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def _object_alpha(image: Image.Image, *, name: str) -> Image.Image:
    """GrabCut with the whole rectangle but a thin frame as the first guess of the object."""
    import cv2

    small = _shrink(image.convert("RGB"), _GRABCUT_SIDE_PX)
    pixels = np.ascontiguousarray(np.asarray(small)[..., ::-1])
    height, width = pixels.shape[:2]
    frame = max(2, round(0.015 * max(height, width)))
    mask: NDArray[np.uint8] = np.full((height, width), cv2.GC_PR_FGD, dtype=np.uint8)
    mask[:frame], mask[-frame:], mask[:, :frame], mask[:, -frame:] = (cv2.GC_BGD,) * 4
    cv2.setRNGSeed(0)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(pixels, mask, (0, 0, 1, 1), background, foreground, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found)
    if count < 2:
        raise PictureError(f"{name}: no object stands out from its surroundings; choose a tighter box or another cut")
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    alpha = Image.fromarray(np.where(labels == largest, 255, 0).astype(np.uint8))
    return alpha.resize(image.size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1.0))

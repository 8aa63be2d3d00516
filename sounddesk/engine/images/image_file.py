"""Image files to arrays: stills as `uint8[H, W, 3]` sRGB, cut-outs as `uint8[H, W, 4]`; free of torch."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.picture_decoding import decode_picture
from sounddesk.engine.images.picture_decoding import read_picture_bytes
from sounddesk.engine.images.pixel_conversion import split_alpha
from sounddesk.engine.images.pixel_conversion import to_srgb
from sounddesk.engine.types import RgbImage

RgbaImage = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedImage:
    """A decoded still.

    Attributes:
        pixels: sRGB uint8[H, W, 3], upright, without transparency.
        sha256: hash of the file's bytes, lower-case hexadecimal.
        width: W in pixels, after the EXIF orientation.
        height: H in pixels, after the EXIF orientation.
        notes: what was converted on the way, one sentence each.
        name: of the file, without its folder.
        orientation: how it was turned upright, as EXIF counts it (1: not at all). Masks drawn on the picture by
            programs that leave it as it lies need the same turn.
    """

    pixels: RgbImage
    sha256: str
    width: int
    height: int
    notes: tuple[str, ...]
    name: str = ""
    orientation: int = 1


def load_image(path: str | os.PathLike[str]) -> LoadedImage:
    """Read a still as upright 8-bit sRGB.

    EXIF orientation is applied, a colour profile is converted to sRGB, transparency is laid over
    mid-grey, 16-bit, float, CMYK, Lab, palette and grey images are converted. Of an animation the first frame is
    taken, of several pages the largest that is no reduced copy. The size is read from the header and refused before
    anything is decoded.

    Args:
        path: a PNG, JPEG, TIFF, WebP, BMP, GIF or AVIF file; an OpenEXR or DPX file where OpenImageIO is installed.

    Raises:
        ImageFileError: the file is missing, not a file, empty, truncated, damaged, not an image or of a format that
            is not read, smaller than 16 px on a side, larger than 200 megapixels, or of wide samples that take more
            than 1 GiB.
    """
    return image_from_bytes(read_picture_bytes(path, what="image"), name=str(Path(path)))


def image_from_bytes(data: bytes, *, name: str) -> LoadedImage:
    """A still that is in memory, as `load_image` reads it.

    Args:
        name: of the file, for messages.

    Raises:
        ImageFileError: as `load_image`.
    """
    notes: list[str] = []
    decoded = decode_picture(data, name=name, notes=notes)
    try:
        pixels = np.ascontiguousarray(to_srgb(decoded.image, notes=notes))
    except MemoryError:
        raise ImageFileError(
            f"not enough memory to convert {name!r}: close other programs or export it smaller"
        ) from None
    height, width = pixels.shape[:2]
    return LoadedImage(
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        notes=tuple(notes),
        name=Path(name).name,
        orientation=decoded.orientation,
    )


def load_cut_out(path: str | os.PathLike[str]) -> RgbaImage:
    """Read a cut-out as upright 8-bit sRGB with its transparency, uint8[H, W, 4]; one without any is opaque.

    Raises:
        ImageFileError: as `load_image`, but any size is taken.
    """
    return cut_out_from_bytes(read_picture_bytes(path, what="image"), name=str(Path(path)))


def cut_out_from_bytes(data: bytes, *, name: str) -> RgbaImage:
    """A cut-out that is in memory, as `load_cut_out` reads it. Raises: ImageFileError."""
    notes: list[str] = []
    decoded = decode_picture(data, name=name, notes=notes, min_side_px=1)
    image = decoded.image
    colour, alpha = split_alpha(image, notes=notes)
    # The colours under full transparency stay: whoever blends the edge needs them.
    profile = image.info.get("icc_profile")
    colour.info = {"icc_profile": profile} if profile else {}
    pixels = np.asarray(to_srgb(colour, notes=notes))
    opaque = np.full(pixels.shape[:2], 255, dtype=np.uint8) if alpha is None else np.asarray(alpha)
    return np.ascontiguousarray(np.dstack([pixels, opaque]), dtype=np.uint8)

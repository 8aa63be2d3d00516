"""Image and mask files to arrays: `uint8[H, W, 3]` sRGB, `bool[H, W]`; free of torch.

Decoded by Pillow (chosen because it reads every format asked for, with colour management by LittleCMS);
the few TIFF layouts that it does not know (three-channel float, 32-bit integer) go to OpenCV.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import BmpImagePlugin
from PIL import GifImagePlugin
from PIL import Image
from PIL import ImageOps
from PIL import JpegImagePlugin
from PIL import PngImagePlugin
from PIL import TiffImagePlugin
from PIL import WebPImagePlugin

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.engine.images.pixel_conversion import split_alpha
from sounddesk.engine.images.pixel_conversion import to_eight_bit
from sounddesk.engine.images.pixel_conversion import to_srgb
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

MAX_PIXELS: Final = 200_000_000
# Two pixels per patch of the image encoder's 7 x 7 grid, rounded up: below this no object can be told
# from its surroundings, and one-pixel images are nearly always a tracking pixel saved by mistake.
MIN_SIDE_PX: Final = 16
# 200 megapixels of uncompressed 16-bit RGBA and room for metadata; anything larger is not a still.
MAX_FILE_BYTES: Final = 2 << 30
FORMATS: Final = "PNG, JPEG, TIFF, WebP, BMP or GIF"

# A grey mask whose brightest pixel is darker than this holds noise, not a selection.
_FAINTEST_MASK_LEVEL: Final = 16
_ORIENTATION_TAG: Final = 0x0112

_Opener = Callable[[io.BytesIO], Image.Image]


class ImageFileError(BadInputError, EngineError):
    """An image or mask file that cannot be used; the message names the file, the reason and the remedy."""


class EmptyMaskError(ImageFileError):
    """A mask file that selects nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedImage:
    """A decoded still.

    Attributes:
        pixels: sRGB uint8[H, W, 3], upright, without transparency.
        sha256: hash of the file's bytes, lower-case hexadecimal.
        width: W in pixels, after the EXIF orientation.
        height: H in pixels, after the EXIF orientation.
        notes: what was converted on the way, one sentence each.
    """

    pixels: RgbImage
    sha256: str
    width: int
    height: int
    notes: tuple[str, ...]


def load_image(path: str | os.PathLike[str]) -> LoadedImage:
    """Read a still as upright 8-bit sRGB.

    EXIF orientation is applied, a colour profile is converted to sRGB, transparency is laid over
    mid-grey, 16-bit, float, CMYK, Lab, palette and grey images are converted, and of an animation or a
    multi-page file the first frame is taken. The size is read from the header and refused before
    anything is decoded.

    Args:
        path: a PNG, JPEG, TIFF, WebP, BMP or GIF file.

    Raises:
        ImageFileError: the file is missing, not a file, empty, truncated, damaged, not an image, smaller
            than 16 px on a side or larger than 200 megapixels.
    """
    file = Path(path)
    data = _read_bytes(file, what="image")
    notes: list[str] = []
    image = _decode(data, file=file, what="image", notes=notes)
    try:
        pixels = np.asarray(to_srgb(image, notes=notes))
    except MemoryError:
        raise _out_of_memory(file, image) from None
    height, width = pixels.shape[:2]
    return LoadedImage(
        pixels=np.ascontiguousarray(pixels),
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        notes=tuple(notes),
    )


def load_mask(path: str | os.PathLike[str], *, image_size: tuple[int, int]) -> BoolMask:
    """Read which pixels belong to an object.

    A file with transparency selects where it is at least half opaque; any other file selects where it is
    at least half as bright as its brightest pixel (brightest channel), so that masks written as 0 and 255,
    0 and 1, or in label colours all mean what their maker meant.

    Args:
        path: a grey, alpha, palette or binary image file, PNG by habit.
        image_size: (width, height) of the image that the mask is for, in pixels. A mask of another size
            and the same aspect ratio (to one mask pixel) is resized.

    Returns:
        bool[H, W] at image size.

    Raises:
        EmptyMaskError: it selects nothing.
        ImageFileError: as `load_image`, and for another aspect ratio.
    """
    file = Path(path)
    width, height = image_size
    data = _read_bytes(file, what="mask")
    image = _decode(data, file=file, what="mask", notes=[])
    coverage = _mask_coverage(image, file=file)
    mask_height, mask_width = coverage.shape
    if (mask_width, mask_height) != (width, height):
        across = abs(mask_width - mask_height * width / height)
        down = abs(mask_height - mask_width * height / width)
        if min(across, down) > 1.0:
            raise ImageFileError(
                f"mask {str(file)!r} is {mask_width} x {mask_height} px, but the image is {width} x {height} px: "
                "give a mask with the image's aspect ratio"
            )
        shrinks = mask_width > width
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        coverage = np.asarray(cv2.resize(coverage, (width, height), interpolation=how), dtype=np.float32)
    mask: BoolMask = coverage >= 0.5
    if not mask.any():
        raise EmptyMaskError(f"mask {str(file)!r} is empty: paint the object white on black, or opaque on transparent")
    return mask


def _read_bytes(file: Path, *, what: str) -> bytes:
    """The whole file, after the checks that need none of its content decoded."""
    name = repr(str(file))
    try:
        if not file.exists():
            raise ImageFileError(f"{what} {name} does not exist: check the path")
        if file.is_dir():
            raise ImageFileError(f"{what} {name} is a folder: name a file in it")
        if not file.is_file():
            raise ImageFileError(f"{what} {name} is not a regular file: copy the {what} to a file first")
        size = file.stat().st_size
        if size == 0:
            raise ImageFileError(f"{what} {name} has zero bytes: copy or export it again")
        if size > MAX_FILE_BYTES:
            raise ImageFileError(f"{what} {name} has {size / 2**30:.1f} GiB: the limit is 2 GiB, export it smaller")
        with file.open("rb") as stream:
            # A film dropped by mistake is refused by its first bytes, before gigabytes are read.
            head = stream.read(16)
            if _opener(head) is None:
                raise ImageFileError(f"{what} {name} is not a {FORMATS} file: convert it to PNG")
            return head + stream.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageFileError(f"{what} {name} cannot be read ({reason}): check the path and its permissions") from error


def _opener(head: bytes) -> _Opener | None:
    """Pillow's reader for the format that the first bytes name; None for a format that is not read.

    The plugin is called directly, not through `Image.open`, whose own limit on the pixel count is a
    process-wide setting at another value than ours.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile
    if head.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.jpeg_factory
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GifImagePlugin.GifImageFile
    if head.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return TiffImagePlugin.TiffImageFile
    return None


def _decode(data: bytes, *, file: Path, what: str, notes: list[str]) -> Image.Image:
    """The first frame, decoded and upright, in Pillow's own mode."""
    opener = _opener(data[:16])
    assert opener is not None  # _read_bytes has refused the rest
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata in files that it reads well; what matters to the user is in `notes`.
            warnings.simplefilter("ignore")
            image = _open_header(data, opener=opener, file=file, what=what, notes=notes)
            if getattr(image, "is_animated", False):
                many = "multi-page file: the first page" if image.format == "TIFF" else "animation: the first frame"
                if image.format == "MPO":
                    many = "file with several pictures: the first one"
                notes.append(f"{many} is used")
            image.load()
            upright = ImageOps.exif_transpose(image)
    except ImageFileError:
        raise
    except MemoryError:
        raise _out_of_memory(file, image) from None
    except Image.DecompressionBombError as error:
        raise ImageFileError(_too_large(file, what=what, reason=str(error))) from error
    # Decoders raise nearly anything on damaged bytes (OSError, SyntaxError, struct.error, zlib.error, ...).
    except Exception as error:
        raise ImageFileError(
            f"{what} {str(file)!r} is truncated or damaged ({error}): copy or export it again"
        ) from error
    return upright


def _open_header(data: bytes, *, opener: _Opener, file: Path, what: str, notes: list[str]) -> Image.Image:
    """An image whose size is within the limits, with nothing decoded where Pillow knows the layout."""
    try:
        image = opener(io.BytesIO(data))
    except (SyntaxError, KeyError) as error:
        if opener is not TiffImagePlugin.TiffImageFile:
            raise
        width, height, orientation = _tiff_header(data)
        _check_size(width, height, file=file, what=what)
        return _tiff_by_opencv(data, orientation=orientation, reason=str(error), notes=notes)
    _check_size(image.width, image.height, file=file, what=what)
    return image


def _check_size(width: int, height: int, *, file: Path, what: str) -> None:
    if width * height > MAX_PIXELS:
        raise ImageFileError(_too_large(file, what=what, reason=f"{width} x {height} px"))
    if min(width, height) < MIN_SIDE_PX:
        raise ImageFileError(
            f"{what} {str(file)!r} is {width} x {height} px: both sides must be at least {MIN_SIDE_PX} px"
        )


def _too_large(file: Path, *, what: str, reason: str) -> str:
    limit = MAX_PIXELS // 1_000_000
    return f"{what} {str(file)!r} is too large ({reason}): the limit is {limit} megapixels, export it smaller"


def _out_of_memory(file: Path, image: Image.Image) -> ImageFileError:
    return ImageFileError(
        f"not enough memory to decode {str(file)!r} ({image.width} x {image.height} px): "
        "close other programs or export it smaller"
    )


def _tiff_header(data: bytes) -> tuple[int, int, int]:
    """Width, height and orientation of a TIFF whose pixel layout Pillow does not know."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(data[:16] if data[2] == 43 or data[3] == 43 else data[:8])
    stream = io.BytesIO(data)
    stream.seek(directory.next)
    directory.load(stream)
    width, height = directory.get(256), directory.get(257)
    if not isinstance(width, int) or not isinstance(height, int):
        raise OSError("no image size in its header")
    orientation = directory.get(_ORIENTATION_TAG, 1)
    return width, height, orientation if isinstance(orientation, int) else 1


def _tiff_by_opencv(data: bytes, *, orientation: int, reason: str, notes: list[str]) -> Image.Image:
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    if pixels is None:
        raise OSError(reason)
    eight_bit = to_eight_bit(pixels, notes=notes)
    if eight_bit.ndim == 3 and eight_bit.shape[2] == 3:
        eight_bit = eight_bit[..., ::-1]
    elif eight_bit.ndim == 3 and eight_bit.shape[2] == 4:
        eight_bit = eight_bit[..., [2, 1, 0, 3]]
    image = Image.fromarray(np.ascontiguousarray(eight_bit))
    image.getexif()[_ORIENTATION_TAG] = orientation
    return image


def _mask_coverage(image: Image.Image, *, file: Path) -> npt.NDArray[np.float32]:
    """How much of each pixel is selected, float32[H, W] in 0..1."""
    if image.mode.startswith(("I", "F")):
        level = np.nan_to_num(np.asarray(image).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        faintest = 0.0
    else:
        colour, alpha = split_alpha(image, notes=[])
        if alpha is not None and alpha.getextrema()[0] != 255:
            return np.asarray(alpha, dtype=np.float32) / 255.0
        if colour.mode not in ("L", "RGB"):
            colour = colour.convert("RGB")
        values = np.asarray(colour)
        level = (values if values.ndim == 2 else values.max(axis=2)).astype(np.float32)
        faintest = float(_FAINTEST_MASK_LEVEL)
    brightest = float(level.max())
    if brightest <= 0.0:
        return np.zeros_like(level)
    binary = bool(np.isin(level, (0.0, brightest)).all())
    if brightest < faintest and not binary:
        raise ImageFileError(
            f"mask {str(file)!r} is nearly black (brightest pixel {brightest:g} of 255): paint the object white"
        )
    # Thresholded before any resize: the half-way line between two hard pixels is where the edge was.
    return np.asarray(level >= brightest / 2, dtype=np.float32)

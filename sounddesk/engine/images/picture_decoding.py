"""The one place where bytes of picture files become pixels: images, masks and cut-outs of the whole program.

The first bytes decide the format, the header is checked against the limits before anything is decoded, and only the
format's own reader runs: Pillow's, or OpenCV's or OpenImageIO's where Pillow does not know the layout.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image
from PIL import ImageOps
from PIL import TiffImagePlugin

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.picture_suffixes import CAMERA_RAW_SUFFIXES
from sounddesk.engine.images.film_pictures import INSTALL
from sounddesk.engine.images.film_pictures import UnreadableFilmError
from sounddesk.engine.images.film_pictures import has_film_reader
from sounddesk.engine.images.film_pictures import open_film_picture
from sounddesk.engine.images.picture_formats import HEAD_BYTES
from sounddesk.engine.images.picture_formats import READABLE
from sounddesk.engine.images.picture_formats import PictureFormat
from sounddesk.engine.images.picture_formats import format_of
from sounddesk.engine.images.pixel_levels import Values
from sounddesk.engine.images.pixel_levels import to_eight_bit
from sounddesk.engine.images.tiff_pages import TiffPage
from sounddesk.engine.images.tiff_pages import choose_page
from sounddesk.engine.images.tiff_pages import starting_at
from sounddesk.engine.images.tiff_pages import tiff_pages

MAX_PIXELS: Final = 200_000_000
# Two pixels per patch of the image encoder's 7 x 7 grid, rounded up: below this no object can be told
# from its surroundings, and one-pixel images are nearly always a tracking pixel saved by mistake.
MIN_SIDE_PX: Final = 16
# 200 megapixels of uncompressed 16-bit RGBA and room for metadata; anything larger is not a still.
MAX_FILE_BYTES: Final = 2 << 30
# Of samples wider than 16 bits: 89 megapixels of float RGB. What follows takes up to twice as much again.
MAX_WIDE_BYTES: Final = 1 << 30

# Pillow reads each of them in Python. 200 megapixels in chunks of 8 KiB have as many.
_MOST_PNG_CHUNKS: Final = 200_000
# Likewise; profiles and previews of cameras take some hundred.
_MOST_JPEG_MARKERS: Final = 10_000
_ORIENTATION_TAG: Final = 0x0112
# 99.9 % of the values of a 16-bit picture below this, of its upper 8 bits: 12 bits were used at most.
_UPPER_BITS_OF_12: Final = 16
_BULK: Final = 0.999
# What decoders say about files that are whole, but of a kind that they do not know.
_UNSUPPORTED: Final = re.compile(
    r"unsupported|not supported|not installed|not available|unknown (pixel mode|compression|raw mode|data organ)"
    r"|cannot handle|not implemented|unrecognized|precision|0xc3",
    re.IGNORECASE,
)


class ImageFileError(BadInputError, EngineError):
    """An image or mask file that cannot be used; the message names the file, the reason and the remedy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedPicture:
    """The picture of a file in Pillow's own mode, upright.

    Attributes:
        orientation: how it was turned for that, as EXIF counts it: 1 not at all, 2 to 8.
    """

    image: Image.Image
    orientation: int


def read_picture_bytes(path: str | os.PathLike[str], *, what: str) -> bytes:
    """The whole file, after the checks that need none of its content decoded.

    Args:
        what: 'image' or 'mask', for messages.

    Raises:
        ImageFileError: missing, no regular file, empty, over 2 GiB, of a format that is not read, or unreadable.
    """
    file = Path(path)
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
            head = stream.read(HEAD_BYTES)
            _readable_format(head, name=name, what=what)
            # Not the limit: memory for all that is asked for is taken first, however short the file.
            return head + stream.read(size)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageFileError(f"{what} {name} cannot be read ({reason}): check the path and its permissions") from error


def decode_picture(
    data: bytes, *, name: str, what: str = "image", notes: list[str], min_side_px: int = MIN_SIDE_PX
) -> DecodedPicture:
    """The picture of a file: of an animation its first frame, of several pages the largest that is no reduced copy.

    Args:
        name: of the file, for messages; its ending tells camera raw files.
        what: 'image' or 'mask', for messages.
        notes: takes what was converted or chosen, one sentence each.

    Raises:
        ImageFileError: see `load_image`.
    """
    quoted = repr(name)
    kind = _readable_format(data[:HEAD_BYTES], name=quoted, what=what)
    limits = _Limits(name=quoted, what=what, min_side_px=min_side_px)
    with _translated(quoted, what=what), warnings.catch_warnings():
        # Pillow warns of odd metadata in files that it reads well; what matters to the user is in `notes`.
        warnings.simplefilter("ignore")
        if kind.film is not None:
            return DecodedPicture(image=_film(data, kind, limits=limits, notes=notes), orientation=1)
        if kind.name == "TIFF":
            return _tiff(data, suffix=Path(name).suffix.lower(), limits=limits, notes=notes)
        return _still(data, kind, limits=limits, notes=notes)


def stored_orientation(data: bytes) -> int:
    """How the picture of a file must be turned upright, as EXIF counts it, by its header; 1 where that is damaged."""
    kind = format_of(data[:HEAD_BYTES])
    with contextlib.suppress(ImageFileError), _translated("", what="image"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind is not None and kind.name == "TIFF":
            return _orientation(choose_page(tiff_pages(data)).orientation)
        if kind is not None and kind.opener is not None:
            _refuse_many_parts(data, kind)
            return _orientation(kind.opener(io.BytesIO(data)).getexif().get(_ORIENTATION_TAG, 1))
    return 1


def _readable_format(head: bytes, *, name: str, what: str) -> PictureFormat:
    kind = format_of(head)
    if kind is None:
        raise ImageFileError(f"{what} {name} is not a {READABLE} file: convert it to PNG")
    if kind.remedy:
        raise ImageFileError(f"{what} {name} is {kind.name}, which is not read here: {kind.remedy}")
    return kind


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """Refuses sizes, by the header alone."""

    name: str
    what: str
    min_side_px: int

    def check(self, width: int, height: int, *, wide_bytes: int = 0) -> None:
        if width * height > MAX_PIXELS:
            raise ImageFileError(
                f"{self.what} {self.name} is too large ({width} x {height} px): the limit is "
                f"{MAX_PIXELS // 1_000_000} megapixels, export it smaller"
            )
        if min(width, height) < self.min_side_px:
            raise ImageFileError(
                f"{self.what} {self.name} is {width} x {height} px: both sides must be at least {self.min_side_px} px"
            )
        if wide_bytes > MAX_WIDE_BYTES:
            raise ImageFileError(
                f"{self.what} {self.name} is too large ({width} x {height} px of wide samples take "
                f"{wide_bytes / 2**30:.1f} GiB): the limit is 1 GiB, export it with 8 or 16 bits, or smaller"
            )


@contextmanager
def _translated(name: str, *, what: str) -> Iterator[None]:
    """Errors of decoders inside the block become ImageFileErrors that tell 'damaged' from 'not known here'."""
    try:
        yield
    except (ImageFileError, KeyboardInterrupt):
        raise
    except MemoryError:
        raise ImageFileError(
            f"not enough memory to decode {name}: close other programs or export the {what} smaller"
        ) from None
    except BadInputError as error:
        raise ImageFileError(f"{what} {name} cannot be read: {error}") from error
    # Decoders raise nearly anything on damaged bytes (OSError, SyntaxError, struct.error, zlib.error, ...).
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if _UNSUPPORTED.search(reason):
            raise ImageFileError(
                f"{what} {name} is of a variant that is not read here ({reason}): save it as 8-bit PNG or TIFF"
            ) from error
        raise ImageFileError(f"{what} {name} is truncated or damaged ({reason}): copy or export it again") from error


def _still(data: bytes, kind: PictureFormat, *, limits: _Limits, notes: list[str]) -> DecodedPicture:
    assert kind.opener is not None
    _refuse_many_parts(data, kind)
    if kind.name == "JPEG":
        _refuse_rare_jpeg(data)
    image = kind.opener(io.BytesIO(data))
    limits.check(image.width, image.height, wide_bytes=_wide_bytes(image))
    if getattr(image, "is_animated", False):
        many = "file with several pictures: the first one" if image.format == "MPO" else "animation: the first frame"
        notes.append(f"{many} is used")
    image.load()
    orientation = _orientation(image.getexif().get(_ORIENTATION_TAG, 1))
    if kind.name == "PNG" and data[24:25] == b"\x10":
        image = _at_full_depth(image, data, orientation=orientation, notes=notes)
    return DecodedPicture(image=ImageOps.exif_transpose(image), orientation=orientation)


def _tiff(data: bytes, *, suffix: str, limits: _Limits, notes: list[str]) -> DecodedPicture:
    pages = tiff_pages(data)
    if suffix in CAMERA_RAW_SUFFIXES or any(page.is_raw for page in pages):
        raise ImageFileError(
            f"{limits.what} {limits.name} is a camera raw file, which is not read here: "
            "develop it to TIFF or PNG in a raw converter"
        )
    page = choose_page(pages)
    limits.check(page.width, page.height, wide_bytes=page.decoded_bytes if page.bits > 16 or page.is_float else 0)
    if len(pages) > 1:
        notes.append(_which_page(pages, page))
    data = starting_at(data, page)
    orientation = _orientation(page.orientation)
    try:
        image: Image.Image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    except (SyntaxError, KeyError) as error:
        image = _odd_tiff(data, page, reason=str(error), notes=notes)
        image.getexif()[_ORIENTATION_TAG] = orientation
    else:
        # Newer versions of Pillow turn TIFF files while they load, and then say that no turn is left.
        image.load()
        if page.bits == 16:
            image = _at_full_depth(image, data, orientation=orientation, notes=notes)
    return DecodedPicture(image=ImageOps.exif_transpose(image), orientation=orientation)


def _which_page(pages: tuple[TiffPage, ...], page: TiffPage) -> str:
    number = pages.index(page) + 1
    if number == 1:
        return "multi-page file: the first page is used"
    return f"multi-page file: page {number} of {len(pages)} ({page.width} x {page.height} px) is used, the largest"


def _odd_tiff(data: bytes, page: TiffPage, *, reason: str, notes: list[str]) -> Image.Image:
    """Three-channel floats and wide integers, which Pillow does not know."""
    pixels = None if page.is_float and page.bits < 32 else _by_opencv(data)
    if pixels is not None:
        return _from_values(pixels, notes=notes)
    if has_film_reader():
        try:
            with open_film_picture(data, name="tiff") as picture:
                if picture.header.width * picture.header.height == page.width * page.height:
                    return picture.decode(notes=notes)
        except UnreadableFilmError as error:
            raise OSError(str(error)) from error
    if page.is_float and page.bits < 32:
        raise ImageFileError(f"{page.bits}-bit floats are read by OpenImageIO only: {INSTALL}, or save it with 16 bits")
    raise OSError(reason)


def _by_opencv(data: bytes) -> Values | None:
    """Values as OpenCV orders them (blue first); None for what it cannot decode."""
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    # It would write its reasons to stderr.
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
        return cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)  # noqa: TID251  # this is the reader
    except cv2.error:
        return None
    finally:
        logging.setLogLevel(level)


def _from_values(values: Values, *, notes: list[str]) -> Image.Image:
    """Mode L, RGB or RGBA of values in OpenCV's order; the levels follow from the colours alone."""
    if values.ndim == 2:
        return Image.fromarray(to_eight_bit(values, notes=notes))
    colour = to_eight_bit(np.ascontiguousarray(values[..., 2::-1]), notes=notes)
    if values.shape[2] < 4:
        return Image.fromarray(colour)
    alpha = values[..., 3]
    top = 1.0 if alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)
    # Alpha of 12 bits comes with colours of 12 bits.
    top = 4095.0 if alpha.dtype == np.uint16 and float(alpha.max()) <= 4095 else top
    opaque = np.rint(np.nan_to_num(alpha.astype(np.float32)).clip(0, top) * np.float32(255.0 / top)).astype(np.uint8)
    return Image.fromarray(np.dstack([colour, opaque]))


def _at_full_depth(image: Image.Image, data: bytes, *, orientation: int, notes: list[str]) -> Image.Image:
    """The image itself; where Pillow kept the empty upper half of 16-bit colours, one decoded again with all bits."""
    if image.mode not in ("RGB", "RGBA", "LA"):
        return image
    colours = image.convert("L" if image.mode == "LA" else "RGB")
    counts = np.add.reduce(np.reshape(colours.histogram(), (-1, 256)), axis=0)
    if counts[:_UPPER_BITS_OF_12].sum() < _BULK * counts.sum():
        return image
    values = _by_opencv(data)
    if values is None or values.dtype != np.uint16 or sorted(values.shape[:2]) != sorted(image.size):
        return image
    deep = _from_values(values, notes=notes)
    if "icc_profile" in image.info:
        deep.info["icc_profile"] = image.info["icc_profile"]
    deep.getexif()[_ORIENTATION_TAG] = orientation
    return deep


def _film(data: bytes, kind: PictureFormat, *, limits: _Limits, notes: list[str]) -> Image.Image:
    assert kind.film is not None
    if not has_film_reader():
        raise ImageFileError(
            f"{limits.what} {limits.name} is {kind.name}, which is read by OpenImageIO: {INSTALL}, or convert it to PNG"
        )
    try:
        with open_film_picture(data, name=kind.film) as picture:
            header = picture.header
            shown = header.width * header.height * 16
            limits.check(header.width, header.height, wide_bytes=max(header.stored_bytes, shown))
            return picture.decode(notes=notes)
    except UnreadableFilmError as error:
        raise OSError(str(error)) from error


def _wide_bytes(image: Image.Image) -> int:
    return image.width * image.height * 4 if image.mode in ("I", "F") else 0


def _orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _refuse_rare_jpeg(data: bytes) -> None:
    """Raises OSError for JPEG files of 12 bits or without loss, which are whole but which Pillow cannot decode."""
    for marker, at in _jpeg_markers(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if data[at + 4] != 8:
                raise OSError(f"unsupported JPEG of {data[at + 4]} bits")
            if marker in (0xC3, 0xC7, 0xCB, 0xCF):
                raise OSError("unsupported lossless JPEG")
            return


def _jpeg_markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Markers before the picture's own data, each with its place; a byte that only fills counts as one."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF and (marker := data[at + 1]) != 0xDA:
        yield marker, at
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _refuse_many_parts(data: bytes, kind: PictureFormat) -> None:
    """Raises OSError for a file of so many parts that looking at each takes minutes."""
    if kind.name == "PNG":
        _refuse_many_chunks(data)
    elif kind.name == "JPEG" and any(True for _ in itertools.islice(_jpeg_markers(data), _MOST_JPEG_MARKERS, None)):
        raise OSError(f"it holds more than {_MOST_JPEG_MARKERS:,} markers")


def _refuse_many_chunks(data: bytes) -> None:
    """Raises OSError for a PNG file of so many chunks that looking at each takes minutes."""
    # Behind the signature; length, name and checksum take twelve bytes of each.
    at, chunks = 8, 0
    while at + 12 <= len(data) and chunks <= _MOST_PNG_CHUNKS:
        chunks += 1
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    if chunks > _MOST_PNG_CHUNKS:
        raise OSError(f"it holds more than {_MOST_PNG_CHUNKS:,} chunks")

"""The picture formats by their first bytes: those that are read, and those that are only named with what to do.

Pillow's readers are called directly and one by one: `Image.open` would try every reader that Pillow has, and one of
them starts another program (EPS), and its own limit on the pixel count is a setting of the whole process.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import AvifImagePlugin
from PIL import BmpImagePlugin
from PIL import GifImagePlugin
from PIL import Image
from PIL import JpegImagePlugin
from PIL import PngImagePlugin
from PIL import TiffImagePlugin
from PIL import WebPImagePlugin

HEAD_BYTES: Final = 64
READABLE: Final = "PNG, JPEG, TIFF, WebP, BMP, GIF, AVIF, OpenEXR or DPX"

Opener = Callable[[io.BytesIO], Image.Image]


@dataclass(frozen=True, kw_only=True)
class PictureFormat:
    """One format.

    Attributes:
        name: as messages name it.
        recognises: whether a file that begins with these bytes (up to `HEAD_BYTES`) is one.
        opener: Pillow's reader, which reads the header alone.
        film: the reader of OpenImageIO, by its name there.
        remedy: for a format that is not read, what to do instead.
    """

    name: str
    recognises: Callable[[bytes], bool]
    opener: Opener | None = None
    film: str | None = None
    remedy: str = ""


def format_of(head: bytes) -> PictureFormat | None:
    """The format of a file by its first `HEAD_BYTES` bytes; None for one that is not known at all.

    Example:
        >>> format_of(b"GIF89a").name
        'GIF'
    """
    return next((each for each in FORMATS if each.recognises(head)), None)


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _brand(*brands: bytes) -> Callable[[bytes], bool]:
    """An ISO base media file (ISO/IEC 14496-12) of one of these brands, major or compatible."""

    def recognises(head: bytes) -> bool:
        if head[4:8] != b"ftyp":
            return False
        length = int.from_bytes(head[:4], "big")
        box = head[8 : max(12, min(length, len(head)))]
        return any(box[at : at + 4] in brands for at in range(0, len(box), 4) if at != 4)

    return recognises


_CONVERT: Final = "convert it to PNG or TIFF"
_DEVELOP: Final = "develop it to TIFF or PNG in a raw converter"

FORMATS: Final = (
    PictureFormat(name="PNG", recognises=_starts(b"\x89PNG\r\n\x1a\n"), opener=PngImagePlugin.PngImageFile),
    PictureFormat(name="JPEG", recognises=_starts(b"\xff\xd8\xff"), opener=JpegImagePlugin.jpeg_factory),
    PictureFormat(name="GIF", recognises=_starts(b"GIF87a", b"GIF89a"), opener=GifImagePlugin.GifImageFile),
    PictureFormat(name="BMP", recognises=_starts(b"BM"), opener=BmpImagePlugin.BmpImageFile),
    PictureFormat(
        name="WebP",
        recognises=lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP",
        opener=WebPImagePlugin.WebPImageFile,
    ),
    # Canon's raw files are TIFF files with a mark of their own.
    PictureFormat(
        name="a camera raw file (CR2)",
        recognises=lambda head: head.startswith((b"II*\x00", b"MM\x00*")) and head[8:10] == b"CR",
        remedy=_DEVELOP,
    ),
    PictureFormat(
        name="TIFF",
        recognises=_starts(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
        opener=TiffImagePlugin.TiffImageFile,
    ),
    PictureFormat(name="AVIF", recognises=_brand(b"avif", b"avis"), opener=AvifImagePlugin.AvifImageFile),
    PictureFormat(name="OpenEXR", recognises=_starts(b"v/1\x01"), film="openexr"),
    PictureFormat(name="DPX", recognises=_starts(b"SDPX", b"XPDS"), film="dpx"),
    PictureFormat(name="a camera raw file (CR3)", recognises=_brand(b"crx "), remedy=_DEVELOP),
    PictureFormat(
        name="a camera raw file",
        recognises=_starts(
            b"IIRO", b"IIRS", b"MMOR", b"IIU\x00", b"FUJIFILMCCD-RAW", b"FOVb", b"\x00MRM", b"II\x1a\x00"
        ),
        remedy=_DEVELOP,
    ),
    PictureFormat(
        name="a HEIC picture",
        recognises=_brand(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
        remedy="export it as JPEG or PNG (phones: 'most compatible' in the camera's settings)",
    ),
    PictureFormat(
        name="a JPEG XL picture", recognises=_starts(b"\xff\x0a", b"\x00\x00\x00\x0cJXL \r\n\x87\n"), remedy=_CONVERT
    ),
    PictureFormat(
        name="a JPEG 2000 picture",
        recognises=_starts(b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  \r\n\x87\n"),
        remedy=_CONVERT,
    ),
    PictureFormat(
        name="a Photoshop document", recognises=_starts(b"8BPS"), remedy="export it as PNG or TIFF from Photoshop"
    ),
    PictureFormat(name="a Radiance HDR picture", recognises=_starts(b"#?RADIANCE", b"#?RGBE"), remedy=_CONVERT),
    PictureFormat(
        name="a Cineon picture", recognises=_starts(b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80"), remedy=_CONVERT
    ),
    PictureFormat(
        name="a PostScript or PDF file", recognises=_starts(b"%!PS", b"%PDF", b"\xc5\xd0\xd3\xc6"), remedy=_CONVERT
    ),
    PictureFormat(name="an SVG drawing", recognises=lambda head: b"<svg" in head.lower(), remedy=_CONVERT),
    PictureFormat(
        name="a film",
        recognises=lambda head: head[4:8] == b"ftyp" or head.startswith((b"\x1aE\xdf\xa3", b"RIFF")),
        remedy="export the frame that you want as PNG",
    ),
)  # fmt: skip

"""Formats by their first bytes: those that are read, and those that are named with what to do."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sounddesk.domain.picture_suffixes import MASK_SUFFIXES
from sounddesk.domain.picture_suffixes import OTHER_PICTURE_SUFFIXES
from sounddesk.domain.picture_suffixes import STILL_SUFFIXES
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.images.mask_file import load_saved_coverage
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.picture_formats import FORMATS
from sounddesk.engine.images.picture_formats import HEAD_BYTES
from sounddesk.engine.images.picture_formats import format_of

WIDTH, HEIGHT = 64, 40


def gradient() -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 3, y * 5, 255 - x - y * 2], axis=2).astype(np.uint8)


@pytest.mark.parametrize("suffix", STILL_SUFFIXES)
def test_every_still_that_dialogs_offer_is_read(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(gradient()).save(tmp_path / f"a{suffix}")
    assert np.abs(load_image(tmp_path / f"a{suffix}").pixels.astype(int) - gradient()).mean() < 16


@pytest.mark.parametrize("channels", ["RGB", "RGBA"])
def test_avif(tmp_path: Path, channels: str) -> None:
    picture = Image.fromarray(gradient()).convert(channels)
    if channels == "RGBA":
        picture.putalpha(Image.fromarray(np.repeat(np.uint8([[0], [255]]), HEIGHT // 2, axis=0).repeat(WIDTH, axis=1)))
    picture.save(tmp_path / "a.avif", quality=100)
    shown = load_image(tmp_path / "a.avif").pixels.astype(int)
    assert np.abs(shown - gradient())[HEIGHT // 2 :].mean() < 3
    if channels == "RGBA":
        assert np.abs(shown[: HEIGHT // 2 - 1] - 128).max() <= 1
    data = (tmp_path / "a.avif").read_bytes()
    (tmp_path / "b.avif").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageFileError, match="truncated or damaged"):
        load_image(tmp_path / "b.avif")


NAMED = {
    "a.heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "a HEIC picture.*export it as JPEG"),
    "b.heic": (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "a HEIC picture"),
    "a.jxl": (b"\xff\x0a\xfa\x1f", "a JPEG XL picture.*convert"),
    "b.jxl": (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    "a.jp2": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 picture.*convert"),
    "a.psd": (b"8BPS\x00\x01", "a Photoshop document.*export it as PNG"),
    "a.hdr": (b"#?RADIANCE\n", "a Radiance HDR picture"),
    "a.cin": (b"\x80\x2a\x5f\xd7", "a Cineon picture"),
    "a.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n{} loop", "a PostScript or PDF file"),
    "a.pdf": (b"%PDF-1.7", "a PostScript or PDF file"),
    "a.svg": (b"<?xml version='1.0'?><svg>", "an SVG drawing"),
    "a.mp4": (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", "a film.*export the frame"),
    "a.mkv": (b"\x1aE\xdf\xa3", "a film"),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_not_read_is_named_with_what_to_do_and_never_called_damaged(tmp_path: Path, name: str) -> None:
    head, says = NAMED[name]
    for file in (tmp_path / name, tmp_path / "renamed.png"):
        file.write_bytes(head + bytes(200))
        for load in (load_image, lambda path: load_mask(path, image_size=(WIDTH, HEIGHT)), load_saved_coverage):
            with pytest.raises(ImageFileError, match=says) as caught:
                load(file)
            assert "not read here" in str(caught.value)
            assert "damaged" not in str(caught.value)


def jpeg_of(bits: int, marker: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(gradient()).save(file, format="JPEG")
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = marker, bits
    return bytes(data)


@pytest.mark.parametrize(("bits", "marker"), [(12, 0xC1), (8, 0xC3)])
def test_rare_kinds_of_jpeg_are_not_called_damaged(tmp_path: Path, bits: int, marker: int) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg_of(bits, marker))
    with pytest.raises(ImageFileError, match=r"a variant that is not read here.*save it as 8-bit PNG or TIFF"):
        load_image(tmp_path / "a.jpg")


def test_deep_colours_with_few_bits_are_stretched(tmp_path: Path) -> None:
    import cv2

    twelve = gradient().astype(np.uint16) * 16
    for name in ("a.png", "a.tif"):
        assert cv2.imwrite(str(tmp_path / name), twelve[..., ::-1])
        loaded = load_image(tmp_path / name)
        assert np.abs(loaded.pixels.astype(int) - gradient()).max() <= 1
        assert "taken as 12 bits" in loaded.notes[0]


def test_heads_are_long_enough_and_endings_are_in_one_list_each() -> None:
    assert all(format_of(head + bytes(HEAD_BYTES)) in FORMATS for head, _ in NAMED.values())
    assert not set(MASK_SUFFIXES) & set(OTHER_PICTURE_SUFFIXES)

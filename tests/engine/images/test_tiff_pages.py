"""Which page of a TIFF file is the picture, and camera raw files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.tiff_pages import choose_page
from sounddesk.engine.images.tiff_pages import tiff_pages

WIDTH, HEIGHT = 80, 48


def picture() -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 3, y * 5, 255 - x - y * 2], axis=2).astype(np.uint8)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_the_picture_below_a_thumbnail(tmp_path: Path, byteorder: str, bigtiff: bool) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=byteorder, bigtiff=bigtiff) as out:
        out.write(np.ascontiguousarray(picture()[::4, ::4]), subfiletype=1, subifds=1)
        out.write(picture())
    loaded = load_image(tmp_path / "a.tif")
    assert np.array_equal(loaded.pixels, picture())
    assert loaded.notes == ("multi-page file: page 2 of 2 (80 x 48 px) is used, the largest",)


def test_the_largest_page_that_is_no_copy_and_no_mask(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        out.write(np.zeros((20, 20, 3), np.uint8), compression="zlib")
        out.write(picture(), compression="zlib")
        out.write(picture()[::-1], compression="zlib")
        out.write(np.full((100, 160, 3), 9, np.uint8), subfiletype=1)
        out.write(np.full((100, 160), 255, np.uint8), subfiletype=1)
    assert np.array_equal(load_image(tmp_path / "a.tif").pixels, picture())
    assert "page 2 of 5" in load_image(tmp_path / "a.tif").notes[0]


def test_of_pages_of_one_size_the_first(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([picture(), picture()[::-1]]), photometric="rgb")
    assert np.array_equal(load_image(tmp_path / "a.tif").pixels, picture())
    assert load_image(tmp_path / "a.tif").notes == ("multi-page file: the first page is used",)


def test_masks_are_read_from_the_same_page(tmp_path: Path) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint16)
    mask[10:30, 20:50] = 65535
    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        out.write(mask[::4, ::4], subfiletype=1)
        out.write(mask)
    assert np.array_equal(load_mask(tmp_path / "a.tif", image_size=(WIDTH, HEIGHT)), mask > 0)


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_a_sensor_s_picture_is_no_picture_and_its_thumbnail_neither(tmp_path: Path, photometric: int) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        out.write(picture(), subfiletype=1, subifds=1)
        out.write(np.zeros((200, 300, 3) if photometric == 34892 else (200, 300), np.uint16), photometric=photometric)
    with pytest.raises(ImageFileError, match="camera raw file.*develop it"):
        load_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.nef", None),
        ("a.dng", None),
        ("A.ARW", None),
        ("a.cr2", b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(200)),
        ("a.cr3", b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom" + bytes(200)),
        ("a.orf", b"IIRO\x08\x00\x00\x00" + bytes(200)),
        ("a.raf", b"FUJIFILMCCD-RAW 0201" + bytes(200)),
        ("a.rw2", b"IIU\x00\x18\x00\x00\x00" + bytes(200)),
    ],
)
def test_camera_raw_files_are_named(tmp_path: Path, name: str, data: bytes | None) -> None:
    if data is None:
        tifffile.imwrite(tmp_path / name, picture())
    else:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ImageFileError, match=r"a camera raw file.*not read here.*develop it"):
        load_image(tmp_path / name)


@pytest.mark.parametrize("channels", [3, 1])
def test_wide_samples_are_bounded_before_anything_is_decoded(tmp_path: Path, channels: int) -> None:
    # 169 megapixels of floats, says the header; nothing behind it is needed for the answer.
    side = 13_000 if channels == 3 else 16_500
    shape = (16, 16, 3) if channels == 3 else (16, 16)
    tifffile.imwrite(tmp_path / "bomb.tif", np.zeros(shape, np.float32), compression="zlib")
    with tifffile.TiffFile(tmp_path / "bomb.tif", mode="r+") as file:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            file.pages.first.tags[name].overwrite(side)
    with pytest.raises(ImageFileError, match=r"GiB\): the limit is 1 GiB|200 megapixels"):
        load_image(tmp_path / "bomb.tif")


def test_directories_that_point_to_themselves_end(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture())
    data = bytearray((tmp_path / "a.tif").read_bytes())
    (page,) = tiff_pages(bytes(data))
    count = int.from_bytes(data[page.offset : page.offset + 2], "little")
    end = page.offset + 2 + 12 * count
    data[end : end + 4] = page.offset.to_bytes(4, "little")
    assert tiff_pages(bytes(data)) == (page,)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=300), start=st.sampled_from([b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"]))
def test_any_bytes_give_pages_or_are_refused(body: bytes, start: bytes) -> None:
    try:
        pages = tiff_pages(start + body)
        choose_page(pages)
    except ValueError:
        return
    assert len(pages) <= len(body)


def test_a_page_may_be_sideways(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(picture()))).save(tmp_path / "a.tif", exif=exif)
    loaded = load_image(tmp_path / "a.tif")
    assert np.array_equal(loaded.pixels, picture())
    assert loaded.orientation == 6

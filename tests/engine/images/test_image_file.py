"""Image and mask files, written by Pillow and OpenCV, read back."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image
from PIL import ImageCms

from sounddesk.domain.errors import EngineError
from sounddesk.engine.images import picture_decoding
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.images.picture_decoding import MAX_PIXELS
from sounddesk.engine.images.picture_decoding import MIN_SIDE_PX
from sounddesk.engine.images.picture_decoding import ImageFileError

WIDTH, HEIGHT = 40, 24


def gradient() -> np.ndarray:
    """uint8[24, 40, 3]: no two corners alike, so that any flip or channel swap shows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 6, y * 10, 255 - x * 3 - y * 2], axis=-1).astype(np.uint8)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with_size(width: int, height: int) -> bytes:
    """A small PNG file that claims any size, as a decompression bomb does."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.tif", {}),
        ("lzw.tiff", {"compression": "tiff_lzw"}),
        ("a.bmp", {}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_lossless_formats_come_back_exactly(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    pixels = gradient()
    Image.fromarray(pixels).save(tmp_path / name, **options)
    loaded = load_image(tmp_path / name)
    assert np.array_equal(loaded.pixels, pixels)
    assert (loaded.width, loaded.height) == (WIDTH, HEIGHT)
    assert loaded.pixels.dtype == np.uint8
    assert loaded.pixels.flags.c_contiguous
    assert loaded.notes == ()
    assert loaded.sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_jpeg_is_close_and_the_extension_does_not_matter(tmp_path: Path) -> None:
    Image.fromarray(gradient()).save(tmp_path / "photo.jpg", quality=95)
    (tmp_path / "photo.jpg").rename(tmp_path / "photo.png")
    difference = load_image(tmp_path / "photo.png").pixels.astype(int) - gradient()
    assert np.abs(difference).mean() < 4


def test_gif_keeps_its_colours(tmp_path: Path) -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, 20:] = (200, 30, 90)
    Image.fromarray(pixels).save(tmp_path / "a.gif")
    assert np.array_equal(load_image(tmp_path / "a.gif").pixels, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_exif_orientation_is_applied_once(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = gradient()
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    stored = Image.fromarray(np.ascontiguousarray(undo[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    stored.save(path, exif=exif.tobytes(), **({"lossless": True} if suffix == "webp" else {}))
    loaded = load_image(path)
    assert np.array_equal(loaded.pixels, upright)
    assert (loaded.width, loaded.height) == (WIDTH, HEIGHT)


def test_alpha_is_laid_over_mid_grey(tmp_path: Path) -> None:
    rgba = np.dstack([gradient(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    rgba[:8, :, 3] = 0
    rgba[8:16, :, 3] = 128
    Image.fromarray(rgba).save(tmp_path / "a.png")
    loaded = load_image(tmp_path / "a.png")
    assert (loaded.pixels[:8] == 128).all()
    blend = gradient()[8:16] * (128 / 255) + 128 * (127 / 255)
    assert np.abs(loaded.pixels[8:16] - blend).max() <= 1
    assert np.array_equal(loaded.pixels[16:], gradient()[16:])
    assert loaded.notes == ("transparent areas are laid over mid-grey",)


def test_opaque_alpha_needs_no_note(tmp_path: Path) -> None:
    Image.fromarray(np.dstack([gradient(), np.full((HEIGHT, WIDTH), 255, np.uint8)])).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png").notes == ()


def test_grey_alpha_palette_transparency_and_one_bit(tmp_path: Path) -> None:
    grey = gradient()[..., 0]
    alpha = np.where(grey > 100, 255, 0).astype(np.uint8)
    Image.fromarray(np.dstack([grey, alpha])).save(tmp_path / "la.png")
    expected = np.where(alpha > 0, grey, 128)
    assert np.array_equal(load_image(tmp_path / "la.png").pixels[..., 1], expected)

    Image.fromarray(grey).save(tmp_path / "l.png")
    assert np.array_equal(load_image(tmp_path / "l.png").pixels, np.repeat(grey[..., None], 3, axis=2))

    palette = Image.fromarray((grey > 100).astype(np.uint8)).convert("P")
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.save(tmp_path / "p.png", transparency=0)
    shown = load_image(tmp_path / "p.png").pixels
    assert (shown[grey <= 100] == 128).all()
    assert (shown[grey > 100] == (200, 100, 50)).all()

    Image.fromarray(grey > 100).save(tmp_path / "one.png")
    assert np.array_equal(load_image(tmp_path / "one.png").pixels[..., 0] == 255, grey > 100)

    colour = Image.fromarray(gradient())
    colour.save(tmp_path / "key.png", transparency=tuple(int(v) for v in gradient()[3, 5]))
    assert tuple(load_image(tmp_path / "key.png").pixels[3, 5]) == (128, 128, 128)
    assert np.array_equal(load_image(tmp_path / "key.png").pixels[4], gradient()[4])


def test_sixteen_bit_grey_spans_the_whole_range(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
    for name in ("a.png", "a.tif"):
        assert cv2.imwrite(str(tmp_path / name), ramp)
        loaded = load_image(tmp_path / name)
        assert np.abs(loaded.pixels[..., 0] - ramp / 257).max() <= 0.51
        assert loaded.notes == ("16-bit image reduced to 8 bits",)


def test_big_endian_sixteen_bit_tiff(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, WIDTH * HEIGHT).astype(np.uint16).reshape(HEIGHT, WIDTH)
    pixels = ramp.astype(">u2").tobytes()
    entries = [(256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (258, 3, 1, 16 << 16), (259, 3, 1, 1 << 16)]
    entries += [
        (262, 3, 1, 1 << 16),
        (273, 4, 1, 8),
        (277, 3, 1, 1 << 16),
        (278, 4, 1, HEIGHT),
        (279, 4, 1, len(pixels)),
    ]
    directory = struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", *entry) for entry in entries)
    (tmp_path / "a.tif").write_bytes(b"MM\x00*" + struct.pack(">I", 8 + len(pixels)) + pixels + directory + bytes(4))
    assert np.abs(load_image(tmp_path / "a.tif").pixels[..., 2] - ramp / 257).max() <= 0.51


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour(tmp_path: Path, name: str, channels: int) -> None:
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65536, (HEIGHT, WIDTH, channels), dtype=np.uint16)
    if channels == 4:
        deep[..., 3] = 65535
    order = [2, 1, 0, 3][:channels]
    assert cv2.imwrite(str(tmp_path / name), deep[..., order])
    assert np.abs(load_image(tmp_path / name).pixels - deep[..., :3] / 257).max() <= 1.0


def test_float_tiffs(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    Image.fromarray(ramp).save(tmp_path / "unit.tif")
    loaded = load_image(tmp_path / "unit.tif")
    assert np.abs(loaded.pixels[..., 0] - ramp * 255).max() <= 0.51
    assert loaded.notes == ("values from 0 to 1 reduced to 8 bits",)

    Image.fromarray(ramp * 255).save(tmp_path / "byte.tif")
    assert np.array_equal(load_image(tmp_path / "byte.tif").pixels, loaded.pixels)

    Image.fromarray(ramp * 200_000 - 100_000).save(tmp_path / "odd.tif")
    stretched = load_image(tmp_path / "odd.tif")
    assert np.array_equal(stretched.pixels, loaded.pixels)
    assert stretched.notes == ("values from -100000 to 100000 stretched to 8 bits",)

    broken = ramp.copy()
    broken[0, 0], broken[0, 1] = np.nan, np.inf
    Image.fromarray(broken).save(tmp_path / "nan.tif")
    assert (load_image(tmp_path / "nan.tif").pixels[0, :2] == 0).all()

    flat = np.full((HEIGHT, WIDTH), -3.0, np.float32)
    Image.fromarray(flat).save(tmp_path / "flat.tif")
    assert (load_image(tmp_path / "flat.tif").pixels == 0).all()


def test_layouts_that_only_opencv_reads(tmp_path: Path) -> None:
    rgb = gradient().astype(np.float32) / 255
    # Older versions of OpenCV write floats in a compression that loses some, unless told otherwise.
    assert cv2.imwrite(str(tmp_path / "rgb32f.tif"), rgb[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    loaded = load_image(tmp_path / "rgb32f.tif")
    assert np.array_equal(loaded.pixels, gradient())
    assert loaded.notes == ("values from 0 to 1 reduced to 8 bits",)
    with pytest.raises(ImageFileError, match="truncated or damaged"):
        data = (tmp_path / "rgb32f.tif").read_bytes()
        (tmp_path / "cut.tif").write_bytes(data[: len(data) // 2])
        load_image(tmp_path / "cut.tif")


def test_thirty_two_bit_integers(tmp_path: Path) -> None:
    ramp = np.arange(WIDTH * HEIGHT, dtype=np.int32).reshape(HEIGHT, WIDTH) * 60
    Image.fromarray(ramp).save(tmp_path / "a.tif")
    assert np.abs(load_image(tmp_path / "a.tif").pixels[..., 0] - ramp / 257).max() <= 0.51


def test_cmyk_without_and_with_a_profile(tmp_path: Path) -> None:
    cmyk = Image.fromarray(gradient()).convert("CMYK")
    cmyk.save(tmp_path / "a.tif")
    loaded = load_image(tmp_path / "a.tif")
    assert np.abs(loaded.pixels.astype(int) - gradient()).max() <= 2
    assert loaded.notes == ("CMYK image without a usable colour profile: colours are approximate",)
    cmyk.save(tmp_path / "a.jpg", quality=95)
    assert np.abs(load_image(tmp_path / "a.jpg").pixels.astype(int) - gradient()).mean() < 6


def test_colour_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    # LittleCMS's built-in XYZ profile is no RGB one, so it must be left out, with a note, not crash.
    misfit = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(gradient()).save(tmp_path / "misfit.png", icc_profile=misfit)
    loaded = load_image(tmp_path / "misfit.png")
    assert np.array_equal(loaded.pixels, gradient())
    assert loaded.notes == ("colour profile is damaged or does not fit the image: left out",)

    Image.fromarray(gradient()).save(tmp_path / "junk.png", icc_profile=b"not a profile at all" * 20)
    assert np.array_equal(load_image(tmp_path / "junk.png").pixels, gradient())

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(gradient()).save(tmp_path / "srgb.png", icc_profile=srgb)
    assert np.array_equal(load_image(tmp_path / "srgb.png").pixels, gradient())
    assert load_image(tmp_path / "srgb.png").notes == ()

    swapped = swapped_primaries_profile(srgb)
    Image.fromarray(gradient()).save(tmp_path / "swapped.png", icc_profile=swapped)
    converted = load_image(tmp_path / "swapped.png")
    assert np.abs(converted.pixels.astype(int) - gradient()[..., ::-1]).max() <= 2
    assert converted.notes == ("colour profile 'Blue first' converted to sRGB",)


def swapped_primaries_profile(srgb: bytes) -> bytes:
    """sRGB's profile with the red and blue primaries exchanged: a conversion to sRGB swaps the channels."""
    text = "Blue first"
    swapped = bytearray(srgb)
    count = struct.unpack(">I", srgb[128:132])[0]
    tags = {srgb[132 + 12 * i : 136 + 12 * i]: 132 + 12 * i for i in range(count)}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    swapped[red + 4 : red + 12], swapped[blue + 4 : blue + 12] = srgb[blue + 4 : blue + 12], srgb[red + 4 : red + 12]
    offset, size = struct.unpack(">II", srgb[tags[b"desc"] + 4 : tags[b"desc"] + 12])
    start, length = struct.unpack(">II", srgb[offset + 20 : offset + 28])[::-1]
    assert start + length <= size
    name = text.encode("utf-16-be")
    assert len(name) <= length
    swapped[offset + start : offset + start + len(name)] = name
    swapped[offset + 20 : offset + 24] = struct.pack(">I", len(name))
    return bytes(swapped)


def test_lab_tiff(tmp_path: Path) -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.fromarray(gradient()), to_lab)
    assert lab is not None
    lab.info.pop("icc_profile", None)
    lab.save(tmp_path / "lab.tif")
    loaded = load_image(tmp_path / "lab.tif")
    # Eight-bit Lab is coarse where a channel is near zero, so the mean is what tells a wrong conversion.
    assert np.abs(loaded.pixels.astype(int) - gradient()).mean() < 2
    assert loaded.notes == ("Lab image converted to sRGB",)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_first_frame_of_several(tmp_path: Path, name: str) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in colours]
    options = {"lossless": True} if name.endswith("webp") else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    loaded = load_image(tmp_path / name)
    assert (loaded.pixels == (255, 0, 0)).all()
    first = "page" if name.endswith("tif") else "frame"
    assert any(f"first {first} is used" in note for note in loaded.notes)


def test_several_pictures_in_a_jpeg(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.mpo", save_all=True, append_images=frames[1:])
    loaded = load_image(tmp_path / "a.mpo")
    assert loaded.pixels[0, 0, 0] > 240
    assert loaded.notes == ("file with several pictures: the first one is used",)


def test_a_png_of_millions_of_texts_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_decoding, "_MOST_PNG_CHUNKS", 50)
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "PNG")
    whole = buffer.getvalue()
    for count in (40, 60):
        (tmp_path / "a.png").write_bytes(whole[:33] + png_chunk(b"tEXt", b"a\0b") * count + whole[33:])
        if count == 40:
            assert load_image(tmp_path / "a.png").pixels.shape == (30, 40, 3)
        else:
            with pytest.raises(ImageFileError, match="more than 50 chunks"):
                load_image(tmp_path / "a.png")


def test_a_jpeg_of_thousands_of_markers_is_refused_unread(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "JPEG")
    whole = buffer.getvalue()
    for extra, refused in ((b"\xff\xe5\0\2" * 9000, False), (b"\xff\xe5\0\2" * 11_000, True), (b"\xff" * 11_000, True)):
        data = whole[:2] + extra + whole[2:]
        (tmp_path / "a.jpg").write_bytes(data)
        assert picture_decoding.stored_orientation(data) == 1
        if refused:
            with pytest.raises(ImageFileError, match="more than 10,000 markers"):
                load_image(tmp_path / "a.jpg")
        else:
            assert load_image(tmp_path / "a.jpg").pixels.shape == (30, 40, 3)


@pytest.mark.parametrize("what", ["image", "mask"])
def test_refusals_name_the_file_and_the_remedy(tmp_path: Path, what: str) -> None:
    def load(path: Path) -> None:
        if what == "image":
            load_image(path)
        else:
            load_mask(path, image_size=(WIDTH, HEIGHT))

    def refused(path: Path, *words: str) -> None:
        with pytest.raises(ImageFileError) as caught:
            load(path)
        message = str(caught.value)
        assert path.name in message
        assert what in message
        for word in words:
            assert word in message

    refused(tmp_path / "absent.png", "does not exist", "check the path")
    (tmp_path / "folder.png").mkdir()
    refused(tmp_path / "folder.png", "is a folder")
    (tmp_path / "zero.png").write_bytes(b"")
    refused(tmp_path / "zero.png", "zero bytes")
    (tmp_path / "text.png").write_bytes(b"hello, this is no image")
    refused(tmp_path / "text.png", "PNG, JPEG, TIFF, WebP, BMP, GIF, AVIF, OpenEXR or DPX", "convert")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    refused(tmp_path / "dot.png", "1 x 1 px", "at least 16 px")
    Image.new("RGB", (500, MIN_SIDE_PX - 1)).save(tmp_path / "thin.png")
    refused(tmp_path / "thin.png", "500 x 15 px")
    (tmp_path / "bomb.png").write_bytes(png_with_size(20_000, 10_001))
    refused(tmp_path / "bomb.png", "20000 x 10001 px", "200 megapixels")
    (tmp_path / "huge.png").write_bytes(png_with_size(2**31 - 1, 2**31 - 1))
    refused(tmp_path / "huge.png", "200 megapixels")
    with pytest.raises(ImageFileError, match="does not exist|cannot be read"):
        load(tmp_path / "nul\0.png")


def test_error_is_one_the_user_can_act_upon() -> None:
    assert issubclass(ImageFileError, EngineError)


def test_smallest_image_that_is_accepted(tmp_path: Path) -> None:
    Image.new("RGB", (MIN_SIDE_PX, MIN_SIDE_PX)).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png").pixels.shape == (16, 16, 3)


def test_size_at_the_limit_passes_the_header_check(tmp_path: Path) -> None:
    # The header is accepted, so the refusal is of the missing pixels and not of the size.
    assert 20_000 * 10_000 == MAX_PIXELS
    (tmp_path / "a.png").write_bytes(png_with_size(20_000, 10_000))
    with pytest.raises(ImageFileError, match="truncated or damaged"):
        load_image(tmp_path / "a.png")


def test_oversized_tiff_is_refused_before_opencv_decodes_it(tmp_path: Path) -> None:
    rgb = gradient().astype(np.float32)
    assert cv2.imwrite(str(tmp_path / "a.tif"), rgb)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    directory = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[directory : directory + 2])[0]
    for index in range(count):
        at = directory + 2 + 12 * index
        tag, kind = struct.unpack("<HH", data[at : at + 4])
        if tag in (256, 257):
            data[at + 8 : at + 12] = struct.pack(
                "<I" if kind == 4 else "<HH", *([30_000] if kind == 4 else [30_000, 0])
            )
    (tmp_path / "b.tif").write_bytes(data)
    with pytest.raises(ImageFileError, match="30000 x 30000 px"):
        load_image(tmp_path / "b.tif")


def test_a_file_over_two_gib_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "film.png").open("wb") as stream:
        stream.truncate(2**31 + 1)
    with pytest.raises(ImageFileError, match=r"2\.0 GiB"):
        load_image(tmp_path / "film.png")


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageFileError, match="not a regular file"):
        load_image(tmp_path / "pipe.png")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads anything")
def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(ImageFileError, match="permissions"):
        load_image(tmp_path / "a.png")


def encoded(suffix: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(gradient()).save(stream, format=suffix)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", ["png", "jpeg", "tiff", "webp", "bmp", "gif"])
def test_half_a_file_is_refused(tmp_path: Path, suffix: str) -> None:
    data = encoded(suffix)
    (tmp_path / "a").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageFileError, match="truncated or damaged"):
        load_image(tmp_path / "a")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(["png", "jpeg", "tiff", "webp", "bmp", "gif"]),
    position=st.floats(0, 1),
    junk=st.binary(max_size=8),
    cut=st.booleans(),
)
def test_damaged_files_load_or_are_refused_never_crash(
    tmp_path: Path, suffix: str, position: float, junk: bytes, cut: bool
) -> None:
    data = encoded(suffix)
    at = int(position * len(data))
    (tmp_path / "a").write_bytes(data[:at] + junk + (b"" if cut else data[at + len(junk) :]))
    try:
        loaded = load_image(tmp_path / "a")
    except ImageFileError as error:
        assert str(tmp_path / "a") in str(error)
    else:
        assert loaded.pixels.shape == (loaded.height, loaded.width, 3)


def disc(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return ((x / width - 0.4) ** 2 + ((y - height / 2) / width) ** 2) < 0.04


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(lambda m: Image.fromarray(m), id="1-bit"),
        pytest.param(lambda m: Image.fromarray(m.astype(np.uint8) * 255), id="grey"),
        pytest.param(lambda m: Image.fromarray(m.astype(np.uint8)), id="0-and-1"),
        pytest.param(lambda m: Image.fromarray(m.astype(np.uint16)), id="0-and-1 in 16 bits"),
        pytest.param(lambda m: Image.fromarray(m.astype(np.uint16) * 65535), id="16-bit"),
        pytest.param(lambda m: Image.fromarray(np.where(m[..., None], (128, 0, 0), 0).astype(np.uint8)), id="label"),
        pytest.param(
            lambda m: Image.fromarray(np.dstack([gradient(), m.astype(np.uint8) * 255])), id="cut-out with alpha"
        ),
        pytest.param(
            lambda m: Image.fromarray(np.dstack([m.astype(np.uint8) * 255] * 3 + [np.full(m.shape, 255, np.uint8)])),
            id="opaque alpha",
        ),
    ],
)
def test_masks_of_every_kind_mean_what_they_show(tmp_path: Path, picture) -> None:  # type: ignore[no-untyped-def]
    picture(disc()).save(tmp_path / "mask.png")
    mask = load_mask(tmp_path / "mask.png", image_size=(WIDTH, HEIGHT))
    assert mask.dtype == np.bool_
    assert np.array_equal(mask, disc())


def test_palette_mask(tmp_path: Path) -> None:
    picture = Image.fromarray(disc().astype(np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 128, 0, 0])
    picture.save(tmp_path / "mask.png")
    assert np.array_equal(load_mask(tmp_path / "mask.png", image_size=(WIDTH, HEIGHT)), disc())


@pytest.mark.parametrize(("scale", "size"), [(2, (80, 48)), (10, (400, 240)), (0.5, (20, 16))])
def test_mask_of_another_size_is_resized(tmp_path: Path, scale: float, size: tuple[int, int]) -> None:
    Image.fromarray(disc()).save(tmp_path / "mask.png")
    mask = load_mask(tmp_path / "mask.png", image_size=(size[0], round(size[0] * HEIGHT / WIDTH)))
    expected = disc(size[0], round(size[0] * HEIGHT / WIDTH))
    assert mask.shape == expected.shape
    overlap = (mask & expected).sum() / (mask | expected).sum()
    assert overlap > 0.8


def test_mask_rounded_to_whole_pixels_still_has_the_aspect_ratio(tmp_path: Path) -> None:
    Image.new("1", (33, 22), 1).save(tmp_path / "mask.png")
    assert load_mask(tmp_path / "mask.png", image_size=(1000, 667)).all()


def test_mask_of_another_shape_is_refused_with_both_sizes(tmp_path: Path) -> None:
    Image.new("1", (HEIGHT, WIDTH), 1).save(tmp_path / "turned.png")
    with pytest.raises(ImageFileError, match=r"turned.png' is 24 x 40 px, but the image is 40 x 24 px"):
        load_mask(tmp_path / "turned.png", image_size=(WIDTH, HEIGHT))


def test_empty_and_nearly_black_masks_are_refused(tmp_path: Path) -> None:
    for name, picture in {
        "black.png": Image.new("L", (WIDTH, HEIGHT), 0),
        "clear.png": Image.new("RGBA", (WIDTH, HEIGHT), (255, 255, 255, 0)),
        "deep.png": Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint16)),
    }.items():
        picture.save(tmp_path / name)
        with pytest.raises(ImageFileError, match=f"{name}' is empty: paint"):
            load_mask(tmp_path / name, image_size=(WIDTH, HEIGHT))
    noise = np.random.default_rng(0).integers(0, 4, (HEIGHT, WIDTH), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    with pytest.raises(ImageFileError, match="nearly black"):
        load_mask(tmp_path / "noise.png", image_size=(WIDTH, HEIGHT))


def test_a_selection_lost_by_shrinking_is_refused_as_empty(tmp_path: Path) -> None:
    speck = np.zeros((240, 400), np.uint8)
    speck[100, 100] = 255
    Image.fromarray(speck).save(tmp_path / "speck.png")
    with pytest.raises(ImageFileError, match="is empty"):
        load_mask(tmp_path / "speck.png", image_size=(WIDTH, HEIGHT))


def test_full_mask_is_accepted(tmp_path: Path) -> None:
    Image.new("L", (WIDTH, HEIGHT), 255).save(tmp_path / "full.png")
    assert load_mask(tmp_path / "full.png", image_size=(WIDTH, HEIGHT)).all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_binary_mask_survives_a_round_trip(tmp_path: Path, data: st.DataObject) -> None:
    width, height = data.draw(st.integers(16, 40)), data.draw(st.integers(16, 40))
    bits = data.draw(st.binary(min_size=width * height, max_size=width * height))
    mask = (np.frombuffer(bits, np.uint8) & 1).astype(bool).reshape(height, width)
    mask[0, 0] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert np.array_equal(load_mask(tmp_path / "mask.png", image_size=(width, height)), mask)

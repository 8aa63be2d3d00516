"""OpenEXR and DPX frames, and TIFF layouts beyond Pillow, written by OpenImageIO or tifffile and read back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813  # as its manual does
import pytest
import tifffile
from PIL import Image

from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.pixel_levels import srgb_curve

WIDTH, HEIGHT = 48, 32


def light() -> np.ndarray:
    """float32[32, 48, 3] of linear light; no two corners alike."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    return np.stack([x / WIDTH, y / HEIGHT, 1 - (x + y) / (WIDTH + HEIGHT)], axis=2).astype(np.float32)


def write(path: Path, values: np.ndarray, kind: str = "half", **attributes: object) -> Path:
    names = attributes.pop("channelnames", None)
    spec = oiio.ImageSpec(values.shape[1], values.shape[0], values.shape[2], kind)
    if names is not None:
        spec.channelnames = names
    for name, value in attributes.items():
        if hasattr(spec, name):
            setattr(spec, name, value)
        else:
            spec.attribute(name.replace("__", ":"), value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(values), out.geterror()
    out.close()
    return path


def as_displayed(values: np.ndarray) -> np.ndarray:
    return np.rint(255 * srgb_curve(values.clip(0, 1))).astype(int)


@pytest.mark.parametrize("kind", ["half", "float"])
@pytest.mark.parametrize("compression", ["none", "zip", "piz"])
def test_exr_is_linear_light(tmp_path: Path, kind: str, compression: str) -> None:
    loaded = load_image(write(tmp_path / "a.exr", light(), kind, compression=compression))
    assert np.abs(loaded.pixels - as_displayed(light())).max() <= 1
    assert loaded.notes == ("linear light shown by the curve of sRGB",)


def test_a_glint_does_not_darken_an_exr(tmp_path: Path) -> None:
    values = light()
    values[3, 3] = 5000.0
    loaded = load_image(write(tmp_path / "a.exr", values))
    assert np.abs(loaded.pixels - as_displayed(light()))[4:].max() <= 1
    assert tuple(loaded.pixels[3, 3]) == (255, 255, 255)


def test_exr_s_premultiplied_alpha_is_laid_over_mid_grey(tmp_path: Path) -> None:
    alpha = np.ones((HEIGHT, WIDTH, 1), np.float32)
    alpha[:10], alpha[10:20] = 0.0, 0.5
    loaded = load_image(write(tmp_path / "a.exr", np.dstack([light() * alpha, alpha])))
    assert (loaded.pixels[:10] == 128).all()
    assert np.abs(loaded.pixels[10:20] - (as_displayed(light())[10:20] * 0.5 + 64)).max() <= 2
    assert np.abs(loaded.pixels[20:] - as_displayed(light())[20:]).max() <= 1


def test_the_display_window_is_the_picture(tmp_path: Path) -> None:
    # Overscan of 4 pixels around a display window of 40 x 24.
    loaded = load_image(
        write(tmp_path / "a.exr", light(), x=-4, y=-4, full_x=0, full_y=0, full_width=40, full_height=24)
    )
    assert (loaded.width, loaded.height) == (40, 24)
    assert np.abs(loaded.pixels - as_displayed(light())[4:28, 4:44]).max() <= 1


def test_the_beauty_pass_is_found_and_other_passes_are_named(tmp_path: Path) -> None:
    depth = np.full((HEIGHT, WIDTH, 1), 7.0, np.float32)
    names = ("Z", "beauty.R", "beauty.G", "beauty.B")
    loaded = load_image(write(tmp_path / "a.exr", np.dstack([depth, light()]), channelnames=names))
    assert np.abs(loaded.pixels - as_displayed(light())).max() <= 1
    with pytest.raises(ImageFileError, match=r"only the channels Z: export its beauty pass"):
        load_image(write(tmp_path / "z.exr", depth, channelnames=("Z",)))


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_video_dpx_is_shown_as_it_is(tmp_path: Path, bits: int) -> None:
    attributes: dict[str, object] = {"oiio__BitsPerSample": bits, "dpx__Transfer": "Rec709"}
    path = write(tmp_path / "a.dpx", light(), "uint8" if bits == 8 else "uint16", **attributes)
    assert np.abs(load_image(path).pixels - light() * 255).max() <= 1


def test_film_density_is_developed(tmp_path: Path) -> None:
    # Kodak: code 685 of 1023 is white, 95 black, 470 mid-grey (18 %).
    codes = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    codes[:10], codes[10:20], codes[20:] = 685 / 1023, 470 / 1023, 95 / 1023
    attributes: dict[str, object] = {"oiio__BitsPerSample": 10, "dpx__Transfer": "Printing density"}
    loaded = load_image(write(tmp_path / "a.dpx", codes, "uint16", **attributes))
    assert [int(loaded.pixels[row, 0, 0]) for row in (0, 15, 25)] == pytest.approx([255, 118, 0], abs=6)
    assert "film density" in loaded.notes[0]


def test_names_are_only_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", light()).rename(tmp_path / "take 1?ch=Z #2.exr")
    assert load_image(path).pixels.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("suffix", ["exr", "dpx"])
def test_damaged_frames_are_refused(tmp_path: Path, suffix: str) -> None:
    data = write(tmp_path / f"a.{suffix}", light(), "half" if suffix == "exr" else "uint16").read_bytes()
    for cut in (4, 100, len(data) // 2):
        (tmp_path / f"b.{suffix}").write_bytes(data[:cut])
        with pytest.raises(ImageFileError, match="truncated or damaged"):
            load_image(tmp_path / f"b.{suffix}")
    (tmp_path / "zeros.exr").write_bytes(bytes(4000))
    with pytest.raises(ImageFileError, match="is not a"):
        load_image(tmp_path / "zeros.exr")


def test_a_frame_too_large_is_refused_by_its_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.exr", light(), full_width=30_000, full_height=30_000)
    with pytest.raises(ImageFileError, match="30000 x 30000 px"):
        load_image(path)


def test_without_the_extra_its_command_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.exr", light())
    tifffile.imwrite(tmp_path / "half.tif", light().astype(np.float16))
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    for file in (path, tmp_path / "half.tif"):
        with pytest.raises(ImageFileError, match=r"OpenImageIO.*pip install 'sounddesk\[film\]'"):
            load_image(file)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_float_tiffs_of_every_width_are_read(
    tmp_path: Path, kind: type, channels: int, compression: str | None
) -> None:
    values = light()[..., :channels].squeeze()
    tifffile.imwrite(tmp_path / "a.tif", values.astype(kind), compression=compression)
    expected = np.broadcast_to(values.reshape(HEIGHT, WIDTH, channels) * 255, (HEIGHT, WIDTH, 3))
    assert np.abs(load_image(tmp_path / "a.tif").pixels - expected).max() <= 1


def test_pixels_are_those_that_openimageio_and_tifffile_see(tmp_path: Path) -> None:
    eight = np.rint(light() * 255).astype(np.uint8)
    deep = np.rint(light() * 65535).astype(np.uint16)
    tifffile.imwrite(tmp_path / "eight.tif", eight, compression="zlib", predictor=True)
    tifffile.imwrite(tmp_path / "planes.tif", np.moveaxis(eight, 2, 0), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(tmp_path / "tiled.tif", deep, tile=(16, 16), bigtiff=True)
    tifffile.imwrite(tmp_path / "big-endian.tif", deep, byteorder=">")
    for name in ("eight.tif", "planes.tif", "tiled.tif", "big-endian.tif"):
        theirs = oiio.ImageBuf(str(tmp_path / name)).get_pixels(oiio.FLOAT)
        assert np.abs(load_image(tmp_path / name).pixels - theirs * 255).max() <= 1.0, name
        again = tifffile.imread(tmp_path / name)
        again = np.moveaxis(again, 0, 2) if again.shape[0] == 3 else again
        assert np.abs(load_image(tmp_path / name).pixels - again / np.iinfo(again.dtype).max * 255).max() <= 1.0, name


@pytest.mark.parametrize("name", ["eight.png", "sixteen.png", "a.bmp", "a.jpg", "lossless.webp", "lossy.webp"])
def test_other_pictures_are_those_that_openimageio_sees(tmp_path: Path, name: str) -> None:
    if name == "sixteen.png":
        write(tmp_path / name, np.rint(light() * 65535).astype(np.uint16), "uint16")
    else:
        picture = Image.fromarray(np.rint(light() * 255).astype(np.uint8))
        picture.save(tmp_path / name, **({"lossless": True} if name.startswith("lossless") else {}))
    theirs = oiio.ImageBuf(str(tmp_path / name)).get_pixels(oiio.FLOAT)[..., :3]
    # Decoders of JPEG and WebP are free in how they round colours; of 16 bits the upper 8 are taken.
    most = {"sixteen.png": 1.0, "a.jpg": 3.0, "lossy.webp": 3.0}.get(name, 0.01)
    assert np.abs(load_image(tmp_path / name).pixels - theirs * 255).max() <= most


def test_a_program_that_freezes_what_it_imported_ends_without_a_word(tmp_path: Path) -> None:
    write(tmp_path / "a.exr", light())
    program = "import gc, sys; from sounddesk.engine.images.image_file import load_image; load_image(sys.argv[1])"
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}; gc.freeze()", str(tmp_path / "a.exr")], capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")

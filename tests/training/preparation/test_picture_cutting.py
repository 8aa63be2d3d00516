from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sounddesk.training.preparation.picture_cutting import PictureError
from sounddesk.training.preparation.picture_cutting import cut_picture
from sounddesk.training.preparation.picture_cutting import encode_jpeg
from sounddesk.training.preparation.picture_cutting import encode_png
from sounddesk.training.preparation.picture_cutting import make_background
from tests.training.preparation.archives import disc
from tests.training.preparation.archives import png

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect x="2" y="2" width="6" height="3"/></svg>'


def test_a_cut_out_is_tight_and_small_enough():
    cut = cut_picture(png(disc(size=(1800, 1200))), name="x")
    assert cut.mode == "RGBA"
    assert max(cut.size) == 384
    assert cut.getchannel("A").getbbox() == (0, 0, *cut.size)


def test_small_pictures_are_not_blown_up():
    assert cut_picture(png(disc()), name="x").size == (41, 31)


def test_the_colour_of_invisible_pixels_does_not_reach_the_edge():
    image = Image.new("RGBA", (1000, 1000), (0, 255, 0, 0))
    image.paste(disc(size=(1000, 1000)), mask=disc(size=(1000, 1000)))
    pixels = np.asarray(cut_picture(png(image), name="x"))
    assert pixels[pixels[..., 3] > 20][:, 1].max() < 60


@pytest.mark.parametrize("cut", ["backdrop", "object"])
def test_an_even_backdrop_is_cut_away(cut):
    picture = cut_picture(png(disc(size=(240, 180), backdrop="white")), name="x", cut=cut)
    alpha = np.asarray(picture.getchannel("A"))
    assert picture.size[0] == pytest.approx(81, abs=12)
    assert alpha[0, 0] < 30
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] > 240


def test_whole_and_blob_make_opaque_pictures_partly_or_fully_visible():
    opaque = png(Image.new("RGB", (200, 100), "blue"))
    assert np.asarray(cut_picture(opaque, name="x", cut="whole").getchannel("A")).min() == 255
    share = np.asarray(cut_picture(opaque, name="x", cut="blob").getchannel("A")).mean() / 255
    assert 0.5 < share < 0.95
    assert encode_png(cut_picture(opaque, name="x", cut="blob")) == encode_png(
        cut_picture(opaque, name="x", cut="blob")
    )


def test_a_box_crops_by_shares():
    left_half = cut_picture(png(Image.new("RGB", (200, 100))), name="x", cut="whole", box=(0, 0, 0.5, 1))
    assert left_half.size == (100, 100)


def test_drawings_are_drawn():
    pytest.importorskip("resvg_py")
    cut = cut_picture(SVG, name="x")
    assert cut.size[0] == pytest.approx(2 * cut.size[1], abs=2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be decoded"),
        (png(disc())[:60], "cannot be decoded"),
        (png(Image.new("RGBA", (50, 50))), "every pixel is transparent"),
        (png(Image.new("RGBA", (8, 50), "red")), "8x50 px"),
    ],
)
def test_unusable_pictures_are_refused_by_name(data, message):
    with pytest.raises(PictureError, match=message) as caught:
        cut_picture(data, name="set:dog.png")
    assert "set:dog.png" in str(caught.value)


def test_a_picture_without_an_object_is_refused():
    with pytest.raises(PictureError, match="no object"):
        cut_picture(png(Image.new("RGB", (60, 60), "white")), name="x", cut="object")


def test_backgrounds_are_flat_and_small():
    background = make_background(png(disc(size=(1600, 900))), name="x")
    assert background.mode == "RGB"
    assert background.size == (512, 288)
    assert Image.open(io.BytesIO(encode_jpeg(background))).format == "JPEG"

"""Glyphs of an outline font become cut-outs: ink, paper where they enclose something, nothing around them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL import ImageFont

from sounddesk.training.preparation.member_readers import MemberError
from sounddesk.training.preparation.member_readers import open_reader


@pytest.fixture
def font(tmp_path: Path) -> Path:
    """The font that Pillow carries."""
    builtin = ImageFont.load_default(40)
    assert isinstance(builtin, ImageFont.FreeTypeFont)
    file = tmp_path / "parts" / "font-0.ttf"
    file.parent.mkdir()
    file.write_bytes(builtin.font_bytes)
    return file


def test_what_a_glyph_encloses_is_paper_and_what_is_around_it_is_gone(font: Path) -> None:
    data = open_reader(kind="outline-font", path=font).read("4f").data
    picture = np.asarray(Image.open(io.BytesIO(data)))
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert middle.tolist() == [255, 255, 255, 255]
    assert picture[0, 0, 3] == 0
    assert ((picture[..., 3] == 255) & (picture[..., 0] == 0)).any()


def test_a_font_in_parts_is_searched_and_a_missing_glyph_has_a_clear_error(font: Path) -> None:
    reader = open_reader(kind="outline-font", path=font.parent, prefix="font-*.ttf")
    assert reader.read("41").data
    with pytest.raises(MemberError, match="no picture of '1f415'"):
        reader.read("1f415")
    with pytest.raises(MemberError, match="not a list of code points"):
        reader.read("dog")

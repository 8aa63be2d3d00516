"""Pictures made from arrays have memory of their own."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

import sounddesk.app
from sounddesk.app.look.image_copy import image_copy

# Where a picture may be made over an array's memory: it is copied, turned into another format at once, or the array
# lives as long as the picture.
_MAY_SHARE = {"look/image_copy.py", "canvas/scene_picture.py", "canvas/overlay.py"}


def test_a_copy_does_not_follow_the_array() -> None:
    # A slice with a stride is laid out anew as well.
    pixels = np.full((4, 12, 3), 40, np.uint8)[:, ::2]
    made = image_copy(pixels)
    pixels[:] = 200
    assert (made.width(), made.height()) == (6, 4)
    assert {made.pixelColor(x, y).red() for x in range(6) for y in range(4)} == {40}


def test_each_shape_has_its_format() -> None:
    indices = image_copy(np.ones((2, 5), np.uint8))
    indices.setColorTable([0, 0xFF102030])
    assert indices.pixelColor(4, 1).getRgb() == (16, 32, 48, 255)
    bgra = image_copy(np.array([[[1, 2, 3, 255]]], np.uint8))
    assert bgra.pixelColor(0, 0).getRgb() == (3, 2, 1, 255)


def test_no_other_picture_is_made_over_foreign_memory() -> None:
    folder = Path(sounddesk.app.__file__).parent
    found = set()
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text if "QImage(" in text else "")):
            made = isinstance(node, ast.Call) and getattr(node.func, "id", "") == QImage.__name__
            if made and len(node.args) > 3:  # type: ignore[attr-defined]
                found.add(file.relative_to(folder).as_posix())
    assert found == _MAY_SHARE

"""The photographs that ship beside the vocabulary, by which a space of images is known, and a user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import resource


def read_reference_pictures(own: Sequence[Path] = ()) -> tuple[RgbImage, ...]:
    """sRGB uint8[H, W, 3] each: those that ship in the order of their names, then `own`. Raises: ImageFileError."""
    shipped = sorted(resource("vocabulary").joinpath("pictures").glob("*.jpg"))
    return tuple(load_image(file).pixels for file in (*shipped, *own))

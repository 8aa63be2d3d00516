"""Frames of film, OpenEXR and DPX, and the TIFF files that neither Pillow nor OpenCV knows, by OpenImageIO.

OpenImageIO is what film tools read these with and is kept by the Academy Software Foundation; the alternatives read
one of the two (OpenEXR) or rest on a library that is no longer kept (imageio's FreeImage). It weighs 20 MB, hence an
extra. Its reader is asked for by name and is handed a file that we wrote, never a name that came from outside.
"""

from __future__ import annotations

import atexit
import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import MissingPackageError
from sounddesk.engine.images.pixel_levels import linear_to_eight_bit
from sounddesk.engine.images.pixel_levels import to_eight_bit

INSTALL: Final = "pip install 'sounddesk[film]'"
_COLOURS: Final = (("R", "G", "B"), ("r", "g", "b"), ("red", "green", "blue"))
_ALPHAS: Final = ("A", "a", "alpha")
# Kodak, Conversion of 10-bit log film data to 8-bit linear or video data (1995): code values, density per step, gamma.
_CINEON_BLACK, _CINEON_WHITE, _CINEON_SLOPE = 95, 685, 0.002 / 0.6
_LOGARITHMIC: Final = ("kodaklog", "log", "printing density", "density", "logarithmic", "adx10", "adx16")


class UnreadableFilmError(BadInputError, ValueError):
    """The reason alone, without the file's name."""


@dataclass(frozen=True, kw_only=True)
class FilmHeader:
    """What is known before anything is decoded.

    Attributes:
        width: of the picture (the display window) in pixels.
        height: of the picture in pixels.
        stored_bytes: what the pixels that are stored (the data window) take unpacked, as 32-bit floats.
    """

    width: int
    height: int
    stored_bytes: int


class FilmPicture:
    """An open file; `header` is known, `decode` reads the pixels."""

    def __init__(self, reader: Any, *, name: str) -> None:
        self._reader = reader
        self._name = name
        self._subimage, self._channels = _choose_layer(reader)
        spec = reader.spec()
        self._spec = spec
        self.header = FilmHeader(
            width=int(spec.full_width) or int(spec.width),
            height=int(spec.full_height) or int(spec.height),
            stored_bytes=int(spec.width) * int(spec.height) * len(self._channels) * 4,
        )

    def decode(self, *, notes: list[str]) -> Image.Image:
        """Mode RGB or RGBA, as displayed.

        Raises:
            UnreadableFilmError: the pixels are damaged.
        """
        values = np.zeros((self.header.height, self.header.width, len(self._channels)), dtype=np.float32)
        left, top = int(self._spec.x) - int(self._spec.full_x), int(self._spec.y) - int(self._spec.full_y)
        for place, channel in enumerate(self._channels):
            plane = self._reader.read_image(self._subimage, 0, channel, channel + 1, "float")
            if plane is None:
                raise UnreadableFilmError(str(self._reader.geterror()).strip() or "its pixels cannot be decoded")
            _paste(values[..., place], np.asarray(plane, dtype=np.float32)[..., 0], left=left, top=top)
        return self._shown(values, notes=notes)

    def _shown(self, values: npt.NDArray[np.float32], *, notes: list[str]) -> Image.Image:
        colour, alpha = values[..., :3], values[..., 3] if values.shape[2] == 4 else None
        if values.shape[2] <= 2:
            colour, alpha = np.repeat(values[..., :1], 3, axis=2), values[..., 1] if values.shape[2] == 2 else None
        if alpha is not None:
            # Film multiplies colours with their coverage.
            solid = alpha > 0
            colour[solid] /= alpha[solid][:, None]
        shown = self._as_displayed(colour, notes=notes)
        if alpha is None:
            return Image.fromarray(shown)
        opaque = np.rint(np.nan_to_num(alpha, nan=0.0).clip(0, 1) * 255).astype(np.uint8)
        return Image.fromarray(np.dstack([shown, opaque]))

    def _as_displayed(self, colour: npt.NDArray[np.float32], *, notes: list[str]) -> npt.NDArray[np.uint8]:
        if self._name == "openexr":
            return linear_to_eight_bit(colour, notes=notes)
        if self._name == "dpx" and _is_logarithmic(self._spec):
            notes.append("film density (10-bit log) developed: code 95 is black, 685 white")
            return linear_to_eight_bit(_cineon_to_linear(colour), notes=notes)
        if self._name == "dpx":
            return np.rint(np.nan_to_num(colour, nan=0.0).clip(0, 1) * 255).astype(np.uint8)
        return to_eight_bit(colour, notes=notes)


@contextmanager
def open_film_picture(data: bytes, *, name: str) -> Iterator[FilmPicture]:
    """Open a file that is in memory.

    Args:
        name: of OpenImageIO's reader: 'openexr', 'dpx' or 'tiff'.

    Raises:
        MissingPackageError: OpenImageIO is not installed.
        UnreadableFilmError: damaged, or without colours.
    """
    library = _open_image_io()
    with tempfile.TemporaryDirectory(prefix="sounddesk-film-") as folder:
        # The ending makes OpenImageIO begin with this reader, and `valid_file` says that no other one is needed.
        path = Path(folder) / f"frame.{_ENDINGS[name]}"
        path.write_bytes(data)
        del data
        chosen = library.ImageInput.create(name)
        if chosen is None or not chosen.valid_file(str(path)):
            raise UnreadableFilmError(_last_error(library, "its header is damaged"))
        reader = library.ImageInput.open(str(path))
        if reader is None:
            raise UnreadableFilmError(_last_error(library, "its header is damaged"))
        try:
            yield FilmPicture(reader, name=name)
        finally:
            reader.close()


_ENDINGS: Final = {"openexr": "exr", "dpx": "dpx", "tiff": "tif"}


def has_film_reader() -> bool:
    """Whether OpenImageIO is installed."""
    try:
        _open_image_io()
    except MissingPackageError:
        return False
    return True


def _open_image_io() -> Any:
    try:
        import OpenImageIO
    except ImportError as error:
        raise MissingPackageError("OpenImageIO is not installed", remedy=INSTALL) from error
    # Its bindings print what is still there when Python ends. The window freezes what has been imported, and what is
    # frozen stays until then.
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
    return OpenImageIO


def _last_error(library: Any, otherwise: str) -> str:
    # The name is of our temporary file.
    lines = str(library.geterror()).strip().splitlines()
    return otherwise if not lines or "/" in lines[0] or "\\" in lines[0] else lines[0][:200]


def _choose_layer(reader: Any) -> tuple[int, tuple[int, ...]]:
    """The first part with colours, and the places of its red, green, blue and perhaps alpha, or of grey."""
    seen: list[str] = []
    subimage = 0
    while reader.seek_subimage(subimage, 0):
        spec = reader.spec()
        names = [str(each) for each in spec.channelnames]
        seen += names
        channels = None if spec.deep else _colours(names)
        if channels is not None:
            return subimage, channels
        subimage += 1
    shown = ", ".join(seen[:8]) or "none"
    raise UnreadableFilmError(f"it has no flat red, green and blue, only the channels {shown}: export its beauty pass")


def _colours(names: list[str]) -> tuple[int, ...] | None:
    """Places of the colours, first of those without a layer's name, then of the first layer that has all three."""
    layers = dict.fromkeys(["", *(name.rpartition(".")[0] for name in names)])
    for layer in layers:
        prefix = f"{layer}." if layer else ""
        for colours in _COLOURS:
            wanted = [prefix + each for each in colours]
            if all(each in names for each in wanted):
                alpha = next((prefix + each for each in _ALPHAS if prefix + each in names), None)
                return tuple(names.index(each) for each in (*wanted, *([alpha] if alpha else ())))
    grey = next((name for name in ("Y", "L", "I", "luminance") if name in names), None)
    if grey is None:
        return None
    alpha = next((each for each in _ALPHAS if each in names), None)
    return tuple(names.index(each) for each in (grey, *([alpha] if alpha else ())))


def _paste(target: npt.NDArray[np.float32], plane: npt.NDArray[np.float32], *, left: int, top: int) -> None:
    """The stored window into the displayed one; what lies outside (overscan) is cut off."""
    height, width = target.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + plane.shape[1]), min(height, top + plane.shape[0])
    if x1 > x0 and y1 > y0:
        target[y0:y1, x0:x1] = plane[y0 - top : y1 - top, x0 - left : x1 - left]


def _is_logarithmic(spec: Any) -> bool:
    said = (spec.getattribute("dpx:Transfer"), spec.getattribute("oiio:ColorSpace"))
    return any(str(each).lower() in _LOGARITHMIC for each in said if each)


def _cineon_to_linear(codes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Printing density in 0..1 of 10 bits to linear light, 0 at code 95 and 1 at code 685."""
    light = np.power(10.0, (codes * 1023.0 - _CINEON_WHITE) * _CINEON_SLOPE)
    black = 10.0 ** ((_CINEON_BLACK - _CINEON_WHITE) * _CINEON_SLOPE)
    return np.asarray((light - black) / (1.0 - black), dtype=np.float32).clip(0.0, None)

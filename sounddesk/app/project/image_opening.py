"""Reading image files off the UI thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtCore import Signal

from sounddesk.app.runtime.heavy_imports import map_opencv_library
from sounddesk.app.workers.background import Background
from sounddesk.domain.project import MovieFrame
from sounddesk.engine.types import RgbImage


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedImage:
    """An image file: its bytes, upright sRGB pixels uint8[H, W, 3], its name, and what was converted.

    Attributes:
        movie: the frame of a movie that it is.
        settings: of the project that begins with it, where they follow from the file.
    """

    file: bytes
    pixels: RgbImage
    name: str
    notes: tuple[str, ...]
    movie: MovieFrame | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class ImageOpener(QObject):
    """Signals: opened(OpenedImage); failed(error)."""

    opened = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self, name="opening the image")
        self._background.done.connect(lambda _key, image: self.opened.emit(image))
        self._background.failed.connect(lambda _key, error: self.failed.emit(error))

    def open_file(self, path: Path) -> None:
        """Read `path`; the newest request wins."""
        self._background.start("image", lambda: read_image(path))

    def open_bytes(self, file: bytes, *, name: str) -> None:
        """Decode an image that is in memory, as after a paste."""
        self._background.start("image", lambda: decode_image(file, name=name))

    def forget(self) -> None:
        """Show nothing of what was asked for."""
        self._background.forget_all()

    def stop(self) -> None:
        """Forget what was asked for and take nothing more. Returns at once."""
        self._background.stop()

    def close(self) -> None:
        self._background.close()


def read_image(path: Path) -> OpenedImage:
    """Bytes and pixels of an image file. Raises: EngineError naming the file and the remedy."""
    map_opencv_library()
    from sounddesk.engine.images.picture_decoding import read_picture_bytes

    return decode_image(read_picture_bytes(path, what="image"), name=str(path))


def decode_image(file: bytes, *, name: str) -> OpenedImage:
    """Pixels of an image file in memory. Raises: EngineError."""
    map_opencv_library()
    from sounddesk.engine.images.image_file import image_from_bytes

    loaded = image_from_bytes(file, name=name)
    return OpenedImage(file=file, pixels=loaded.pixels, name=Path(name).name, notes=tuple(loaded.notes))

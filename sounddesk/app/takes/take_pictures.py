"""Small pictures of takes, a waveform over a spectrogram, made off the UI thread and kept."""

from __future__ import annotations

from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject
from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtGui import QPixmap

from sounddesk.app.look.image_copy import image_copy
from sounddesk.app.workers.background import Background
from sounddesk.domain.take import Take

# Of white where the waveform is, so that the spectrogram can be told below it.
_WAVE_SHARE: Final = 0.6


class TakePictures(QObject):
    """Signals: ready(take_id): its picture can be had now."""

    ready = Signal(str)

    def __init__(self, parent: QObject | None = None, *, width: int = 320, height: int = 64) -> None:
        super().__init__(parent)
        self._size = (width, height)
        self._pictures: dict[str, QPixmap] = {}
        self._background = Background(self, name="drawing the spectrogram")
        self._background.done.connect(self._keep)

    def picture(self, take: Take) -> QPixmap | None:
        """The take's picture, or None while it is being made; `ready` tells when."""
        found = self._pictures.get(take.id)
        if found is None and not self._background.is_running(take.id):
            width, height = self._size
            self._background.start(take.id, lambda: draw(take, width=width, height=height, waveform=True))
        return found

    def close(self) -> None:
        self._background.close()

    def _keep(self, take_id: str, image: QImage) -> None:
        self._pictures[take_id] = QPixmap.fromImage(image)
        self.ready.emit(take_id)


def draw(take: Take, *, width: int, height: int, waveform: bool = False) -> QImage:
    """A take's spectrogram, low frequencies at the bottom, perhaps under its waveform; safe on any thread."""
    from sounddesk.audio.pictures.spectrogram_image import spectrogram_image

    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    if np.any(take.waveform):
        pixels = spectrogram_image(take.waveform, sample_rate_hz=take.sample_rate_hz, width=width, height=height)
    return image_copy(with_waveform(pixels, take.waveform) if waveform else pixels)


def with_waveform(pixels: npt.NDArray[np.uint8], samples: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Lay a waveform in white over a picture that is as long as it; full scale reaches from edge to edge.

    Args:
        pixels: sRGB uint8[height, width, 3].
        samples: float[n] or float[n, channels]; of a column the lowest and highest of all of its samples are shown.
    """
    height, width = pixels.shape[:2]
    one = samples.reshape(len(samples), -1)
    starts = np.linspace(0, len(one), width, endpoint=False).astype(np.intp)
    high, low = (find.reduceat(each, starts) for find, each in ((np.maximum, one.max(1)), (np.minimum, one.min(1))))
    # Silence is a line.
    rows = np.arange(height)[:, None] + 0.5
    top, bottom = ((1.0 - np.clip(each, -1.0, 1.0)) / 2.0 * height for each in (high, low))
    covered = (rows > np.minimum(top, bottom - 1.0)) & (rows < np.maximum(bottom, top + 1.0))
    shown = pixels.copy()
    shown[covered] = (shown[covered] * (1.0 - _WAVE_SHARE) + 255.0 * _WAVE_SHARE).astype(np.uint8)
    return shown

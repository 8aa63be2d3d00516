"""Small spectrograms of takes, made off the UI thread and kept."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtGui import QPixmap

from sounddesk.app.look.image_copy import image_copy
from sounddesk.app.workers.background import Background
from sounddesk.domain.take import Take


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
        """The take's spectrogram, or None while it is being made; `ready` tells when."""
        found = self._pictures.get(take.id)
        if found is None and not self._background.is_running(take.id):
            width, height = self._size
            self._background.start(take.id, lambda: draw(take, width=width, height=height))
        return found

    def close(self) -> None:
        self._background.close()

    def _keep(self, take_id: str, image: QImage) -> None:
        self._pictures[take_id] = QPixmap.fromImage(image)
        self.ready.emit(take_id)


def draw(take: Take, *, width: int, height: int) -> QImage:
    """A take's spectrogram, low frequencies at the bottom; safe on any thread."""
    from sounddesk.audio.pictures.spectrogram_image import spectrogram_image

    if not np.any(take.waveform):
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
    else:
        pixels = spectrogram_image(take.waveform, sample_rate_hz=take.sample_rate_hz, width=width, height=height)
    return image_copy(pixels)

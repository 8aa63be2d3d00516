"""Pictures of takes for their clips, waveform or spectrogram, made off the UI thread and kept."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QPainter

from sounddesk.app.look.image_copy import image_copy
from sounddesk.app.project.document import Document
from sounddesk.app.workers.background import Background
from sounddesk.domain.take import Take
from sounddesk.domain.timeline import Clip

_COLUMNS_PER_S: Final = 200
_SPECTRA_PER_S: Final = 60
_ROWS: Final = 48
# So many that a waveform is still a line where it is drawn several times as high.
_WAVE_ROWS: Final = 192


class ClipPictures(QObject):
    """Signals: changed(): another picture is there.

    Attributes:
        show_spectrograms: instead of waveforms.
        wave_zoom: how many times as high waveforms are drawn; what does not fit is cut off.
    """

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._waveforms: dict[str, QImage] = {}
        self._spectrograms: dict[str, QImage] = {}
        self.show_spectrograms = False
        self.wave_zoom = 1.0
        self._background = Background(self, name="drawing the clip")
        self._background.done.connect(self._keep)
        document.take_added.connect(self._make_waveform)
        document.replaced.connect(self._on_replaced)

    def close(self) -> None:
        """Wait for pictures in the making."""
        self._background.close()

    def draw(self, painter: QPainter, clip: Clip, rect: QRectF, colour: QColor) -> None:
        """The part of the take that the clip plays, into `rect`; a looped clip's again and again."""
        take = self._document.takes.get(clip.take_id)
        picture = None if take is None else self._picture(take, colour)
        if picture is None or take is None:
            return
        if clip.reversed:
            picture = picture.flipped(Qt.Orientation.Horizontal)
        per_s, scale = picture.width() / take.seconds, rect.width() / clip.duration_s
        body_s = take.seconds - clip.offset_s
        # Each round but the last is shorter by the crossfade into the next one.
        round_s = body_s - min(clip.loop_crossfade_s, body_s / 2) if clip.looped else body_s
        done_s = 0.0
        while body_s > 0 and done_s < clip.duration_s:
            part_s = min(round_s, clip.duration_s - done_s)
            target = QRectF(rect.left() + done_s * scale, rect.top(), part_s * scale, rect.height())
            rows = picture.height() / (1.0 if self.show_spectrograms else self.wave_zoom)
            top = (picture.height() - rows) / 2
            painter.drawImage(target, picture, QRectF(clip.offset_s * per_s, top, part_s * per_s, rows))
            if not clip.looped:
                return
            done_s += max(part_s, 0.02)

    def _picture(self, take: Take, colour: QColor) -> QImage | None:
        if self.show_spectrograms:
            found = self._spectrograms.get(take.id)
            if found is None and not self._background.is_running(("spectrogram", take.id)):
                self._background.start(("spectrogram", take.id), lambda: spectrogram_picture(take))
            return found
        waveform = self._waveforms.get(take.id)
        if waveform is not None:
            waveform.setColorTable([0, colour.rgba()])
        return waveform

    def _make_waveform(self, take: Take) -> None:
        self._background.start(
            ("waveform", take.id), lambda: waveform_picture(take.waveform, sample_rate_hz=take.sample_rate_hz)
        )

    def _keep(self, key: tuple[str, str], picture: QImage) -> None:
        kind, take_id = key
        (self._waveforms if kind == "waveform" else self._spectrograms)[take_id] = picture
        self.changed.emit()

    def _on_replaced(self) -> None:
        self._waveforms, self._spectrograms = {}, {}
        for take in self._document.takes:
            self._make_waveform(take)


def waveform_picture(waveform: npt.NDArray[np.float32], *, sample_rate_hz: int) -> QImage:
    """Peaks around a middle line, of stereo those of the louder channel, as a picture of two colours to be set by who
    draws it.
    """
    sizes = np.abs(waveform) if waveform.ndim == 1 else np.abs(waveform).max(axis=1)
    columns = max(1, len(waveform) * _COLUMNS_PER_S // sample_rate_hz)
    edges = np.linspace(0, len(waveform), columns, endpoint=False).astype(int)
    heights = np.maximum.reduceat(sizes, edges) * (_WAVE_ROWS / 2)
    distance = np.abs(np.arange(_WAVE_ROWS) + 0.5 - _WAVE_ROWS / 2)[:, None]
    return image_copy((distance <= np.maximum(heights, 0.5)[None, :]).astype(np.uint8))


def spectrogram_picture(take: Take) -> QImage:
    """A take's spectrogram over its whole length."""
    from sounddesk.app.takes.take_pictures import draw

    return draw(take, width=max(16, round(take.seconds * _SPECTRA_PER_S)), height=2 * _ROWS)

"""Spectrograms of several takes under each other, on one frequency axis, with their levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.takes.take_pictures import draw
from sounddesk.app.workers.background import Background
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take


class CompareDialog(QDialog):
    """One picture and one line of figures per take."""

    def __init__(self, takes: Sequence[Take], project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Compare takes"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(820, min(900, 110 + 210 * len(takes)))
        self._pictures: dict[str, PlainLabel] = {}
        inner = QWidget(self)
        rows = QVBoxLayout(inner)
        self._background = Background(self, name="drawing the spectrogram")
        self._background.done.connect(self._show)
        for take in takes:
            name = project.mark_of(take.id).name or self.tr("Take {number}").format(number=take.number)
            peak = float(np.abs(take.waveform).max(initial=0.0))
            level = self.tr("peak {peak:.1f} dBFS").format(peak=20 * math.log10(peak)) if peak else self.tr("silent")
            title = PlainLabel(f"{name}  ·  {take.seconds:.2f} s  ·  {level}", inner)
            title.setToolTip(self.tr("Seed {seed}").format(seed=take.seed))
            rows.addWidget(title)
            picture = PlainLabel(self.tr("Drawing…"), inner)
            picture.setMinimumHeight(160)
            picture.setAccessibleName(self.tr("Spectrogram of {name}").format(name=name))
            rows.addWidget(picture)
            self._pictures[take.id] = picture
            self._background.start(take.id, partial(draw, take, width=760, height=160))
        rows.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(close)
        self.finished.connect(lambda _result: self._background.close())

    def _show(self, take_id: str, image: QImage) -> None:
        self._pictures[take_id].setPixmap(QPixmap.fromImage(image))

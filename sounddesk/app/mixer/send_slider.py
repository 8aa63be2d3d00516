"""How much of a strip goes to the reverb."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QWidget

from sounddesk.domain.levels import FADER_BOTTOM_DB

_TOP_DB = 6.0


class SendSlider(QSlider):
    """A horizontal slider in tenths of a dB, whose left end is nothing at all; a double click goes there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(round(FADER_BOTTOM_DB * 10), round(_TOP_DB * 10))
        self.setSingleStep(10)
        self.setPageStep(60)

    def mouseDoubleClickEvent(self, _event: object) -> None:  # noqa: N802
        self.setValue(self.minimum())


def send_text(send_db: float) -> str:
    """A send as it is read beside its slider.

    Example:
        >>> send_text(-60.0), send_text(-12.0)
        ('Rev', '-12')
    """
    return "Rev" if send_db <= FADER_BOTTOM_DB else f"{send_db:.0f}"

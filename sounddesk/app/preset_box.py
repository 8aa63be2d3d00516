"""The choice of a preset, in every form that asks for one."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QComboBox

from sounddesk.domain.preset import PRESETS
from sounddesk.domain.preset import PresetName
from sounddesk.engine.types import PRESET_STEPS

_TEXTS: Final[dict[PresetName, str]] = {
    "fast": "Fast",
    "draft": "Draft ({steps} steps)",
    "paper": "As in the paper ({steps} steps)",
}


def preset_title(name: str) -> str:
    """What a preset is called where its steps stand beside it; the name itself where it is none of ours."""
    known = {str(each): _TEXTS[each].partition(" (")[0] for each in PRESETS}
    return str(QCoreApplication.translate("preset_box", known.get(name, name)))


def preset_box(name: str) -> QComboBox:
    """A box that has the presets' names as its data; `name`: the one that is chosen, the first where it is unknown."""
    box = QComboBox()
    for each in PRESETS:
        text = QCoreApplication.translate("preset_box", _TEXTS[each])
        box.addItem(text.format(steps=PRESET_STEPS[each]), each)
    box.setCurrentIndex(max(0, box.findData(name)))
    return box

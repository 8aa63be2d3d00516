"""The visual language, named once: colours, type scale and spacing of the dark and the light theme.

Widgets take their colours and fonts from here. What is painted over photographs has black and white of its own, which
are seen on any of them.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from PySide6.QtGui import QColor
from PySide6.QtGui import QFont
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

# Type scale and spacing in logical pixels.
SMALL, BODY, TITLE = 11, 13, 16
GAP, PADDING, RADIUS = 4, 8, 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours by what they are for.

    Attributes:
        window, panel, raised: the three levels of surfaces, from the back to the front; `sunken` is for fields and
            lists, `hover` for what lies under the mouse.
        line: separators, of one pixel. frame: borders of what can be operated; 3 to 1 against every surface.
        text, muted, disabled: on every surface; the first two 4.5 to 1, what cannot be operated 3 to 1.
        accent: the one colour for what is on, focused or the next step; `on_accent` is written on it.
        selection: ground of selected rows; `on_selection` is written on it.
        canvas: around the image.
        good, warning, error: meters and notices; 3 to 1 on `sunken`.
        mute, solo, on: lit buttons; `on_lit` is written on them.
    """

    name: str
    window: str
    panel: str
    raised: str
    sunken: str
    hover: str
    line: str
    frame: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    selection: str
    on_selection: str
    canvas: str
    good: str
    warning: str
    error: str
    mute: str = "#ff7a70"
    solo: str = "#f2c744"
    on: str = "#7db8f0"
    on_lit: str = "#000000"


DARK: Final = Theme(
    name="dark", window="#141619", panel="#1b1e22", raised="#262a30", sunken="#101215", hover="#2f343b",
    line="#30353c", frame="#7a828d", text="#e7e9ec", muted="#a4abb5", disabled="#7d8590", accent="#5aa2ff",
    on_accent="#08121f", selection="#1f4270", on_selection="#ffffff", canvas="#0c0e10", good="#45c486",
    warning="#f0b14a", error="#ff6b66",
)  # fmt: skip
LIGHT: Final = Theme(
    name="light", window="#e4e7eb", panel="#f2f4f6", raised="#ffffff", sunken="#ffffff", hover="#dbe0e6",
    line="#ccd2d9", frame="#78818c", text="#14171b", muted="#505862", disabled="#767d87", accent="#1560c0",
    on_accent="#ffffff", selection="#bcd8f9", on_selection="#0d1a2a", canvas="#b9c0c8", good="#1a8150",
    warning="#a86500", error="#c62828",
)  # fmt: skip

# What a click does, on the image and in the window: seen on any picture, and told apart without red and green by the
# signs that go with them.
PICK_COLOURS: Final = {"new": QColor("#4cc2ff"), "add": QColor("#3ddc84"), "remove": QColor("#ff5a4f")}
SUGGESTION_COLOUR: Final = QColor("#ff78dc")

_current: Theme = DARK


def theme() -> Theme:
    """The theme that is shown."""
    return _current


def colour(name: str, *, alpha: int = 255) -> QColor:
    """A colour of the theme that is shown, by the name of its attribute. Raises: AttributeError."""
    made = QColor(getattr(_current, name))
    made.setAlpha(alpha)
    return made


def font(size: int, *, bold: bool = False) -> QFont:
    """The application's font in a size of the type scale, with figures of one width."""
    made = QFont(QApplication.font())
    made.setPixelSize(size)
    made.setBold(bold)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def contrast(one: str, other: str) -> float:
    """Contrast of two colours from 1 to 21 (WCAG 2.2, 1.4.3).

    Example:
        >>> round(contrast("#000000", "#ffffff"), 1)
        21.0
    """
    lights = sorted(_luminance(QColor(each)) for each in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(each: QColor) -> float:
    channels = (each.redF(), each.greenF(), each.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def show_theme(name: str) -> None:
    """Have `theme` give 'dark' or 'light' from now on."""
    global _current  # noqa: PLW0603  # one look for the whole process, as Qt's own palette
    _current = LIGHT if name == "light" else DARK


def palette(name: str) -> QPalette:
    """The colours of 'dark' or 'light' for widgets that Qt paints itself."""
    of = DARK if name == "dark" else LIGHT
    made = QPalette()
    for role, value in (
        ("Window", of.panel), ("WindowText", of.text), ("Base", of.sunken), ("AlternateBase", of.panel),
        ("Text", of.text), ("Button", of.raised), ("ButtonText", of.text), ("BrightText", of.on_accent),
        ("ToolTipBase", of.raised), ("ToolTipText", of.text), ("Highlight", of.selection),
        ("HighlightedText", of.on_selection), ("Link", of.accent), ("PlaceholderText", of.muted), ("Mid", of.line),
        ("Dark", of.window), ("Light", of.hover), ("Midlight", of.hover), ("Shadow", of.window), ("Accent", of.accent),
    ):  # fmt: skip
        made.setColor(getattr(QPalette.ColorRole, role), QColor(value))
    for role in ("WindowText", "Text", "ButtonText"):
        made.setColor(QPalette.ColorGroup.Disabled, getattr(QPalette.ColorRole, role), QColor(of.disabled))
    return made

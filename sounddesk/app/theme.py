"""Dark, light or as the system: Qt's own colour schemes (Qt 6.8), no package."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QIcon
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QWidget

_DARK = {
    "Window": "#26282b", "WindowText": "#e6e6e6", "Base": "#1d1f21", "AlternateBase": "#232528", "Text": "#e6e6e6",
    "Button": "#323539", "ButtonText": "#e6e6e6", "BrightText": "#ffffff", "ToolTipBase": "#3a3d42",
    "ToolTipText": "#f0f0f0", "Highlight": "#3a75b2", "HighlightedText": "#ffffff", "Link": "#7db8f0",
    "PlaceholderText": "#9a9da1", "Mid": "#4a4d52", "Dark": "#17181a", "Light": "#4c5056", "Midlight": "#3e4146",
    "Shadow": "#0e0f10", "Accent": "#4c93d9",
}  # fmt: skip
_LIGHT = {
    "Window": "#f0f0f0", "WindowText": "#1a1a1a", "Base": "#ffffff", "AlternateBase": "#f6f6f6", "Text": "#1a1a1a",
    "Button": "#e6e6e6", "ButtonText": "#1a1a1a", "BrightText": "#000000", "ToolTipBase": "#ffffe8",
    "ToolTipText": "#1a1a1a", "Highlight": "#2f6fb0", "HighlightedText": "#ffffff", "Link": "#1b5e9e",
    "PlaceholderText": "#6b6b6b", "Mid": "#b4b4b4", "Dark": "#9a9a9a", "Light": "#ffffff", "Midlight": "#f8f8f8",
    "Shadow": "#6e6e6e", "Accent": "#2f6fb0",
}  # fmt: skip
# Fusion draws the frames of check boxes and lists in a darker shade of the window: unseen where that is dark.
_FRAMED = ("QCheckBox", "QRadioButton", "QTreeView", "QListView")
_FRAME = QColor("#b0b3b7")
# What a click does, on the image and in the window: seen on any picture, and told apart without red and green by the
# signs that go with them.
PICK_COLOURS = {"new": QColor("#4cc2ff"), "add": QColor("#3ddc84"), "remove": QColor("#ff5a4f")}
SUGGESTION_COLOUR = QColor("#ff78dc")
_DISABLED = {"dark": "#7c7f83", "light": "#8a8a8a"}


def apply_theme(app: QApplication, theme: str) -> None:
    """Show the application in 'dark', 'light' or 'system' colours, at once and in every window."""
    hints = app.styleHints()
    scheme = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}.get(theme, Qt.ColorScheme.Unknown)
    hints.setColorScheme(scheme)
    app.setStyle("Fusion")
    if theme not in ("dark", "light"):
        theme = "dark" if hints.colorScheme() == Qt.ColorScheme.Dark else "light"
    colours = palette(theme)
    app.setPalette(colours)
    if theme == "dark":
        colours.setColor(QPalette.ColorRole.Window, _FRAME)
    for each in _FRAMED:
        # PySide takes a text here, whatever its stubs say.
        app.setPalette(colours, each)  # type: ignore[arg-type]


def standard_icon(kind: QStyle.StandardPixmap, widget: QWidget, *, side: int) -> QIcon:
    """One of the style's icons, `side` logical pixels square, in the colour of text: its own are black anywhere."""
    pixmap = widget.style().standardIcon(kind).pixmap(QSize(side, side), widget.devicePixelRatioF())
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(QRectF(0, 0, side, side), widget.palette().color(QPalette.ColorRole.ButtonText))
    painter.end()
    return QIcon(pixmap)


def palette(theme: str) -> QPalette:
    """The colours of 'dark' or 'light'; text on every ground has a contrast of at least 4.5 to 1."""
    made = QPalette()
    for role, colour in (_DARK if theme == "dark" else _LIGHT).items():
        made.setColor(getattr(QPalette.ColorRole, role), QColor(colour))
    disabled = QColor(_DISABLED["dark" if theme == "dark" else "light"])
    for role in ("WindowText", "Text", "ButtonText"):
        made.setColor(QPalette.ColorGroup.Disabled, getattr(QPalette.ColorRole, role), disabled)
    return made

"""The icon set: drawings of our own on a grid of 24 pixels, in the colours of the theme."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QIcon
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPixmap
from PySide6.QtGui import QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from sounddesk.app.look.theme import theme
from sounddesk.resources_folder import resource

# As buttons have it, and twice that for dense screens.
_SIDES: Final = (20, 40)
_APP_SIDES: Final = (32, 128)
# By the ids of commands.
COMMAND_ICONS: Final = {
    **{f"tool.{name}": name for name in ("click", "box", "brush", "eraser", "lasso", "polygon", "fill", "magic")},
    "view.fit": "fit", "view.actual_size": "actual_size", "view.heat_map": "heat_map", "view.patch_weights": "patches",
    "objects.suggest": "suggest", "objects.duplicate": "duplicate", "objects.delete": "trash",
    "objects.add_ambience": "ambience", "objects.blend": "blend", "transport.start": "to_start",
    "transport.play": "play", "transport.loop": "loop", "timeline.snap": "snap", "timeline.marker": "marker",
    "timeline.at_markers": "at_markers", "mixer.balance": "levels", "mixer.pan": "pan", "file.open": "open",
}  # fmt: skip
_drawings: dict[str, bytes] = {}


def icon(name: str) -> QIcon:
    """An icon of `resources/icons` for buttons and menus: of the colour of text, muted where it is disabled, and on
    the ground of what is selected where it is on. Raises: FileNotFoundError.
    """
    made = QIcon()
    of = theme()
    for mode, state, ink in (
        (QIcon.Mode.Normal, QIcon.State.Off, of.text),
        (QIcon.Mode.Disabled, QIcon.State.Off, of.disabled),
        (QIcon.Mode.Normal, QIcon.State.On, of.on_selection),
    ):
        for side in _SIDES:
            made.addPixmap(icon_pixmap(name, ink=ink, side=side), mode, state)
    return made


def app_icon() -> QIcon:
    """The app's own, for title bars and task switchers, in its own colours. Raises: FileNotFoundError."""
    made = QIcon()
    for side in _APP_SIDES:
        made.addPixmap(icon_pixmap("sounddesk", ink="", side=side))
    return made


def accent_icon(name: str) -> QIcon:
    """An icon for the accent button."""
    made = QIcon()
    for mode, ink in ((QIcon.Mode.Normal, theme().on_accent), (QIcon.Mode.Disabled, theme().disabled)):
        for side in _SIDES:
            made.addPixmap(icon_pixmap(name, ink=ink, side=side), mode)
    return made


def icon_pixmap(name: str, *, ink: str, side: int) -> QPixmap:
    """An icon in one colour, `side` pixels square. Raises: FileNotFoundError."""
    # Playing and stopping ask for six at a time.
    key = f"sounddesk icon {name} {ink} {side}"
    made = QPixmap()
    if not QPixmapCache.find(key, made):
        made = QPixmap(side, side)
        made.fill(Qt.GlobalColor.transparent)
        with QPainter(made) as painter:
            draw_icon(painter, name, QRectF(0, 0, side, side), QColor(ink))
        QPixmapCache.insert(key, made)
    return made


def draw_icon(painter: QPainter, name: str, where: QRectF, ink: QColor) -> None:
    """Draw an icon into a rectangle. Raises: FileNotFoundError."""
    if name not in _drawings:
        _drawings[name] = resource(f"icons/{name}.svg").read_bytes()
    drawing = _drawings[name].replace(b"currentColor", ink.name().encode())
    QSvgRenderer(QByteArray(drawing)).render(painter, where)

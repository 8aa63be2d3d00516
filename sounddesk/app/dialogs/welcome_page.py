"""The first thing to see: open an image, look at the demo, go on with recent work."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtCore import QRect
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QImageReader
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPainterPath
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPixmap
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.icons import draw_icon
from sounddesk.app.look.theme import RADIUS
from sounddesk.app.look.theme import TITLE
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.settings import Settings
from sounddesk.resources_folder import resource
from sounddesk.storage.path_text import home_folder

_WIDTH: Final = 560
_STILL_HEIGHT: Final = 200
# Half of the sign on a still.
_PLAY: Final = 24


class StillCard(QWidget):
    """A still as wide as there is room for, to be clicked on.

    Signals: pressed().
    """

    pressed = Signal()

    def __init__(self, file: Path, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setToolTip(title)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedHeight(_STILL_HEIGHT)
        reader = QImageReader(str(file))
        # Read small: the whole picture takes longer than the window may.
        reader.setScaledSize(reader.size().scaled(2 * _WIDTH, 2 * _WIDTH, Qt.AspectRatioMode.KeepAspectRatio))
        self._picture = QPixmap.fromImage(reader.read())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.pressed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 2 * RADIUS, 2 * RADIUS)
        painter.setClipPath(shape)
        # The lower part of the picture: there the things are that sound.
        height = round(self._picture.width() * self.height() / max(1, self.width()))
        source = QRect(0, max(0, self._picture.height() - height), self._picture.width(), height)
        painter.drawPixmap(self.rect(), self._picture, source)
        disc = QRectF(0, 0, 2 * _PLAY, 2 * _PLAY)
        disc.moveCenter(QPointF(self.rect().center()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("accent"))
        painter.drawEllipse(disc)
        draw_icon(painter, "play", disc.adjusted(_PLAY / 2, _PLAY / 2, -_PLAY / 2, -_PLAY / 2), colour("on_accent"))


class WelcomePage(QWidget):
    """Signals: open_requested(); open_path_requested(Path); demo_requested()."""

    open_requested = Signal()
    open_path_requested = Signal(object)
    demo_requested = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        title = PlainLabel(self.tr("sounddesk"))
        title.setFont(font(2 * TITLE, bold=True))
        about = PlainLabel(
            self.tr(
                "Click on the things in a still image and give each one a sound of its own.\n"
                "Balance them, place them in time, and export one stem per object."
            )
        )
        about.setWordWrap(True)
        open_button = QPushButton(self.tr("Open an image, movie or project…"))
        open_button.setProperty("accent", True)
        open_button.setDefault(True)
        open_button.clicked.connect(self.open_requested)
        open_button.setMinimumHeight(36)
        # A still that sounds at once, shown as what it is.
        demo_button = QPushButton(self.tr("Look at the demo"))
        demo_button.setToolTip(self.tr("Four animals with finished sounds: Space plays them"))
        demo_button.setMinimumHeight(36)
        demo_button.clicked.connect(self.demo_requested)
        self._still = StillCard(resource("demo") / "scene.png", self.tr("Open the demo"), self)
        self._still.pressed.connect(self.demo_requested)
        buttons = QHBoxLayout()
        buttons.addWidget(open_button, 1)
        buttons.addWidget(demo_button, 1)
        hint = PlainLabel(self.tr("Or drop an image or a movie here: PNG, JPEG, TIFF, WebP, MOV, MP4 and others."))
        hint.setProperty("role", "small")
        self._recent_title = PlainLabel(self.tr("Recent"))
        self._recent = QListWidget()
        self._recent.setAccessibleName(self.tr("Recent files"))
        self._recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._recent.itemActivated.connect(self._open_item)
        self._recent.itemClicked.connect(self._open_item)
        middle = QVBoxLayout()
        middle.addStretch(1)
        for widget in (title, about):
            middle.addWidget(widget)
        middle.addSpacing(16)
        middle.addLayout(buttons)
        middle.addWidget(hint)
        middle.addSpacing(16)
        middle.addWidget(self._still)
        middle.addSpacing(16)
        middle.addWidget(self._recent_title)
        middle.addWidget(self._recent)
        middle.addStretch(2)
        column = QWidget()
        column.setLayout(middle)
        column.setMaximumWidth(_WIDTH)
        whole = QHBoxLayout(self)
        whole.addStretch(1)
        whole.addWidget(column, 10)
        whole.addStretch(1)
        settings.changed.connect(lambda name: self.refresh() if name == "recent_files" else None)
        self.refresh()

    def refresh(self) -> None:
        """List the recent files that are still there."""
        self._recent.clear()
        for path in self._settings.recent_files:
            item = QListWidgetItem(f"{path.name}   ·   {_short(path.parent)}")
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setToolTip(plain_tip(str(path)))
            self._recent.addItem(item)
        has_any = self._recent.count() > 0
        self._recent_title.setVisible(has_any)
        self._recent.setVisible(has_any)
        rows = min(self._recent.count(), 8)
        self._recent.setMaximumHeight(max(1, rows) * max(18, self._recent.sizeHintForRow(0)) + 8)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  # Qt's name
        self.refresh()
        super().showEvent(event)

    def _open_item(self, item: QListWidgetItem) -> None:
        self.open_path_requested.emit(Path(item.data(Qt.ItemDataRole.UserRole)))


def _short(folder: Path) -> str:
    text, home = str(folder), str(home_folder())
    return "~" + text[len(home) :] if len(home) > 1 and text.startswith(home) else text

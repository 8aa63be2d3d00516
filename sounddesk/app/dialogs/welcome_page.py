"""The first thing to see: open an image, hear an example, go on with recent work."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import QSizeF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QImageReader
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPainterPath
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPen
from PySide6.QtGui import QPixmap
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSizePolicy
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.elided_label import ElidedLabel
from sounddesk.app.look.icons import draw_icon
from sounddesk.app.look.theme import PADDING
from sounddesk.app.look.theme import RADIUS
from sounddesk.app.look.theme import TITLE
from sounddesk.app.look.theme import colour
from sounddesk.app.look.theme import font
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.project.demo_project import DEMOS
from sounddesk.app.project.demo_project import demo_image
from sounddesk.app.project.recent_files_menu import recent_file_text
from sounddesk.app.settings import Settings

_WIDTH: Final = 760
_STILL_HEIGHT: Final = 150
_GAP: Final = 3 * PADDING
# Half of the sign on a still, and room for a line below it.
_PLAY: Final = 20
_LINE: Final = 24


class StillCard(QAbstractButton):
    """A still as wide as there is room for, with what it shows below; a press opens and plays it."""

    def __init__(self, file: Path, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(title)
        self.setToolTip(self.tr("{title}, with finished sounds").format(title=title))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_STILL_HEIGHT + _LINE)
        reader = QImageReader(str(file))
        # Read small: the whole picture takes longer than the window may.
        reader.setScaledSize(reader.size().scaled(_WIDTH, _WIDTH, Qt.AspectRatioMode.KeepAspectRatio))
        self._picture = QPixmap.fromImage(reader.read())

    def sizeHint(self) -> QSize:  # noqa: N802  # Qt's name
        return QSize((_WIDTH - 2 * PADDING) // 3, _STILL_HEIGHT + _LINE)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """The page must not be what the window cannot be smaller than."""
        return QSize(_STILL_HEIGHT // 2, _STILL_HEIGHT + _LINE)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.HoverEnter, QEvent.Type.HoverLeave):
            self.update()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter presses too, as on a button of a dialog."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            still = QRectF(0, 0, self.width(), _STILL_HEIGHT)
            shape = QPainterPath()
            shape.addRoundedRect(still.adjusted(1, 1, -1, -1), 2 * RADIUS, 2 * RADIUS)
            painter.save()
            painter.setClipPath(shape)
            # As much of the picture as the card has the shape of; of its height the lower part, where things stand.
            whole = QSizeF(self._picture.size())
            part = still.size().scaled(whole, Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (whole.width() - part.width()) / 2, (whole.height() - part.height()) * 0.8
            painter.drawPixmap(still, self._picture, QRectF(QPointF(left, top), part))
            painter.restore()
            active = self.hasFocus() or self.underMouse()
            painter.setPen(QPen(colour("accent" if active else "line"), 2 if active else 1))
            painter.drawPath(shape)
            disc = QRectF(0, 0, 2 * _PLAY, 2 * _PLAY)
            disc.moveCenter(still.center())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent"))
            painter.drawEllipse(disc)
            draw_icon(painter, "play", disc.adjusted(_PLAY / 2, _PLAY / 2, -_PLAY / 2, -_PLAY / 2), colour("on_accent"))
            painter.setPen(colour("text"))
            below = QRectF(0, _STILL_HEIGHT, self.width(), _LINE)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.text())


class WelcomePage(QWidget):
    """Signals: open_requested(); open_path_requested(Path); demo_requested(name): one of `DEMOS`, to be played."""

    open_requested = Signal()
    open_path_requested = Signal(object)
    demo_requested = Signal(str)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        title = PlainLabel(self.tr("sounddesk"))
        title.setFont(font(2 * TITLE, bold=True))
        about = PlainLabel(
            self.tr(
                "Click on the things in a still image and give each one a sound of its own. "
                "Balance them, place them in time, and export one stem per object."
            )
        )
        about.setWordWrap(True)
        open_button = QPushButton(self.tr("Open an image, movie or project…"))
        open_button.setProperty("accent", True)
        open_button.setDefault(True)
        open_button.clicked.connect(self.open_requested)
        open_button.setMinimumSize(280, 36)
        hint = ElidedLabel(self.tr("or drop one anywhere in this window"))
        hint.setProperty("role", "muted")
        opening = QHBoxLayout()
        opening.addWidget(open_button)
        opening.addSpacing(PADDING)
        opening.addWidget(hint, 1)
        stills_title = PlainLabel(self.tr("Hear an example"))
        stills_title.setProperty("role", "title")
        # Stills that sound at once, shown as what they are.
        self.stills: dict[str, StillCard] = {}
        stills = QHBoxLayout()
        stills.setSpacing(PADDING)
        for name, text in DEMOS.items():
            card = StillCard(demo_image(name), self.tr(text), self)
            card.clicked.connect(lambda _on=False, name=name: self.demo_requested.emit(name))
            self.stills[name] = card
            stills.addWidget(card, 1)
        self._recent_title = PlainLabel(self.tr("Recent"))
        self._recent_title.setProperty("role", "title")
        self._recent = QListWidget()
        self._recent.setAccessibleName(self.tr("Recent files"))
        self._recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._recent.itemActivated.connect(self._open_item)
        self._recent.itemClicked.connect(self._open_item)
        middle = QVBoxLayout()
        middle.addStretch(1)
        middle.addWidget(title)
        middle.addWidget(about)
        middle.addSpacing(_GAP)
        middle.addLayout(opening)
        middle.addSpacing(_GAP)
        middle.addWidget(stills_title)
        middle.addLayout(stills)
        middle.addSpacing(_GAP)
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
            item = QListWidgetItem(recent_file_text(path))
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

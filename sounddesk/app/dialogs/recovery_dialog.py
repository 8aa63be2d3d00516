"""What a crash left behind, to be taken back, put off or thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QBuffer
from PySide6.QtCore import QByteArray
from PySide6.QtCore import QDateTime
from PySide6.QtCore import QIODevice
from PySide6.QtCore import QLocale
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtGui import QImage
from PySide6.QtGui import QImageReader
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import PlainMessageBox
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.project.recovery import Recoverable

_PICTURE: Final = QSize(128, 80)
_MAX_PICTURE_BYTES: Final = 60_000_000
_FORMATS: Final = {b"png", b"jpeg", b"webp", b"gif", b"bmp", b"tiff"}


class RecoveryDialog(QDialog):
    """Signals: recover_requested(Recoverable); discard_requested(Recoverable). 'Later' closes and changes nothing."""

    recover_requested = Signal(object)
    discard_requested = Signal(object)

    def __init__(self, items: Sequence[Recoverable], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Recover work"))
        self.resize(560, 360)
        about = PlainLabel(
            self.tr("sounddesk ended before these projects were saved. Everything up to the last step is here.")
        )
        about.setWordWrap(True)
        self._list = QListWidget()
        self._list.setIconSize(_PICTURE)
        self._list.setAccessibleName(self.tr("Projects to recover"))
        for item in items:
            self._list.addItem(self._row(item))
        self._list.setCurrentRow(0)
        recover = QPushButton(self.tr("Recover"))
        recover.setDefault(True)
        discard = QPushButton(self.tr("Discard…"))
        later = QPushButton(self.tr("Later"))
        recover.clicked.connect(self._recover)
        discard.clicked.connect(self._discard)
        later.clicked.connect(self.reject)
        self._list.itemActivated.connect(self._recover)
        buttons = QHBoxLayout()
        buttons.addWidget(discard)
        buttons.addStretch(1)
        buttons.addWidget(later)
        buttons.addWidget(recover)
        layout = QVBoxLayout(self)
        layout.addWidget(about)
        layout.addWidget(self._list, 1)
        layout.addLayout(buttons)

    def _row(self, item: Recoverable) -> QListWidgetItem:
        when = QDateTime.fromSecsSinceEpoch(int(item.updated.timestamp()))
        objects = self.tr("1 object") if item.objects == 1 else self.tr("{n} objects").format(n=item.objects)
        takes = self.tr("1 take") if item.takes == 1 else self.tr("{n} takes").format(n=item.takes)
        text = self.tr("{name}\n{when}\n{objects}, {takes}, {saved}").format(
            name=item.name,
            when=QLocale().toString(when, QLocale.FormatType.ShortFormat),
            objects=objects,
            takes=takes,
            saved=self.tr("never saved") if item.origin is None else self.tr("newer than its file"),
        )
        row = QListWidgetItem(_picture(item.picture), text)
        row.setData(Qt.ItemDataRole.UserRole, item)
        if item.origin is not None:
            row.setToolTip(plain_tip(str(item.origin)))
        return row

    def _recover(self) -> None:
        row = self._list.currentItem()
        if row is not None:
            self.accept()
            self.recover_requested.emit(row.data(Qt.ItemDataRole.UserRole))

    def _discard(self) -> None:
        row = self._list.currentItem()
        if row is None:
            return
        item = row.data(Qt.ItemDataRole.UserRole)
        question = self.tr("Discard the unsaved work on {name} for good?").format(name=item.name)
        buttons = PlainMessageBox.StandardButton
        box = PlainMessageBox(self)
        box.setIcon(PlainMessageBox.Icon.Question)
        box.setWindowTitle(self.windowTitle())
        box.setText(question)
        box.setStandardButtons(buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Cancel)
        if box.exec() != buttons.Discard:
            return
        self.discard_requested.emit(item)
        self._list.takeItem(self._list.row(row))
        if self._list.count() == 0:
            self.reject()


def _picture(file: bytes) -> QIcon:
    grey = QPixmap(_PICTURE)
    grey.fill(Qt.GlobalColor.gray)
    if not file or len(file) > _MAX_PICTURE_BYTES:
        return QIcon(grey)
    buffer = QBuffer()
    buffer.setData(QByteArray(file))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    image = _read(QImageReader(buffer))
    # Only now: the reader of TIFF closes its file through the buffer when it goes.
    buffer.close()
    return QIcon(grey if image.isNull() else QPixmap.fromImage(image))


def _read(reader: QImageReader) -> QImage:
    """The picture, small; none where it is damaged or of another kind than stills are."""
    reader.setAutoTransform(True)
    # Qt would try every reader that is installed, vector graphics and documents among them.
    if bytes(reader.format().data()) not in _FORMATS:
        return QImage()
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(_PICTURE, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()

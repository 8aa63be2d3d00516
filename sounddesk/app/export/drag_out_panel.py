"""A list of what can be dragged into a DAW or a file manager: the mix, each stem, and the selected clips."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtCore import QUrl
from PySide6.QtGui import QColor
from PySide6.QtGui import QDrag
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QListWidgetItem
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QWidget

from sounddesk.app.export.drag_files import DragFile
from sounddesk.app.export.drag_files import DragItem
from sounddesk.app.export.drag_files import drag_file
from sounddesk.app.export.export_commands import ExportCommands
from sounddesk.app.export.export_history import ExportHistory
from sounddesk.app.export.export_runner import ExportJob
from sounddesk.app.look.empty_text import draw_empty_text
from sounddesk.app.notifications import notifier
from sounddesk.app.runtime.revealing import reveal
from sounddesk.app.services import Services

_ITEM = Qt.ItemDataRole.UserRole


class DragOutPanel(QListWidget):
    """Pressing the mouse on an entry starts rendering it, so that it is there when the drag begins; where it is not,
    the drag begins the moment it is, as long as the button is held.
    """

    def __init__(self, services: Services, exports: ExportCommands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._exports = exports
        self._rendering: dict[Path, list[str]] = {}
        self.setDragEnabled(True)
        self.setAccessibleName(self.tr("Sounds to drag out"))
        self.setToolTip(self.tr("Drag into your DAW or a folder. Right click: show in folder, copy the path."))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        exports.runner.finished.connect(self._rendered)
        exports.runner.failed.connect(lambda job, _error: self._rendering.pop(job.folder, None))
        exports.runner.cancelled.connect(lambda job: self._rendering.pop(job.folder, None))
        services.document.changed.connect(lambda _old, _new: self._fill())
        services.document.replaced.connect(self._fill)
        services.selection.clips_changed.connect(self._fill)
        self._fill()

    def entries(self) -> list[DragItem]:
        """What the list offers, in order."""
        return [self.item(row).data(_ITEM) for row in range(self.count())]

    def file_of(self, entry: DragItem) -> DragFile:
        """Where an entry's file is or will be. Raises: ValueError, when the entry is gone."""
        document = self._services.document
        return drag_file(
            entry,
            document.project,
            document.takes,
            ExportHistory(self._services.settings).last,
            name=self._exports.project_name(),
        )

    def mime_of(self, paths: list[Path]) -> QMimeData:
        """What a drag carries: file URLs, and the paths as text for programs that know no URLs."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        data.setText("\n".join(str(path) for path in paths))
        return data

    def prepare(self, entry: DragItem, *, then: str = "") -> Path | None:
        """The entry's file where it is rendered already; otherwise None, and it is being rendered.

        Args:
            then: 'drag', 'reveal' or 'copy', to be done when it is there.
        """
        try:
            file = self.file_of(entry)
        except ValueError as error:
            notifier.refused(error)
            return None
        if file.path.exists():
            return file.path
        if file.path.parent in self._rendering:
            self._rendering[file.path.parent].append(then)
            return None
        document = self._services.document
        self._rendering[file.path.parent] = [then]
        self._exports.runner.start(
            ExportJob(
                project=document.project, takes=document.takes, plan=file.plan, folder=file.path.parent, purpose="drag"
            )
        )
        return None

    # ------------------------------------------------------------------ Qt

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """What the panel is for stands where it is empty."""
        super().paintEvent(event)
        last = self.visualItemRect(self.item(self.count() - 1)).bottom() if self.count() else 0
        text = (
            self.tr("Drag into your DAW or a folder.")
            if self.count()
            else self.tr("What is on the timeline can be dragged from here into your DAW or a folder.")
        )
        with QPainter(self.viewport()) as painter:
            draw_empty_text(painter, self.viewport().rect().adjusted(0, last, 0, 0), text)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mousePressEvent(event)
        entry = self._entry_at(event.position().toPoint())
        if entry is not None and event.button() == Qt.MouseButton.LeftButton:
            self.prepare(entry)

    def startDrag(self, _actions: Qt.DropAction) -> None:  # noqa: N802
        """Called by Qt when the mouse has moved far enough."""
        current = self.currentItem()
        if current is None:
            return
        path = self.prepare(current.data(_ITEM), then="drag")
        if path is None:
            notifier.info(self.tr("Rendering; keep the button held, the drag begins when it is done."))
        else:
            self._drag(path)

    def _drag(self, path: Path) -> None:
        drag = QDrag(self)
        drag.setMimeData(self.mime_of([path]))
        # Copy alone: nobody shall move the file away under a DAW that reads it.
        drag.exec(Qt.DropAction.CopyAction)

    def _rendered(self, job: ExportJob, _report: object) -> None:
        wishes = self._rendering.pop(job.folder, None)
        if wishes is None:
            return
        path = job.folder / job.plan.files[0].name
        held = bool(QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton)
        if "drag" in wishes:
            if held:
                self._drag(path)
            else:
                notifier.info(self.tr("{name} is rendered: drag it now.").format(name=path.name))
        for wish in wishes:
            if wish in ("reveal", "copy"):
                self._carry_out(wish, path)

    def _carry_out(self, wish: str, path: Path) -> None:
        if wish == "reveal":
            reveal(path)
        else:
            QGuiApplication.clipboard().setText(str(path))
            notifier.info(self.tr("Copied {path}").format(path=path))

    def _show_menu(self, where: QPoint) -> None:
        entry = self._entry_at(where)
        if entry is None:
            return
        menu = QMenu(self)
        for wish, text in (("reveal", self.tr("Show in folder")), ("copy", self.tr("Copy path"))):
            menu.addAction(text).triggered.connect(lambda _checked=False, wish=wish: self.wish(entry, wish))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(where))

    def wish(self, entry: DragItem, wish: str) -> None:
        """Reveal an entry's file or copy its path, rendered first where it is not there."""
        path = self.prepare(entry, then=wish)
        if path is not None:
            self._carry_out(wish, path)

    def _entry_at(self, where: QPoint) -> DragItem | None:
        item = self.itemAt(where)
        return None if item is None else item.data(_ITEM)

    def _fill(self) -> None:
        project = self._services.document.project
        with_clips = {clip.object_id for clip in project.clips}
        rows: list[tuple[DragItem, str, str]] = []
        if with_clips:
            rows.append((DragItem(kind="mix"), self.tr("Mix"), ""))
        for lane in project.objects:
            if lane.id in with_clips:
                rows.append((DragItem(kind="stem", id=lane.id), lane.name, lane.colour))
        selected = set(self._services.selection.clip_ids)
        for lane in project.objects:
            for number, clip in enumerate(project.clips_of(lane.id), start=1):
                if clip.id in selected:
                    text = self.tr("{name}, clip {number}").format(name=lane.name, number=number)
                    rows.append((DragItem(kind="clip", id=clip.id), text, lane.colour))
        if [(row[0], row[1], row[2]) for row in rows] == self._shown():
            return
        self.clear()
        for entry, text, colour in rows:
            item = QListWidgetItem(text)
            item.setData(_ITEM, entry)
            if colour:
                swatch = QPixmap(12, 12)
                swatch.fill(QColor(colour))
                item.setIcon(swatch)
            item.setData(_ITEM + 1, colour)
            self.addItem(item)

    def _shown(self) -> list[tuple[DragItem, str, str]]:
        items = [self.item(row) for row in range(self.count())]
        return [(item.data(_ITEM), item.text(), item.data(_ITEM + 1)) for item in items]

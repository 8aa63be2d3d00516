"""The main window: puts the panels together and connects them. What anything does is in the panels and services."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray
from PySide6.QtCore import QEvent
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtGui import QDropEvent
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDockWidget
from PySide6.QtWidgets import QMainWindow
from PySide6.QtWidgets import QStackedWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.app_commands import AppCommands
from sounddesk.app.batch.batch_commands import BatchCommands
from sounddesk.app.canvas.canvas_panel import CanvasPanel
from sounddesk.app.canvas.heat_map_commands import HeatMapCommands
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import StandardKey
from sounddesk.app.commands.menu_bar import MenuBar
from sounddesk.app.commands.menus import fill_menu_bar
from sounddesk.app.dialogs.welcome_page import WelcomePage
from sounddesk.app.export.drag_out_panel import DragOutPanel
from sounddesk.app.file_commands import FileCommands
from sounddesk.app.interaction.task_recording import TaskRecording
from sounddesk.app.library.recordings import Recordings
from sounddesk.app.look.elided_label import ElidedLabel
from sounddesk.app.look.theme import PADDING
from sounddesk.app.mixer.level_matching import LevelMatching
from sounddesk.app.mixer.mixer_panel import MixerPanel
from sounddesk.app.notice_view import NoticeView
from sounddesk.app.notifications import as_sentence
from sounddesk.app.objects.mask_files import MaskFiles
from sounddesk.app.objects.objects_panel import ObjectsPanel
from sounddesk.app.objects.said_field import SaidField
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.project.recent_files_menu import RecentFilesMenu
from sounddesk.app.queue_panel import QueuePanel
from sounddesk.app.services import Services
from sounddesk.app.takes.reworking import Reworking
from sounddesk.app.takes.takes_panel import TakesPanel
from sounddesk.app.timeline.timeline_panel import TimelinePanel
from sounddesk.app.timeline.timeline_scroll import TimelineScroll
from sounddesk.app.timeline.transport_bar import TransportBar
from sounddesk.app.views.layouts import Layouts
from sounddesk.app.views.layouts import layout_buttons
from sounddesk.app.views.remembered_views import RememberedViews
from sounddesk.app.views.window_place import LIKED_SIZE
from sounddesk.app.views.window_place import fit_onto
from sounddesk.app.workers.takes_in_making import TakesInMaking

# Of what the status bar says of segmenter and sound, in logical pixels.
_STATE_WIDTH: Final = 260


class MainWindow(QMainWindow):
    """Canvas in the middle, objects left, takes right, timeline and mixer below."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        document, selection, actions = services.document, services.selection, services.actions
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        actions.add(COMMANDS, owner=self)
        self.files = FileCommands(services, self)
        self.canvas = CanvasPanel(document, selection, actions, services.segment, services.suggestions, self)
        self.objects = ObjectsPanel(document, selection, actions, self)
        self.objects.put_on_top(SaidField(document, selection, actions, services.said, self.objects))
        self.takes = TakesPanel(document, selection, actions, self)
        first = self.objects.menu.actions()[0]
        self.objects.menu.insertAction(first, actions["takes.generate"])
        self.objects.menu.insertSeparator(first)
        self.timeline = TimelinePanel(document, selection, actions, services.player, self)
        self.mixer = MixerPanel(document, selection, actions, services.player, self)
        self.level_matching = LevelMatching(services, self)
        self.reworking = Reworking(services, self)
        self.heat_maps = HeatMapCommands(services, self.canvas.canvas, self)
        for command_id in ("view.heat_map", "view.patch_weights", "objects.suggest"):
            self.canvas.add_view_command(command_id)
        self.mask_files = MaskFiles(document, selection, actions, self)
        self.app_commands = AppCommands(services, self.files, self)
        self.task_recording = TaskRecording(services, self)
        self.batches = BatchCommands(services, self.files, self)
        self.welcome = WelcomePage(services.settings, self)
        # While the opening page hides the docks.
        self._state_with_docks: QByteArray | None = None
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.canvas)
        self.setCentralWidget(self._pages)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        below = Qt.DockWidgetArea.BottomDockWidgetArea
        self._docks = [
            self._dock("objects", self.tr("Objects"), self.objects, left),
            self._dock("takes", self.tr("Takes"), self.takes, right),
            self._dock("timeline", self.tr("Timeline"), self._timeline_page(), below),
            self._dock("mixer", self.tr("Mixer"), self.mixer, below),
        ]
        self.drag_out = DragOutPanel(services, self.app_commands.exports, self)
        self.recordings = Recordings(services, self)
        # Behind the takes: the one is looked into before, the other is needed when the work is done.
        behind = [
            self._dock("library", self.tr("Library"), self.recordings.panel, right),
            self._dock("shelf", self.tr("Drag out"), self.drag_out, right),
        ]
        for each in behind:
            self.tabifyDockWidget(self._docks[1], each)
        self.layouts = Layouts(
            self, {each.objectName().removeprefix("dock_"): each for each in (*self._docks, *behind)}, document, actions
        )
        self._make_status_bar()
        self._notices = NoticeView(self)
        self._making = TakesInMaking(services.generate, self)
        self._making.changed.connect(self._show_making)
        self._connect()
        recent = RecentFilesMenu(services.settings, self)
        recent.open_requested.connect(self.files.open)
        self._menu_bar = MenuBar(self)
        self.setMenuBar(self._menu_bar)
        fill_menu_bar(self._menu_bar, actions, menus_after={"file.open": recent})
        self._menu_bar.setCornerWidget(layout_buttons(actions, self))
        self._restore_geometry()
        self.layouts.resize_docks()
        if services.settings.window_state:
            self.restoreState(services.settings.window_state)
        self._views = RememberedViews(services, self.timeline, self.canvas.opacity, self)
        self._show_docks(self._page() is self.canvas)
        self._refresh()

    # ------------------------------------------------------------------ building

    def _dock(self, name: str, title: str, panel: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock_{name}")
        dock.setWidget(panel)
        self.addDockWidget(area, dock)
        toggle = self.services.actions[f"view.{name}"]
        dock.toggleViewAction().toggled.connect(toggle.setChecked)
        return dock

    def show_dock(self, name: str, on: bool) -> None:
        """Show or hide the panel with the object name `dock_NAME`."""
        dock = self.findChild(QDockWidget, f"dock_{name}")
        if dock is not None:
            dock.setVisible(on)

    def _timeline_page(self) -> QWidget:
        services = self.services
        page = QWidget(self)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(TransportBar(services.document, services.player, services.actions, self.timeline, page))
        layout.addWidget(TimelineScroll(services.document, services.player, self.timeline, page), 1)
        return page

    def _make_status_bar(self) -> None:
        self._segmenter = ElidedLabel(parent=self)
        self._audio = ElidedLabel(parent=self)
        self.queue = QueuePanel(self.services.generate, self.services.actions, self)
        self.statusBar().setContentsMargins(PADDING, 0, 0, 0)
        self.statusBar().addWidget(self.canvas.hint, 1)
        # That nothing is heard is not said in small print.
        self._segmenter.setProperty("role", "small")
        for label in (self._segmenter, self._audio):
            label.setMaximumWidth(_STATE_WIDTH)
        for widget in (self.queue, self._segmenter, self._audio):
            self.statusBar().addPermanentWidget(widget)

    def _connect(self) -> None:
        services = self.services
        self.objects.blend_requested.connect(services.generation.add_blend)
        services.player.problem.connect(self._show_audio)
        services.segment.notice.connect(self._show_segmenter)
        self.takes.generate_requested.connect(lambda ids, count: services.generation.generate(ids, variations=count))
        self.takes.audition_requested.connect(
            lambda take_id: services.player.audition(services.document.takes[take_id])
        )
        self.takes.listening_changed.connect(services.player.listen_instead)
        self.takes.rework_requested.connect(self.reworking.ask)
        self.takes.use_new_changed.connect(lambda on: setattr(services.settings, "use_new_takes", on))
        services.actions["takes.use_new"].setChecked(services.settings.use_new_takes)
        self.takes.stop_requested.connect(services.player.stop)
        services.player.playing_changed.connect(
            lambda on: self.takes.set_playing(on, alone=services.player.auditioned_take)
        )
        self.mixer.levels_requested.connect(self.level_matching.match)
        self.welcome.open_requested.connect(self.files.ask_open)
        self.welcome.open_path_requested.connect(self.files.open)
        self.welcome.demo_requested.connect(lambda name: self.app_commands.open_demo(name, play=True))
        services.document.replaced.connect(self._refresh)
        services.document.dirty_changed.connect(lambda _dirty: self._refresh())
        services.store.path_changed.connect(lambda _path: self._refresh())
        services.document.undo_stack.indexChanged.connect(self._on_index)

    def _show_segmenter(self, text: str) -> None:
        shown = text.partition(";")[0].partition(" (")[0]
        self._segmenter.setText(as_sentence(shown))
        self._segmenter.setToolTip(plain_tip(text))

    def _show_making(self) -> None:
        shares = self._making.shares
        for panel in (self.objects, self.takes, self.timeline):
            panel.show_making(shares)

    def _show_audio(self, problem: str) -> None:
        # The reasons of the sound system are for who looks closer.
        self._audio.setText(as_sentence(": ".join(problem.split(": ")[:2])))
        self._audio.setToolTip(plain_tip(problem))

    def _on_index(self, _index: int) -> None:
        self._refresh()

    def _refresh(self) -> None:
        """Title, undo texts and page, from the document."""
        document, store = self.services.document, self.services.store
        image = document.project.image
        name = store.path.name if store.path is not None else (image.name if image else self.tr("sounddesk"))
        read_only = self.tr(" (read-only)") if store.is_read_only else ""
        self.setWindowTitle(f"{name}{read_only}[*] - sounddesk" if image else "sounddesk[*]")
        self.setWindowModified(document.is_dirty and image is not None)
        stack = document.undo_stack
        self.services.actions.show_detail("edit.undo", stack.undoText())
        self.services.actions.show_detail("edit.redo", stack.redoText())
        self.services.actions.refresh()
        # In a turn of its own: laying out and painting the canvas comes on top of what made the project.
        if self._pages.currentWidget() is not self._page():
            QTimer.singleShot(0, self, self._show_page)

    def _page(self) -> QWidget:
        return self.welcome if self.services.document.project.image is None else self.canvas

    def _show_page(self) -> None:
        self._pages.setCurrentWidget(self._page())
        self._show_docks(self._page() is self.canvas)

    def _show_docks(self, on: bool) -> None:
        """Panels appear when there is a picture that they can be about; those that the user closed stay closed."""
        for each in (self.canvas.hint, self._segmenter):
            each.setVisible(on)
        if on and self._state_with_docks is not None:
            self.restoreState(self._state_with_docks)
            self._state_with_docks = None
            if not self.services.settings.window_state:
                self.layouts.resize_docks()
        elif not on and self._state_with_docks is None:
            self._state_with_docks = self.saveState()
            for dock in self.findChildren(QDockWidget):
                dock.hide()

    # ------------------------------------------------------------------ window events

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.services.actions.show_icons()
        elif event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            # Alt and Tab took the keys away: its release is not told here.
            self._menu_bar.show_mnemonics(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        super().keyPressEvent(event)
        if event.key() == Qt.Key.Key_Alt:
            self._menu_bar.show_mnemonics(True)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        super().keyReleaseEvent(event)
        if event.key() == Qt.Key.Key_Alt:
            self._menu_bar.show_mnemonics(False)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        if self.files.open_mime(event.mimeData()):
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        if not self.files.may_leave(then=self.close) or not self.batches.may_close():
            event.ignore()
            return
        self.services.settings.window_geometry = self.saveGeometry()
        # Not as the opening page has it.
        if self._state_with_docks is None:
            self.services.settings.window_state = self.saveState()
        # The window goes at once: what runs may be loading a library, which takes seconds and cannot be broken off.
        self.services.stop()
        self.recordings.stop()
        event.accept()

    def shut_down(self) -> None:
        """End every thread and wait for it; called once, after the window was closed."""
        self.services.stop()
        self.services.store.close()
        self._notices.close()
        self.services.document.undo_stack.indexChanged.disconnect(self._on_index)
        self.canvas.canvas.close_background()
        self.takes.close_background()
        self.objects.close_background()
        self.timeline.close_background()
        self.level_matching.close()
        self.mask_files.close()
        self.task_recording.close()
        self.app_commands.close()
        self.batches.close()
        self.recordings.close()
        self.services.settings.shortcuts = self.services.actions.rebound
        self.services.close()

    def _restore_geometry(self) -> None:
        self.resize(LIKED_SIZE)
        if self.services.settings.window_geometry:
            self.restoreGeometry(self.services.settings.window_geometry)
        fit_onto(self, self.screen().availableGeometry(), least=self.minimumSizeHint())


def _panel_command(name: str, title: str) -> Command[MainWindow]:
    return Command(
        f"view.{name}",
        title,
        switch=lambda it, on: it.show_dock(name, on),
        checked=True,
        menu="View",
        section="panels",
    )


COMMANDS: Final[tuple[Command[MainWindow], ...]] = (
    Command("edit.undo", "&Undo", lambda it: it.services.document.undo(), menu="Edit", section="history",
            keys=StandardKey.Undo, enabled=lambda it: it.services.document.undo_stack.canUndo()),
    Command("edit.redo", "&Redo", lambda it: it.services.document.redo(), menu="Edit", section="history",
            keys=StandardKey.Redo, enabled=lambda it: it.services.document.undo_stack.canRedo()),
    Command("file.quit", "&Quit", MainWindow.close, menu="File", section="quit", keys=StandardKey.Quit),
    _panel_command("objects", "Show o&bjects"),
    _panel_command("takes", "Show &takes"),
    _panel_command("timeline", "Show time&line"),
    _panel_command("mixer", "Show &mixer"),
    _panel_command("library", "Show l&ibrary"),
    _panel_command("shelf", "Show &drag out"),
)  # fmt: skip

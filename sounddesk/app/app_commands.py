"""Commands around the work: preferences, help, demo project, recovery."""

from __future__ import annotations

import dataclasses
import functools
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import StandardKey
from sounddesk.app.export.export_commands import ExportCommands
from sounddesk.app.file_commands import FileCommands
from sounddesk.app.notifications import NoticeButton
from sounddesk.app.notifications import notifier
from sounddesk.app.project.project_reading import Images
from sounddesk.app.project.recovery import Recoverable
from sounddesk.app.services import Services
from sounddesk.app.workers.background import Background
from sounddesk.storage.project_reader import ProjectContents

_MOST_SHOWN: Final = 3


class AppCommands(QObject):
    """Dialogs are imported when they are first opened, so that the window is there sooner."""

    def __init__(self, services: Services, files: FileCommands, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._files = files
        self._window = window
        self.exports = ExportCommands(services, window)
        # For the preferences: which outputs there are, how much lies on the disk.
        self._answers = Background(self, name="looking at devices and disks")
        self._plays_demo = False
        self._demo = Background(self, name="opening the demo")
        self._demo.done.connect(self._show_demo)
        self._demo.failed.connect(lambda _key, error: notifier.failed(error))
        services.actions.add(COMMANDS, owner=self)

    def close(self) -> None:
        """Cancel an export in hand and wait for what reads the demo image."""
        self.exports.close()
        self._demo.close()
        self._answers.close()

    def open_demo(self, name: str = "farm", *, with_takes: bool = True, play: bool = False) -> None:
        """A fresh project from a demo's image, which is read off the UI thread; `with_takes`: that can be played."""
        from sounddesk.app.project.demo_project import demo_project

        self._plays_demo = play
        self._demo.start("demo", functools.partial(demo_project, name, with_takes=with_takes))

    def _show_demo(self, _key: str, demo: tuple[ProjectContents, Images]) -> None:
        play, player = self._plays_demo, self._services.player
        contents, images = demo
        self._services.store.new(contents, images=images, then=lambda shown: player.play() if shown and play else None)

    def offer_recovery(self, *, quietly: bool = False) -> None:
        """Offer what a crash left behind; `quietly` in a line with a button, while another project is being opened."""
        items = self._services.store.recoverable()
        if items and quietly:
            text = self.tr("There is unsaved work of an earlier session.")
            notifier.info(text, button=NoticeButton(text=self.tr("Recover…"), press=self.recover))
        elif items:
            self._show_recovery(items)

    def recover(self) -> None:
        """Show what can be recovered, or say that there is nothing."""
        items = self._services.store.recoverable()
        if items:
            self._show_recovery(items)
        else:
            notifier.info(self.tr("There is no unsaved work to recover."))

    def _show_recovery(self, items: list[Recoverable]) -> None:
        from sounddesk.app.dialogs.recovery_dialog import RecoveryDialog

        dialog = RecoveryDialog(items, self._window)
        dialog.recover_requested.connect(self._files.recover)
        dialog.discard_requested.connect(self._services.store.discard)
        _show_once(dialog)

    def offer_crash_report(self) -> None:
        """Show what an earlier process left when it crashed."""
        from sounddesk.app.dialogs.log_window import LogWindow
        from sounddesk.app.runtime.crash_reports import take_crash

        crash = take_crash()
        if crash is not None:
            _show_once(LogWindow(self._services.settings, self._window, crash=crash))

    def tell_odd_settings(self) -> None:
        """Name what is kept in the settings and cannot be used; there is a button that has it forgotten."""
        settings = self._services.settings
        odd = settings.odd_values()
        if not odd:
            return
        shown = "; ".join(odd[:_MOST_SHOWN]) + (self.tr("; and more") if len(odd) > _MOST_SHOWN else "")
        text = self.tr("Of the settings the defaults count where they cannot be used: {problems}.")
        forget = NoticeButton(text=self.tr("Forget these"), press=settings.forget_odd_values)
        notifier.warning(text.format(problems=shown), button=forget)

    def project_settings(self) -> None:
        """Length, frame rate, timecode, and how takes are made; one undo step."""
        from sounddesk.app.dialogs.preferences import bundle_names
        from sounddesk.app.dialogs.project_settings import ProjectSettingsDialog

        document = self._services.document
        dialog = ProjectSettingsDialog(document.project.settings, tuple(bundle_names()), self._window)
        dialog.accepted_settings.connect(
            lambda settings: document.commit(
                self.tr("Project settings"), dataclasses.replace(document.project, settings=settings)
            )
        )
        _show_once(dialog)

    def preferences(self) -> None:
        from sounddesk.app.dialogs.preferences import Preferences

        outputs = self._services.player.output_names
        dialog = Preferences(self._services.settings, self._window, find_outputs=outputs)
        self._answers.done.connect(dialog.answer)
        for key, work in dialog.questions.items():
            self._answers.start(key, work)
        _show_once(dialog)

    def models(self) -> None:
        """What can be installed, and what is."""
        from sounddesk.app.dialogs.models_dialog import ModelsDialog

        dialog = ModelsDialog(self._window)
        dialog.installed.connect(self._services.follow_models)
        _show_once(dialog)

    def manual(self) -> None:
        from sounddesk.app.manual_window import ManualWindow

        manual = ManualWindow(self._services.actions, self._window)
        manual.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        manual.show()

    def shortcuts(self) -> None:
        from sounddesk.app.dialogs.shortcut_editor import ShortcutEditor

        _show_once(ShortcutEditor(self._services.actions, self._window))

    def palette(self) -> None:
        from sounddesk.app.dialogs.command_palette import CommandPalette

        _show_once(CommandPalette(self._services.actions, self._window))

    def log(self) -> None:
        from sounddesk.app.dialogs.log_window import LogWindow

        _show_once(LogWindow(self._services.settings, self._window))

    def about(self) -> None:
        from sounddesk.app.dialogs.about import AboutBox

        _show_once(AboutBox(self._window))


COMMANDS: Final[tuple[Command[AppCommands], ...]] = (
    Command("file.recover", "Recover unsaved &work…", AppCommands.recover, menu="File", section="open", order=1),
    Command("file.project_settings", "Pro&ject settings…", AppCommands.project_settings, menu="Edit",
            section="settings", keys="Ctrl+Shift+,"),
    Command("app.models", "Published mode&ls…", AppCommands.models, menu="File", section="settings"),
    Command("app.preferences", "Pr&eferences…", AppCommands.preferences, menu="Edit", section="settings",
            keys="Ctrl+,"),
    Command("help.manual", "&Manual", AppCommands.manual, menu="Help", section="manual",
            keys=StandardKey.HelpContents),
    Command("help.shortcuts", "&Keyboard shortcuts…", AppCommands.shortcuts, menu="Help", section="commands"),
    Command("help.palette", "&Command palette…", AppCommands.palette, menu="Help", section="commands",
            keys="Ctrl+Shift+P"),
    Command("help.log", "&Log and report…", AppCommands.log, menu="Help", section="about"),
    Command("help.about", "&About sounddesk", AppCommands.about, menu="Help", section="about"),
)  # fmt: skip


def _show_once(dialog: QDialog) -> None:
    """Open a dialog that is gone once it is closed."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()

"""Commands around the work: export, preferences, help, demo project, recovery."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from sounddesk.app.background import Background
from sounddesk.app.player import at_project_rate
from sounddesk.app.services import Services

if TYPE_CHECKING:
    from sounddesk.app.dialogs.export_dialog import ExportChoice
    from sounddesk.audio.stem_export import StemExport


class AppCommands(QObject):
    """Dialogs are imported when they are first opened, so that the window is there sooner.

    Signals: message(text); problem(text).
    """

    message = Signal(str)
    problem = Signal(str)

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._background = Background(self)
        self._background.done.connect(self._exported)
        self._demo = Background(self)
        self._demo.done.connect(lambda _key, contents: services.store.new(contents))
        self._demo.failed.connect(lambda _key, error: self.problem.emit(str(error)))
        self._background.failed.connect(lambda _key, error: self.problem.emit(str(error)))
        add = services.actions.add
        add("file.export", self.tr("Export stems and mix…"), self.ask_export, shortcut="Ctrl+E", group="File")
        add(
            "file.project_settings",
            self.tr("Project settings…"),
            self.project_settings,
            shortcut="Ctrl+Shift+,",
            group="File",
        )
        add("app.preferences", self.tr("Preferences…"), self.preferences, shortcut="Ctrl+,", group="File")
        add("help.manual", self.tr("Manual"), self.manual, shortcut=QKeySequence.StandardKey.HelpContents, group="Help")
        add("help.shortcuts", self.tr("Keyboard shortcuts…"), self.shortcuts, group="Help")
        add("help.palette", self.tr("Command palette…"), self.palette, shortcut="Ctrl+Shift+P", group="Help")
        add("help.log", self.tr("Log and report…"), self.log, group="Help")
        add("help.about", self.tr("About sounddesk"), self.about, group="Help")

    def close(self) -> None:
        """Wait for an export in hand."""
        self._demo.close()
        self._background.close()

    def open_demo(self) -> None:
        """A fresh project from the demo image, which is read off the UI thread."""
        from sounddesk.app.demo_project import demo_project

        self._demo.start("demo", demo_project)

    def offer_recovery(self) -> None:
        """Offer what a crash left behind."""
        from sounddesk.app.dialogs.recovery_dialog import RecoveryDialog

        store = self._services.store
        items = store.recoverable()
        if items:
            dialog = RecoveryDialog(items, self._window)
            dialog.recover_requested.connect(store.recover)
            dialog.discard_requested.connect(store.discard)
            dialog.open()

    def offer_crash_report(self) -> None:
        """Show what an earlier process left when it crashed."""
        from sounddesk.app.crash_reports import take_crash
        from sounddesk.app.dialogs.log_window import LogWindow

        crash = take_crash()
        if crash is not None:
            LogWindow(self._services.settings, self._window, crash=crash).open()

    def ask_export(self) -> None:
        from sounddesk.app.dialogs.export_dialog import ExportDialog

        document = self._services.document
        if not document.project.clips:
            self.message.emit(self.tr("There is nothing to export yet: generate the sound of an object first."))
            return
        image = document.project.image
        name = "" if image is None else image.name.rpartition(".")[0]
        dialog = ExportDialog(document.project, self._services.settings, name, self._window)
        dialog.export_requested.connect(self.export)
        dialog.open()

    def export(self, choice: ExportChoice) -> None:
        """Write stems and mix off the UI thread."""
        from sounddesk.audio.stem_export import export_stems

        project, takes = self._services.document.project, self._services.document.takes

        def work() -> StemExport:
            resampled: dict[str, np.ndarray] = {}

            def samples_of(take_id: str) -> np.ndarray | None:
                take = takes.get(take_id)
                if take is not None and take_id not in resampled:
                    resampled[take_id] = at_project_rate(take)
                return resampled.get(take_id)

            return export_stems(
                project,
                samples_of,
                choice.folder,
                stems=choice.stems,
                mix=choice.mix,
                wav_format=choice.wav_format,
                sample_rate_hz=choice.sample_rate_hz,
            )

        self._background.start("export", work)

    def _exported(self, _key: object, report: StemExport) -> None:
        count, folder = len(report.files), report.files[0].parent
        self.message.emit(self.tr("{count} files are in {folder}").format(count=count, folder=folder))
        if report.clipped_samples:
            text = self.tr("{count} samples were louder than the files can hold and were cut off: lower the faders.")
            self.problem.emit(text.format(count=report.clipped_samples))

    def project_settings(self) -> None:
        """Length, frame rate, timecode, and how takes are made; one undo step."""
        from sounddesk.app.dialogs.preferences import bundle_names
        from sounddesk.app.dialogs.project_settings import ProjectSettingsDialog

        document = self._services.document
        dialog = ProjectSettingsDialog(document.project.settings, tuple(bundle_names()), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted_settings.connect(
            lambda settings: document.commit(
                self.tr("Project settings"), dataclasses.replace(document.project, settings=settings)
            )
        )
        dialog.open()

    def preferences(self) -> None:
        from sounddesk.app.dialogs.preferences import Preferences

        outputs = self._services.player.output_names()
        Preferences(self._services.settings, self._window, audio_devices=outputs).open()

    def manual(self) -> None:
        from sounddesk.app.manual_window import ManualWindow

        self._manual = ManualWindow(self._services.actions, self._window)
        self._manual.show()

    def shortcuts(self) -> None:
        from sounddesk.app.dialogs.shortcut_editor import ShortcutEditor

        ShortcutEditor(self._services.actions, self._window).open()

    def palette(self) -> None:
        from sounddesk.app.dialogs.command_palette import CommandPalette

        CommandPalette(self._services.actions, self._window).open()

    def log(self) -> None:
        from sounddesk.app.dialogs.log_window import LogWindow

        LogWindow(self._services.settings, self._window).open()

    def about(self) -> None:
        from sounddesk.app.dialogs.about import AboutBox

        AboutBox(self._window).open()

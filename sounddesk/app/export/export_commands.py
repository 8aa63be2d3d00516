"""Export from the menu, again on save, and what comes after it: reveal, copy the path."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QProgressDialog
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.export.export_runner import ExportJob
from sounddesk.app.export.export_runner import ExportRunner
from sounddesk.app.export.exports_on_save import ExportsOnSave
from sounddesk.app.notifications import NoticeButton
from sounddesk.app.notifications import as_sentence
from sounddesk.app.notifications import notifier
from sounddesk.app.runtime.revealing import reveal
from sounddesk.app.services import Services
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.exporters.provenance import forbidden_recordings
from sounddesk.storage.codec import field_of
from sounddesk.storage.text_formats import parse_json

if TYPE_CHECKING:
    from sounddesk.app.export.export_dialog import ExportRequest
    from sounddesk.audio.exporters.export import ExportReport


class ExportCommands(QObject):
    """Asks what to export and has it rendered; exports again on saving where the project asks for it."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._last: Path | None = None
        self._on_save = ExportsOnSave(services.settings)
        self._asked_about: set[str] = set()
        self._told: set[str] = set()
        self._progress: QProgressDialog | None = None
        self.runner = ExportRunner(self)
        self.runner.progressed.connect(self._show_progress)
        self.runner.finished.connect(self._finished)
        self.runner.failed.connect(self._failed)
        self.runner.cancelled.connect(self._cancelled)
        services.actions.add(COMMANDS, owner=self)
        services.store.saved.connect(lambda _path: self.export_on_save())
        services.document.replaced.connect(self._told.clear)

    def close(self) -> None:
        """Cancel an export in hand: it leaves nothing half-written."""
        self._end_progress()
        self.runner.close()

    def ask_export(self) -> None:
        """Ask what to export; nothing is rendered while the dialog is open."""
        from sounddesk.app.export.export_dialog import ExportDialog
        from sounddesk.app.export.export_history import ExportHistory

        document = self._services.document
        if not document.project.clips and not len(document.takes):
            notifier.warning(self.tr("There is nothing to export yet: generate the sound of an object first."))
            return
        dialog = ExportDialog(
            document.project,
            document.takes,
            ExportHistory(self._services.settings),
            self.project_name(),
            self._window,
            folder=self._first_folder(),
            on_save=bool(document.project.settings.export_on_save),
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.export_requested.connect(self.export)
        dialog.open()

    @property
    def has_exported(self) -> bool:
        """Whether there is a last export to show."""
        return self._last is not None

    def project_name(self) -> str:
        """For file names: that of the project's file, or of its image."""
        path, image = self._services.store.path, self._services.document.project.image
        if path is not None:
            return path.stem
        return Path(image.name).stem if image is not None else ""

    def _first_folder(self) -> Path | None:
        """Beside the project; None where that was never saved."""
        path = self._services.store.path
        return None if path is None else path.parent / f"{path.stem} export"

    def export(self, request: ExportRequest) -> None:
        """Carry out what the dialog was accepted with."""
        document = self._services.document
        on_save = on_save_text(request.plan, request.folder) if request.on_save else ""
        if on_save != document.project.settings.export_on_save:
            project = document.project.with_settings(export_on_save=on_save)
            document.commit(self.tr("Export on every save") if on_save else self.tr("No export on save"), project)
        if on_save:
            self._on_save.allow(on_save)
        self.runner.start(
            ExportJob(
                project=document.project,
                takes=document.takes,
                plan=request.plan,
                folder=request.folder,
                replace=request.on_save or request.replace,
                wrote=functools.partial(self._on_save.wrote, on_save) if on_save else _forget,
            )
        )

    def export_on_save(self) -> None:
        """Do the export that the project asks for on every save, if it does and the user has allowed it here."""
        from sounddesk.audio.exporters.export_plan import plan_export

        document = self._services.document
        text = document.project.settings.export_on_save
        if not text:
            return
        try:
            name, folder, settings = read_on_save(text)
            plan = plan_export(document.project, document.takes, settings, name=name)
        except ValueError as error:
            notifier.failed(error, title=self.tr("The export on save was left out."), button=self._again)
            return
        if not self._on_save.is_allowed(text):
            self._ask_about(text, folder)
            return
        # Another machine's folder is not made anew here.
        if not folder.is_dir():
            notifier.warning(
                self.tr("The export on save was left out."),
                cause=self.tr("{folder} does not exist").format(folder=folder),
                remedy=self.tr("export again to choose another folder"),
                button=self._again,
            )
            return
        self.runner.start(
            ExportJob(
                project=document.project,
                takes=document.takes,
                plan=plan,
                folder=folder,
                replace=True,
                may_replace=functools.partial(self._on_save.may_replace, text),
                wrote=functools.partial(self._on_save.wrote, text),
                purpose="save",
            )
        )

    def _ask_about(self, text: str, folder: Path) -> None:
        """The project came from elsewhere: it exports nothing until the user has seen where to. Told once."""
        if text in self._asked_about:
            return
        self._asked_about.add(text)

        def allow() -> None:
            self._on_save.allow(text)
            if self._services.document.project.settings.export_on_save == text:
                self.export_on_save()

        message = self.tr(
            "This project asks to export into {folder} on every save, which nobody has allowed on this computer yet."
        )
        notifier.warning(message.format(folder=folder), button=NoticeButton(text=self.tr("Allow"), press=allow))

    def reveal(self) -> None:
        if self._last is not None and not reveal(self._last):
            notifier.error(
                self.tr("The folder cannot be shown."),
                cause=self.tr("no file manager answered"),
                remedy=self.tr("the files are in {path}").format(path=self._last.parent),
                button=NoticeButton(text=self.tr("Copy path"), press=self.copy_path),
            )

    def copy_path(self) -> None:
        if self._last is not None:
            QGuiApplication.clipboard().setText(str(self._last))
            notifier.info(self.tr("Copied {path}").format(path=self._last))

    def _show_progress(self, job: ExportJob, done: int, total: int) -> None:
        if job.purpose != "ask":
            return
        if self._progress is None:
            box = QProgressDialog(self.tr("Exporting…"), self.tr("Cancel"), 0, total, self._window)
            box.setWindowTitle(self.tr("Export"))
            box.setWindowModality(Qt.WindowModality.WindowModal)
            box.setAutoClose(False)
            box.setAutoReset(False)
            box.setMinimumDuration(400)
            box.canceled.connect(job.cancel.cancel)
            self._progress = box
        if not job.cancel.cancelled:
            self._progress.setValue(done)

    def _end_progress(self) -> None:
        if self._progress is not None:
            # Closing a progress dialog cancels it.
            self._progress.blockSignals(True)
            self._progress.close()
            self._progress.deleteLater()
            self._progress = None

    def _finished(self, job: ExportJob, report: ExportReport) -> None:
        if job.purpose != "ask":
            # Nobody saw the dialog, which names them beforehand.
            for each in forbidden_recordings(job.plan.files, job.takes, job.project):
                if each not in self._told:
                    notifier.warning(as_sentence(each))
                    # Not again with every autosave.
                    self._told.add(each)
        if job.purpose == "drag":
            return
        self._on_save.keep()
        if job.purpose == "ask":
            self._end_progress()
        self._last = report.files[0]
        self._services.actions.refresh()
        count = len(report.files)
        text = self.tr("1 file is in {folder}") if count == 1 else self.tr("{count} files are in {folder}")
        text = text.format(count=count, folder=report.folder)
        notifier.info(" ".join([text, *report.notes]), button=NoticeButton(text=self.tr("Show"), press=self.reveal))
        if report.clipped_samples:
            text = self.tr("{count} samples were louder than the files can hold and were cut off in {files}")
            count = sum(report.clipped_samples.values())
            notifier.error(
                self.tr("The export is distorted."),
                cause=text.format(count=count, files=", ".join(report.clipped_samples)),
                remedy=self.tr("lower the faders, or turn the limiter on, and export again"),
                button=self._again,
            )

    def _failed(self, job: ExportJob, error: Exception) -> None:
        if job.purpose == "ask":
            self._end_progress()
        title = self.tr("Nothing was exported.") if job.purpose != "drag" else ""
        notifier.failed(error, title=title, button=self._again if title else None)

    @property
    def _again(self) -> NoticeButton:
        """The way on from an export that was not what it should have been."""
        return NoticeButton(text=self.tr("Export again…"), press=self.ask_export)

    def _cancelled(self, job: ExportJob) -> None:
        if job.purpose == "ask":
            self._end_progress()
            notifier.info(self.tr("Export cancelled; nothing was written."))


COMMANDS: Final[tuple[Command[ExportCommands], ...]] = (
    Command("file.export", "&Export…", ExportCommands.ask_export, menu="File", section="export", keys="Ctrl+E"),
    Command("file.reveal_export", "Show last export in its &folder", ExportCommands.reveal, menu="File",
            section="last_export", enabled=lambda it: it.has_exported),
    Command("file.copy_export_path", "Copy pat&h of last export", ExportCommands.copy_path, menu="File",
            section="last_export", enabled=lambda it: it.has_exported),
)  # fmt: skip


def _forget(_files: Sequence[Path]) -> None:
    """Nothing is kept of an export that was asked for once."""


def on_save_text(plan: ExportPlan, folder: Path) -> str:
    """An export as the project keeps it."""
    data = {"name": plan.project_name, "folder": str(folder.absolute()), "settings": plan.settings.to_json()}
    return json.dumps(data, sort_keys=True)


def read_on_save(text: str) -> tuple[str, Path, ExportSettings]:
    """Name, folder and settings. Raises: ValueError."""
    data = parse_json(text)
    return field_of(str, data, "name"), field_of(Path, data, "folder"), ExportSettings.from_json(data.get("settings"))

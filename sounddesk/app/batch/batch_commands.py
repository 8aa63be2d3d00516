"""Batches in the menu: the window, new ones for the open project, and results that become the open project."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.file_commands import FileCommands
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainMessageBox
from sounddesk.app.project.file_lock import FileInUseError
from sounddesk.app.services import Services
from sounddesk.app.workers.background import Background
from sounddesk.audio.placed_clip import Sound
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import OutputError
from sounddesk.domain.take import waveform_of
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.engine.types import preset_named
from sounddesk.storage.codec import encode
from sounddesk.storage.project_reader import ProjectContents

if TYPE_CHECKING:
    from sounddesk.app.batch.batch_queue import BatchQueue
    from sounddesk.app.batch.batch_request import BatchRequest
    from sounddesk.app.batch.batch_window import BatchWindow
    from sounddesk.app.batch.new_batch_dialog import NewBatchDialog
    from sounddesk.app.batch.result_project import OpenedResult


class BatchCommands(QObject):
    """The queue is read when the window of batches is first opened; nothing starts by itself."""

    def __init__(self, services: Services, files: FileCommands, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._files = files
        self._window = window
        self.queue: BatchQueue | None = None
        self.dialog: BatchWindow | None = None
        self.form: NewBatchDialog | None = None
        self._opening = Background(self, name="opening the result")
        self._opening.done.connect(lambda _key, result: self._show_result(result))
        self._opening.failed.connect(lambda _key, error: notifier.failed(error))
        self._listening = Background(self, name="reading the sound")
        self._listening.done.connect(lambda _key, samples: services.player.audition_sound(samples))
        self._listening.failed.connect(lambda _key, error: notifier.failed(error))
        services.actions.add(COMMANDS, owner=self)

    def play(self, path: Path) -> None:
        """Listen to a file that a batch made, or stop listening."""
        if self._services.player.is_playing:
            self._services.player.stop()
        else:
            self._listening.start("sound", lambda: _sound_of(path))

    def show(self) -> None:
        """Show the window of batches; the form of a new one too, where there is none yet."""
        from sounddesk.app.batch.batch_window import BatchWindow

        queue = self._opened_queue()
        if queue is None:
            return
        if self.dialog is None:
            self.dialog = BatchWindow(queue, self._window)
            self.dialog.add_requested.connect(self.ask)
            self.dialog.open_requested.connect(self.open_result)
            self.dialog.results.play_requested.connect(self.play)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()
        if queue.notice:
            notifier.error(queue.notice)
            queue.notice = ""
        if not queue.entries:
            self.ask()

    def ask(self) -> None:
        """The form of a new batch, for the open project."""
        from sounddesk.app.batch.new_batch_dialog import NewBatchDialog
        from sounddesk.app.dialogs.preferences import bundle_names

        queue = self._opened_queue()
        if queue is None:
            return
        document = self._services.document
        form = NewBatchDialog(
            document.project,
            self._project_name(),
            bundles=bundle_names(),
            defaults=self._defaults(),
            taken=[entry.request.out for entry in queue.entries],
            save_project=self._is_saved,
            parent=self.dialog or self._window,
        )
        form.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        form.requested.connect(self.add)
        form.destroyed.connect(lambda: setattr(self, "form", None))
        self.form = form
        form.open()

    def add(self, request: BatchRequest, of_project: bool) -> None:
        """Put a batch into the queue, with a copy of the open project where its objects are asked for."""
        queue = self._opened_queue()
        if queue is None:
            return
        contents = None
        if of_project:
            request = replace(request, name=self._project_name())
            contents = self._project_for(request)
        self._services.settings.last_batch = encode(request)
        try:
            entry_id = queue.add(request, contents)
        except (OutputError, OSError, sqlite3.Error) as error:
            notifier.failed(error)
            return
        if self.dialog is not None:
            self.dialog.list.select(entry_id)

    def open_result(self, entry_id: str, row: Row) -> None:
        """Make a result the open project, once it is read; unsaved changes are asked about."""
        entry = None if self.queue is None else self.queue.entry(entry_id)
        if entry is None or self.dialog is None:
            return
        request, rows = entry.request, self.dialog.results.model.rows

        def work() -> OpenedResult:
            from sounddesk.app.batch.result_project import project_of_beds
            from sounddesk.app.batch.result_project import project_of_frame

            if row.frame:
                like = _existing(request.project)
                return project_of_frame(request.out, row.frame, rows, source=request.folder, like=like)
            assert request.project is not None
            return project_of_beds(request.out, rows.values(), like=request.project)

        self._opening.start("result", work)

    def may_close(self) -> bool:
        """Ask before a batch that runs is paused by closing the window."""
        entry = None if self.queue is None else self.queue.running
        if entry is None:
            return True
        box = PlainMessageBox(self._window)
        box.setObjectName("batch_runs")
        box.setIcon(PlainMessageBox.Icon.Question)
        box.setText(self.tr("The batch of {name} is still running.").format(name=entry.request.folder.name))
        box.setInformativeText(self.tr("Closing pauses it. Nothing is lost: resume it in File > Batch the next time."))
        close = box.addButton(self.tr("Pause and close"), PlainMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(PlainMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is close

    def close(self) -> None:
        """Pause what runs, and write the queue down."""
        self._opening.close()
        self._listening.close()
        if self.dialog is not None:
            self.dialog.results.close_background()
            self.dialog.close()
        if self.queue is not None:
            self.queue.close()

    # ------------------------------------------------------------------ parts

    def _opened_queue(self) -> BatchQueue | None:
        if self.queue is None:
            from sounddesk.app.batch.batch_queue import BatchQueue
            from sounddesk.app.batch.queue_file import QueueFile

            try:
                file = QueueFile()
            except FileInUseError:
                notifier.error(
                    self.tr("The batches are in the hands of another sounddesk window: use that one, or close it.")
                )
                return None
            except OutputError as error:
                notifier.failed(error)
                return None
            self.queue = BatchQueue(file, self)
            self.queue.ended.connect(self._tell_end)
        return self.queue

    def _tell_end(self, entry_id: str) -> None:
        entry = None if self.queue is None else self.queue.entry(entry_id)
        if entry is None:
            return
        name = entry.request.folder.name
        if entry.state == "failed":
            notifier.warning(self.tr("The batch of {name} failed.").format(name=name), cause=entry.message)
        else:
            text = self.tr("The batch of {name} is done. {note}")
            notifier.info(text.format(name=name, note=entry.message).strip())

    def _defaults(self) -> BatchRequest:
        from sounddesk.app.batch.batch_request import BatchRequest
        from sounddesk.app.batch.new_batch_dialog import last_request

        settings, project = self._services.settings, self._services.document.project
        # One core is left for the desk.
        workers = max(1, (os.cpu_count() or 1) - 1)
        found = last_request(settings.last_batch) or BatchRequest(folder=Path(), out=Path(), name="", workers=workers)
        found = replace(found, project=None, device=settings.device, sam=settings.sam_checkpoint)
        if project.image is None:
            return replace(found, bundle=self._services.bundle_of_new_projects)
        asked = project.settings
        preset = preset_named(asked.preset)
        return replace(found, seconds=asked.seconds, preset=preset, bundle=asked.bundle)

    def _project_name(self) -> str:
        path, image = self._services.store.path, self._services.document.project.image
        return path.stem if path is not None else Path(image.name).stem if image is not None else ""

    def _is_saved(self) -> bool:
        """Whether the project is in its file; where not, the user is asked to save it, and then the form goes on."""
        store, document = self._services.store, self._services.document
        if store.path is not None and not document.is_dirty:
            return True
        box = PlainMessageBox(self.form or self._window)
        box.setObjectName("save_first")
        box.setIcon(PlainMessageBox.Icon.Question)
        box.setText(self.tr("Save the project first?"))
        box.setInformativeText(self.tr("A batch takes its objects from the saved project."))
        buttons = PlainMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        if box.exec() == buttons.Save:
            self._files.save(then=lambda: self.form.accept() if self.form is not None else None)
        return False

    def _project_for(self, request: BatchRequest) -> ProjectContents:
        document = self._services.document
        project = document.project
        asked = project.settings
        # Steps that were set for another preset say nothing of this one.
        steps = asked.steps if request.preset == asked.preset else None
        project = project.with_settings(
            seconds=request.seconds, preset=request.preset, bundle=request.bundle, steps=steps
        )
        return ProjectContents(project=project, images=document.image_files)

    def _show_result(self, result: OpenedResult) -> None:
        if self._files.may_leave(then=lambda: self._show_result(result)):
            self._services.store.new(result.contents, then=lambda ok: self._on_shown(result) if ok else None)

    def _on_shown(self, result: OpenedResult) -> None:
        for note in result.notes:
            notifier.info(note)
        # It stays above the main window otherwise; the queue goes on.
        if self.dialog is not None:
            self.dialog.hide()
        self._window.raise_()
        self._window.activateWindow()


COMMANDS: Final[tuple[Command[BatchCommands], ...]] = (
    Command("file.batch", "&Batch…", BatchCommands.show, menu="File", section="batch", keys="Ctrl+Shift+B"),
)


def _sound_of(path: Path) -> Sound:
    """A file's sound at the project's rate, mono or stereo."""
    from sounddesk.audio.files.wav_io import read_sound
    from sounddesk.audio.resample import resample

    sound = read_sound(path)
    return resample(waveform_of(sound.samples), from_hz=sound.sample_rate_hz, to_hz=PROJECT_RATE_HZ)


def _existing(path: Path | None) -> Path | None:
    return path if path is not None and path.is_file() else None

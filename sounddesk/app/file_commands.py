"""Opening, saving and leaving: what the File menu does, with nothing lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QObject
from PySide6.QtCore import QStandardPaths
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import StandardKey
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainMessageBox
from sounddesk.app.project.image_opening import OpenedImage
from sounddesk.app.project.input_blocker import InputBlocker
from sounddesk.app.project.recovery import Recoverable
from sounddesk.app.services import Services
from sounddesk.app.timeline.clip_clipboard import clips_lie_on_the_clipboard
from sounddesk.domain.picture_suffixes import MOVIE_SUFFIXES
from sounddesk.domain.picture_suffixes import OTHER_PICTURE_SUFFIXES
from sounddesk.domain.picture_suffixes import PICTURE_SUFFIXES
from sounddesk.domain.project import Project
from sounddesk.storage.path_text import home_folder

PROJECT_SUFFIX: Final = ".sdesk"
_MOST_SHOWN: Final = 200


class FileCommands(QObject):
    """Carries out the commands below, and opens what is dropped or pasted."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        services.actions.add(COMMANDS, owner=self)
        self._blocker = InputBlocker(self)
        services.store.opening.connect(self._blocker.block)
        services.opener.opened.connect(self._show_image)
        services.opener.failed.connect(notifier.failed)

    # ------------------------------------------------------------------ opening

    def new(self) -> None:
        if self.may_leave(then=self.new):
            self._services.store.new()

    def ask_open(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in (PROJECT_SUFFIX, *PICTURE_SUFFIXES, *MOVIE_SUFFIXES))
        start = str(self._first_folder())
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            self.tr("Open"),
            start,
            self.tr("Images, movies and projects ({patterns})").format(patterns=patterns),
        )
        if name:
            self.open(Path(name))

    def _first_folder(self) -> Path:
        """Where looking for a file begins: beside what is open or was open last, else among the pictures."""
        recent = [self._services.store.path, *self._services.settings.recent_files]
        folders = [each.parent for each in recent if each is not None]
        pictures = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation))
        return next(each for each in (*folders, pictures, home_folder()) if each.is_dir())

    def open(self, path: Path) -> None:
        """Open a project file, or start a project from an image or a frame of a movie, which is asked for."""
        if not self.may_leave(then=partial(self.open, path)):
            return
        if path.suffix.lower() == PROJECT_SUFFIX:
            self._services.store.open(path)
        elif path.suffix.lower() in MOVIE_SUFFIXES:
            self._ask_for_frame(path)
        else:
            self._services.opener.open_file(path)

    def _ask_for_frame(self, movie: Path) -> None:
        from sounddesk.app.dialogs.movie_frame_dialog import MovieFrameDialog

        # An image that is still being read must not come after it.
        self._services.opener.forget()
        dialog = MovieFrameDialog(movie, self._window)
        dialog.chosen.connect(self._show_image)
        dialog.open()

    def open_mime(self, data: QMimeData) -> bool:
        """Open what was dropped or pasted; False where there is nothing to open in it."""
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        # Those that are not read are opened too: the reader says what they are and what to do.
        known = (PROJECT_SUFFIX, *PICTURE_SUFFIXES, *MOVIE_SUFFIXES, *OTHER_PICTURE_SUFFIXES)
        wanted = [p for p in paths if p.suffix.lower() in known]
        if wanted:
            self.open(wanted[0])
            if len(wanted) > 1:
                text = self.tr(
                    "{name} of {n} files is opened. For sounds of them all put them into a folder and ask for a batch."
                )
                notifier.info(text.format(name=wanted[0].name, n=len(wanted)))
            return True
        if data.hasImage():
            image = QImage(data.imageData())
            buffer = QBuffer()
            buffer.open(QBuffer.OpenModeFlag.WriteOnly)
            if not image.isNull() and image.save(buffer, "PNG"):  # type: ignore[call-overload]
                self._open_pasted(bytes(buffer.data().data()))
                return True
        if data.hasUrls() and not paths:
            notifier.error(
                self.tr("{address} is not on this computer: save it as a file, and open that.").format(
                    address=data.urls()[0].toDisplayString()[:_MOST_SHOWN]
                )
            )
        if paths:
            notifier.error(
                self.tr(
                    "{name} is no image, movie or project: choose PNG, JPEG, TIFF, WebP, AVIF, EXR, MOV, MP4 or .sdesk"
                ).format(name=paths[0].name)
            )
        return False

    def paste(self) -> None:
        # None where nothing was ever copied, whatever the type hints say.
        data: QMimeData | None = QGuiApplication.clipboard().mimeData()
        if clips_lie_on_the_clipboard():
            self._services.actions["timeline.paste"].trigger()
        elif data is None or not self.open_mime(data):
            notifier.warning(self.tr("There is neither an image nor a clip in the clipboard: copy one first."))

    def _open_pasted(self, file: bytes) -> None:
        if self.may_leave(then=partial(self._open_pasted, file)):
            self._services.opener.open_bytes(file, name=self.tr("pasted image"))

    def _show_image(self, opened: OpenedImage) -> None:
        """A fresh project around the image. The user was asked before about what is unsaved."""
        self._services.store.new(then=lambda _ok: self._begin_with(opened))

    def _begin_with(self, opened: OpenedImage) -> None:
        services = self._services
        document = services.document
        info = document.add_image(opened.file, opened.pixels, name=opened.name)
        project = Project(image=replace(info, movie=opened.movie))
        project = project.with_settings(bundle=services.bundle_of_new_projects, **opened.settings)
        document.commit(self.tr("Open {name}").format(name=opened.name), project)
        for note in opened.notes:
            notifier.info(note)

    def recover(self, item: Recoverable) -> None:
        """Show what an earlier session left, once what is open now was saved or given up."""
        if self.may_leave(then=partial(self.recover, item)):
            self._services.store.recover(item)

    # ------------------------------------------------------------------ saving and leaving

    def save(self, then: Callable[[], object] = lambda: None) -> None:
        """Save the project; `then` is called once it is in its file."""
        store = self._services.store
        if store.path is None or store.is_read_only:
            self.save_as(then)
        else:
            store.save(then=lambda ok: then() if ok else None)

    def save_as(self, then: Callable[[], object] = lambda: None) -> None:
        """Ask for a name and save; `then` is called once the project is in that file."""
        store = self._services.store
        image = self._services.document.project.image
        name = Path(image.name).stem if image is not None else self.tr("untitled")
        start = store.path or self._first_folder() / f"{name}{PROJECT_SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, self.tr("Save as"), str(start), self.tr("sounddesk projects (*.sdesk)")
        )
        if not chosen:
            return
        path = Path(chosen)
        if path.suffix.lower() != PROJECT_SUFFIX:
            path = path.with_name(path.name + PROJECT_SUFFIX)
        store.save_as(path, then=lambda ok: then() if ok else None)

    def collect(self) -> None:
        folder = QFileDialog.getExistingDirectory(self._window, self.tr("Collect into a folder"))
        if folder:
            self._services.store.collect(Path(folder))

    def may_leave(self, *, then: Callable[[], object]) -> bool:
        """Ask about unsaved changes.

        Args:
            then: where the user wants them saved, called once they are: the command that asks, to be carried out then.

        Returns:
            True where the command may go on: there is nothing to be saved, or the user gives it up.
        """
        document = self._services.document
        if not document.is_dirty or (not document.project.objects and not len(document.takes)):
            return True
        box = PlainMessageBox(self._window)
        box.setIcon(PlainMessageBox.Icon.Question)
        box.setText(self.tr("Save the changes to this project?"))
        box.setInformativeText(self.tr("What you discard cannot be brought back."))
        buttons = PlainMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        if answer == buttons.Save:
            self.save(then)
        elif answer == buttons.Discard:
            self._services.store.give_up_changes()
        return bool(answer == buttons.Discard)


COMMANDS: Final[tuple[Command[FileCommands], ...]] = (
    Command("file.new", "&New project", FileCommands.new, menu="File", section="open", keys=StandardKey.New),
    Command("file.open", "&Open image, movie or project…", FileCommands.ask_open, menu="File", section="open",
            keys=StandardKey.Open),
    Command("file.save", "&Save", FileCommands.save, menu="File", section="save", keys=StandardKey.Save),
    Command("file.save_as", "Save &as…", FileCommands.save_as, menu="File", section="save", keys="Ctrl+Shift+S"),
    Command("file.collect", "&Collect project and sounds…", FileCommands.collect, menu="File", section="save"),
    Command("edit.paste", "&Paste image or clips", FileCommands.paste, menu="Edit", section="clipboard",
            order=1, keys=StandardKey.Paste),
)  # fmt: skip

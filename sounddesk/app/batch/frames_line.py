"""Frames in the form of a new batch, a folder or a movie: chosen, looked through off the UI thread, and told about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.notifications import as_sentence
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.runtime.heavy_imports import map_opencv_library
from sounddesk.app.workers.background import Background
from sounddesk.domain.errors import SounddeskError
from sounddesk.domain.frame_sequence import Frame
from sounddesk.domain.frame_sequence import find_frames
from sounddesk.domain.frame_sequence import runs_of
from sounddesk.domain.picture_suffixes import MOVIE_SUFFIXES
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.path_text import PathError
from sounddesk.storage.path_text import home_folder
from sounddesk.storage.path_text import path_of

if TYPE_CHECKING:
    from sounddesk.engine.images.movie_file import MovieFacts

_MOST_RUNS: Final = 3
# While a path is typed each letter names another folder.
_TYPING_MS: Final = 200


class FolderLine(QWidget):
    """A path and a button to choose it by. Signals: changed()."""

    changed = Signal()

    def __init__(self, name: str, title: str, path: str, parent: QWidget | None = None) -> None:
        """`name`: of the object; `title`: of the dialog, and what a screen reader says."""
        super().__init__(parent)
        self._title = title
        self.line = QLineEdit(path)
        self.line.setObjectName(name)
        self.line.setAccessibleName(title)
        self.line.textChanged.connect(lambda _text: self.changed.emit())
        self.choose_button = QPushButton(self.tr("Choose…"))
        self.choose_button.setAccessibleName(f"{title}: {self.tr('Choose…')}")
        self.choose_button.setAutoDefault(False)
        self.choose_button.clicked.connect(self._choose)
        self.setFocusProxy(self.line)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.choose_button)

    @property
    def path(self) -> Path | None:
        """None while the line is empty or holds no path."""
        try:
            return path_of(str(self.line.text()).strip()).absolute()
        except PathError:
            return None

    def _choose(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self._title, str(self.path or home_folder()))
        if name:
            self.line.setText(name)


class FramesLine(QWidget):
    """A folder of frames, or a movie, with what was found in it.

    Signals:
        changed(): the path or what was found is another.
        rate_found(frames_per_s): of a movie.
    """

    changed = Signal()
    rate_found = Signal(float)

    def __init__(self, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames: tuple[Frame, ...] = ()
        self.problem = ""
        self.folder = FolderLine("frames", self.tr("Folder of frames, or movie"), path)
        self.movie_button = QPushButton(self.tr("Movie…"))
        self.movie_button.setAccessibleName(self.tr("Choose a movie"))
        self.movie_button.setAutoDefault(False)
        self.movie_button.clicked.connect(self._choose_movie)
        self._cancel = CancelToken()
        self.found = PlainLabel()
        self.found.setWordWrap(True)
        self._background = Background(self, name="looking for frames")
        self._background.done.connect(self._on_found)
        self._background.failed.connect(self._on_failed)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._look)
        self.folder.changed.connect(self._on_path)
        self.setFocusProxy(self.folder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(self.movie_button)
        layout.addLayout(row)
        layout.addWidget(self.found)
        self._look()

    @property
    def is_looking(self) -> bool:
        return self._typing.isActive() or self._background.is_running("frames")

    def close_background(self) -> None:
        self._typing.stop()
        self._cancel.cancel()
        self._background.close()

    def _choose_movie(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in MOVIE_SUFFIXES)
        start = str(self.folder.path or home_folder())
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Movie"), start, self.tr("Movies ({patterns})").format(patterns=patterns)
        )
        if name:
            self.folder.line.setText(name)

    def _on_path(self) -> None:
        self.frames, self.problem = (), ""
        self._typing.start()
        self.changed.emit()

    def _look(self) -> None:
        path = self.folder.path
        if path is None:
            self.problem = self.tr("Choose the folder that holds the frames, or a movie.")
            self._tell("")
            return
        self._tell(self.tr("Looking for frames…"))
        self._cancel.cancel()
        self._cancel = cancel = CancelToken()
        self._background.start("frames", lambda: _frames_in(path, cancel))

    def _on_found(self, _key: object, found: tuple[tuple[Frame, ...], MovieFacts | None]) -> None:
        frames, movie = found
        self.frames, self.problem = frames, ""
        if movie is not None:
            self.rate_found.emit(float(movie.rate.frames_per_s))
            start = self.tr(", starts at {timecode}").format(timecode=movie.start_timecode or "")
            text = self.tr("{n} frames, {rate} per second").format(n=movie.n_frames, rate=str(movie.rate))
            self._tell(text + (start if movie.start_timecode else ""))
            return
        runs = runs_of(frames)
        shown = [f"{each.first} … {each.last}" if each.count > 1 else each.first for each in runs]
        if len(runs) > 1:
            shown = [f"{text} ({each.count})" for text, each in zip(shown, runs, strict=True)]
        more = self.tr(" and {n} more").format(n=len(runs) - _MOST_RUNS) if len(runs) > _MOST_RUNS else ""
        count = self.tr("{n} frame") if len(frames) == 1 else self.tr("{n} frames")
        text = count.format(n=len(frames)) + ": " + ", ".join(shown[:_MOST_RUNS]) + more
        if sum(each.count > 1 for each in runs) > 1:
            text += "\n" + self.tr(
                "These are several sequences: masks follow each other best with one shot per folder."
            )
        self._tell(text)

    def _on_failed(self, _key: object, error: Exception) -> None:
        # What is missing to read movies is told with the remedy.
        known = isinstance(error, SounddeskError)
        text = str(error) if known else self.tr("The folder cannot be read.")
        self.frames, self.problem = (), as_sentence(text).removesuffix(".") + "."
        self._tell("")

    def _tell(self, text: str) -> None:
        self.found.setText(text)
        self.found.setVisible(bool(text))
        self.changed.emit()


def _frames_in(path: Path, cancel: CancelToken) -> tuple[tuple[Frame, ...], MovieFacts | None]:
    """The frames of a folder or a movie; for a movie with what it says of itself."""
    if path.suffix.lower() not in MOVIE_SUFFIXES or not path.is_file():
        return find_frames(path), None
    map_opencv_library()
    from sounddesk.engine.images.movie_file import movie_frames
    from sounddesk.engine.images.movie_file import read_movie_facts

    facts = read_movie_facts(path, cancel=cancel)
    return movie_frames(facts), facts

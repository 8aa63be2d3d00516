"""Which frame of a movie becomes the image: a slider, its number and timecode, and a preview that never blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from PySide6.QtCore import QBuffer
from PySide6.QtCore import QIODevice
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.dialogs.dialog_buttons import ok_and_cancel
from sounddesk.app.look.image_copy import image_copy
from sounddesk.app.look.spin_boxes import SpinBox
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.project.image_opening import OpenedImage
from sounddesk.app.runtime.heavy_imports import map_opencv_library
from sounddesk.app.workers.serial_thread import JobControl
from sounddesk.app.workers.serial_thread import Ticket
from sounddesk.app.workers.serial_worker import SerialWorker
from sounddesk.domain.project import MovieFrame
from sounddesk.domain.timecode import parse_timecode
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.images.movie_file import MovieFacts
    from sounddesk.engine.images.movie_file import MovieReader

_PREVIEW: Final = (640, 360)
# A sound lasts so long at most; a longer movie is no single shot, and its timeline begins at the frame.
_LONGEST_SHOT_S: Final = 60.0
_LONGEST_TIMELINE_S: Final = 3600.0
_FROM_MOVIE, _FROM_FRAME = "movie", "frame"


@dataclass(frozen=True, eq=False)
class _Job:
    work: Callable[[CancelToken], Any]
    then: Callable[[Any], None]


class MovieFrameDialog(QDialog):
    """Reads the movie off the UI thread, shows the frame at the slider, and hands the chosen one over.

    Signals: chosen(OpenedImage), before the dialog closes.
    """

    chosen = Signal(object)

    def __init__(self, movie: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("movie_frame")
        self.setWindowTitle(self.tr("Choose a frame of {name}").format(name=movie.name))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._facts: MovieFacts | None = None
        self._reader: MovieReader | None = None
        self._previewed: int | None = None
        self._preview: Ticket[_Job] | None = None
        self._worker: SerialWorker[_Job, Any] = SerialWorker(_run, self, name=f"reading {movie.name}", linger_s=0.0)
        self._worker.finished.connect(lambda ticket, result: ticket.job.then(result))
        self._worker.failed.connect(self._on_failed)
        self.picture = PlainLabel(self.tr("Reading the movie…"))
        self.picture.setMinimumSize(*_PREVIEW)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName(self.tr("Preview of the frame"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Frame"))
        self.number = SpinBox()
        self.timecode = QLineEdit()
        self.start = QComboBox()
        self.start.addItem(self.tr("at the beginning of the movie"), _FROM_MOVIE)
        self.start.addItem(self.tr("at this frame"), _FROM_FRAME)
        self.start.setToolTip(self.tr("Exported sounds carry this time, so that other programs place them in the film"))
        form = QFormLayout()
        form.addRow(self.tr("&Frame:"), self.number)
        form.addRow(self.tr("&Timecode:"), self.timecode)
        form.addRow(self.tr("The timeline &begins:"), self.start)
        self.facts = PlainLabel()
        self.problem = PlainLabel()
        self.problem.setWordWrap(True)
        self._buttons = ok_and_cancel(self)
        layout = QVBoxLayout(self)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self.slider)
        layout.addLayout(form)
        layout.addWidget(self.facts)
        layout.addWidget(self.problem)
        layout.addWidget(self._buttons)
        self._fields = (self.slider, self.number, self.timecode, self.start, self.ok_button)
        self._enable(False)
        self.slider.valueChanged.connect(self._on_frame)
        self.number.valueChanged.connect(lambda number: self.slider.setValue(number - 1))
        self.timecode.editingFinished.connect(self._go_to_timecode)
        self._worker.submit(_Job(lambda cancel: _opened(movie, cancel), self._on_opened))

    @property
    def ok_button(self) -> QWidget:
        return self._buttons.button(QDialogButtonBox.StandardButton.Ok)

    # ------------------------------------------------------------------ what is chosen

    def accept(self) -> None:
        """Read the chosen frame in full; the dialog closes once it is there."""
        # Return in the field of the timecode means that one, which may not be shown yet.
        if not self._go_to_timecode():
            return
        facts, reader, index = self._facts, self._reader, self.slider.value()
        if facts is None or reader is None:
            return
        begins_at_frame = self.start.currentData() == _FROM_FRAME
        self._enable(False)
        self._tell(self.tr("Reading the frame…"))
        if self._preview is not None:
            self._worker.drop(self._preview)
        self._worker.submit(
            _Job(
                lambda cancel: _frame_as_image(facts, reader, index, begins_at_frame=begins_at_frame, cancel=cancel),
                self._on_read,
            )
        )

    def done(self, result: int) -> None:
        """Close; what is being read is broken off."""
        self._worker.cancel_all()
        self._reader = None
        super().done(result)

    def _on_read(self, opened: OpenedImage) -> None:
        if self._reader is not None:
            self.chosen.emit(opened)
            super().accept()

    # ------------------------------------------------------------------ what is shown

    def _on_opened(self, opened: tuple[MovieFacts, MovieReader]) -> None:
        self._facts, self._reader = facts, _ = opened
        seconds = facts.rate.time_of(facts.length)
        self.facts.setText(
            self.tr("{n} frames, {rate} per second, {seconds:.2f} s, {width} x {height} pixels").format(
                n=facts.n_frames, rate=str(facts.rate), seconds=seconds, width=facts.width, height=facts.height
            )
        )
        if facts.varies:
            self.facts.setText(self.tr("{facts}, unevenly apart").format(facts=self.facts.text()))
        self.number.setRange(1, facts.n_frames)
        self.slider.setRange(0, facts.n_frames - 1)
        self.slider.setPageStep(facts.rate.nominal)
        self.start.setCurrentIndex(0 if seconds <= _LONGEST_SHOT_S else 1)
        self._enable(True)
        self.slider.setFocus()
        self._on_frame(0)

    def _on_frame(self, index: int) -> None:
        assert self._facts is not None
        self.number.setValue(index + 1)
        self.timecode.setText(self._facts.timecode_of(index))
        self._tell("")
        if self._preview is None:
            self._start_preview()

    def _start_preview(self) -> None:
        """Decode the frame at the slider, unless one is being decoded: then the newest follows it, not each between."""
        reader, index = self._reader, self.slider.value()
        if reader is not None and index != self._previewed:
            self._preview = self._worker.submit(
                _Job(lambda cancel: _small(reader.frame(index, cancel=cancel)), lambda image: self._show(index, image))
            )

    def _show(self, index: int, image: QImage) -> None:
        self._preview, self._previewed = None, index
        self.picture.setPixmap(QPixmap.fromImage(image))
        self._start_preview()

    def _go_to_timecode(self) -> bool:
        """Show the frame at the timecode in the field; False where there is none, which is told."""
        facts = self._facts
        if facts is None or self.timecode.text() == facts.timecode_of(self.slider.value()):
            return True
        try:
            frame = parse_timecode(self.timecode.text(), rate=facts.rate)
        except ValueError as error:
            self._tell(str(error))
            return False
        offset = frame - facts.rate.frame_at(facts.start_s)
        if not 0 <= offset < facts.length:
            first, last = facts.timecode_of(0), facts.timecode_of(facts.n_frames - 1)
            self._tell(self.tr("The movie lasts from {first} to {last}.").format(first=first, last=last))
            return False
        self.slider.setValue(facts.index_at(offset))
        return True

    def _on_failed(self, ticket: Ticket[_Job], error: Exception) -> None:
        if self._facts is None:
            # Nothing can be chosen: told where every other file that cannot be opened is told.
            notifier.failed(error)
            self.reject()
            return
        if ticket is self._preview:
            self._preview, self._previewed = None, self.slider.value()
            self.picture.setText("")
        self._enable(True)
        self._tell(str(error))

    def _enable(self, on: bool) -> None:
        for each in self._fields:
            each.setEnabled(on)

    def _tell(self, text: str) -> None:
        self.problem.setText(text)


def _run(job: _Job, control: JobControl) -> Any:
    return job.work(control.cancel)


def _opened(movie: Path, cancel: CancelToken) -> tuple[MovieFacts, MovieReader]:
    map_opencv_library()
    from sounddesk.engine.images.movie_file import MovieReader
    from sounddesk.engine.images.movie_file import read_movie_facts

    facts = read_movie_facts(movie, cancel=cancel)
    return facts, MovieReader(facts)


def _small(pixels: RgbImage) -> QImage:
    return image_copy(pixels).scaled(
        *_PREVIEW, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def _frame_as_image(
    facts: MovieFacts, reader: MovieReader, index: int, *, begins_at_frame: bool, cancel: CancelToken
) -> OpenedImage:
    """The frame as a PNG, and the settings of a project whose timeline is the movie's."""
    from sounddesk.engine.images.movie_file import movie_frame_sha256

    path = facts.frame_path(index)
    pixels = reader.frame(index, cancel=cancel)
    movie = MovieFrame(movie=facts.path.name, frame=index + 1, sha256=movie_frame_sha256(path, cancel=cancel))
    settings: dict[str, Any] = {
        "frame_rate": float(facts.rate.frames_per_s),
        "drop_frame": facts.rate.drop_frame,
        "start_timecode_s": facts.start_s + (facts.rate.time_of(facts.offsets[index]) if begins_at_frame else 0.0),
    }
    if not begins_at_frame:
        seconds = facts.rate.time_of(facts.length)
        settings["timeline_s"] = min(max(1.0, seconds), _LONGEST_TIMELINE_S)
    return OpenedImage(file=_png(pixels), pixels=pixels, name=path.name, notes=(), movie=movie, settings=settings)


def _png(pixels: RgbImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image_copy(pixels).save(buffer, "PNG"):  # type: ignore[call-overload]
        raise MemoryError
    return bytes(buffer.data().data())

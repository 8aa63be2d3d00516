"""The form of a new batch. What cannot be rendered is told here, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final
from typing import cast

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QRadioButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.batch.batch_request import BatchRequest
from sounddesk.app.batch.batch_request import Follow
from sounddesk.app.batch.batch_request import check_bed_length
from sounddesk.app.batch.batch_request import check_output
from sounddesk.app.batch.batch_request import has_begun
from sounddesk.app.batch.batch_request import sounding_names
from sounddesk.app.batch.frames_line import FolderLine
from sounddesk.app.batch.frames_line import FramesLine
from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.look.spin_boxes import SpinBox
from sounddesk.app.notifications import as_sentence
from sounddesk.app.notifications import notifier
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.preset_box import preset_box
from sounddesk.domain.errors import OutputError
from sounddesk.domain.frame_sequence import every_nth
from sounddesk.domain.picture_suffixes import MOVIE_SUFFIXES
from sounddesk.domain.preset import PresetName
from sounddesk.domain.project import Project
from sounddesk.storage.codec import decode
from sounddesk.storage.text_formats import FieldError

_MOST_NAMES: Final = 4


class NewBatchDialog(QDialog):
    """Signals: requested(BatchRequest, bool): the batch, and whether it is for the open project's objects."""

    requested = Signal(object, bool)

    def __init__(
        self,
        project: Project,
        name: str,
        *,
        bundles: Sequence[str],
        defaults: BatchRequest,
        taken: Iterable[Path] = (),
        save_project: Callable[[], bool] = lambda: True,
        parent: QWidget | None = None,
    ) -> None:
        """Nothing is asked for yet.

        Args:
            name: of the project, to call it by.
            defaults: what to begin with.
            taken: output folders of the batches in the queue.
            save_project: called where a batch of the project is asked for; False keeps the form open, until
                `accept` is called again.
        """
        super().__init__(parent)
        self.setWindowTitle(self.tr("New batch"))
        self.setMinimumWidth(620)
        self._project = project
        self._defaults = defaults
        self._taken = tuple(taken)
        self._save_project = save_project
        self._out_by_hand = False
        self._names = sounding_names(project)
        known = defaults.folder.exists() and defaults.folder != Path()
        self.frames = FramesLine(str(defaults.folder) if known else "")
        self.frames.changed.connect(self._on_frames)
        self.out = FolderLine("out", self.tr("Folder for the sounds"), "")
        self.out.line.textEdited.connect(self._on_out_typed)
        self.out.choose_button.clicked.connect(self._on_out_typed)
        self.out.changed.connect(self._update)

        self.of_project = QRadioButton(self._project_text(name))
        self.of_project.setEnabled(bool(self._names))
        self.automatic = QRadioButton(self.tr("Proposed &automatically in each frame"))
        objects = QButtonGroup(self)
        objects.addButton(self.of_project)
        objects.addButton(self.automatic)
        (self.of_project if self._names else self.automatic).setChecked(True)
        objects.buttonToggled.connect(lambda _button, _on: self._update())
        self.follow = QComboBox()
        self.follow.setAccessibleName(self.tr("How masks get from frame to frame"))
        self.follow.addItem(self.tr("Masks follow the movement in the shot"), "auto")
        self.follow.addItem(self.tr("Masks follow by optical flow"), "flow")
        self.follow.addItem(self.tr("Masks stay where they are"), "fixed")
        self.follow.setCurrentIndex(max(0, self.follow.findData(defaults.follow)))
        self.ambience = QCheckBox(self.tr("Also the rest of the scene, as ambience"))
        self.ambience.setChecked(defaults.ambience)

        self.per_frame = QRadioButton(self.tr("One sound per &frame and object"))
        self.bed = QRadioButton(self.tr("One co&ntinuous sound per object over the shot"))
        kinds = QButtonGroup(self)
        kinds.addButton(self.per_frame)
        kinds.addButton(self.bed)
        (self.bed if defaults.bed and self._names else self.per_frame).setChecked(True)
        kinds.buttonToggled.connect(lambda _button, _on: self._update())
        self.seconds = _number(defaults.seconds, 1.0, 60.0, suffix=self.tr(" s"))
        self.frames_per_s = _number(defaults.frames_per_s, 0.01, 1000.0, suffix=self.tr(" frames per second"))
        self.frames.rate_found.connect(self.frames_per_s.setValue)
        self.frames_per_s.valueChanged.connect(lambda _value: self._update())
        self.every = SpinBox()
        self.every.setAccessibleName(self.tr("Render every nth frame"))
        self.every.setRange(1, 1_000_000)
        self.every.setValue(defaults.every)
        self.every.valueChanged.connect(lambda _value: self._update())
        self.count = PlainLabel()
        self.preset = preset_box(defaults.preset)
        self.bundle = QComboBox()
        for each in dict.fromkeys((*bundles, defaults.bundle)):
            self.bundle.addItem(Path(each).name, each)
        self.bundle.setCurrentIndex(self.bundle.findData(defaults.bundle))
        self.workers = SpinBox()
        self.workers.setRange(1, max(1, os.cpu_count() or 1, defaults.workers))
        self.workers.setValue(defaults.workers)
        self.workers.setToolTip(self.tr("One CPU core each; fewer leave more of the computer to you meanwhile"))

        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(8)
        form.addRow(self.tr("F&rames:"), self.frames)
        form.addRow(self.tr("Objects:"), _column(self.of_project, self.follow, self.automatic, self.ambience))
        form.addRow(self.tr("Sounds:"), _column(self.per_frame, self.bed))
        form.addRow(self.tr("&Length:"), self.seconds)
        form.addRow(self.tr("Fra&me rate:"), self.frames_per_s)
        form.addRow(self.tr("Render &every:"), _row(self.every, self.count))
        form.addRow(self.tr("Prese&t:"), self.preset)
        form.addRow(self.tr("&Bundle:"), self.bundle)
        form.addRow(self.tr("&Sounds go to:"), self.out)
        form.addRow(self.tr("&Processes:"), self.workers)
        for label, field in ((self.tr("Frames per second"), self.frames_per_s), (self.tr("Length"), self.seconds)):
            field.setAccessibleName(label)
        self._form = form
        self.problem = PlainLabel()
        self.problem.setObjectName("problem")
        self.problem.setWordWrap(True)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        box.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.add_button = QPushButton(self.tr("Add to the &queue"))
        box.addButton(self.add_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.add_button.setDefault(True)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addSpacing(6)
        layout.addStretch(1)
        layout.addWidget(self.problem)
        layout.addWidget(box)
        self._on_frames()
        self.frames.setFocus()

    # ------------------------------------------------------------------ what was asked for

    def accept(self) -> None:
        """Hand the batch over; what cannot be rendered is told, and the form stays."""
        problem = self._problem() or self._problem_of_output()
        if problem:
            self._tell(problem)
            return
        if self.of_project.isChecked() and not self._save_project():
            return
        request = self._request()
        super().accept()
        self.requested.emit(request, self.of_project.isChecked())

    def done(self, result: int) -> None:
        self.frames.close_background()
        super().done(result)

    def _request(self) -> BatchRequest:
        folder, out = self.frames.folder.path, self.out.path
        assert folder is not None
        assert out is not None
        return BatchRequest(
            folder=folder,
            out=out,
            name=folder.stem if folder.is_file() else folder.name,
            follow=cast(Follow, self.follow.currentData()),
            ambience=self.ambience.isChecked(),
            bed=self.bed.isChecked(),
            frames_per_s=self.frames_per_s.value(),
            every=self.every.value(),
            seconds=self.seconds.value(),
            preset=cast(PresetName, self.preset.currentData()),
            bundle=str(self.bundle.currentData()),
            device=self._defaults.device,
            sam=self._defaults.sam,
            workers=self.workers.value(),
        )

    def _problem(self) -> str:
        """What is wrong with the form, as far as that shows without touching the disk; empty where nothing is."""
        if self.frames.is_looking:
            return self.tr("Looking for frames…")
        if self.frames.problem:
            return self.frames.problem
        if self.bed.isChecked():
            if self.automatic.isChecked():
                return self.tr(
                    "A continuous sound follows objects that you have selected: open one frame, select the objects, "
                    "and make the batch from that project."
                )
            try:
                check_bed_length(self._shot_frames(), frames_per_s=self.frames_per_s.value())
            except ValueError as error:
                return str(error)
        if self.out.path is None:
            return self.tr("Choose a folder for the sounds.")
        return ""

    def _problem_of_output(self) -> str:
        folder, out = self.frames.folder.path, self.out.path
        assert folder is not None
        assert out is not None
        try:
            check_output(out, folder=folder, taken=self._taken)
        except (ValueError, OutputError) as error:
            text = as_sentence(str(error))
            return text if text.endswith(".") else f"{text}."
        return ""

    # ------------------------------------------------------------------ what is shown

    def _on_frames(self) -> None:
        folder = self.frames.folder.path
        if not self._out_by_hand and folder is not None and folder.name:
            self.out.line.setText(str(_free_folder(folder, self._taken)))
        self._update()

    def _on_out_typed(self) -> None:
        self._out_by_hand = True

    def _update(self) -> None:
        by_project, bed = self.of_project.isChecked(), self.bed.isChecked()
        self.follow.setEnabled(by_project)
        self.ambience.setEnabled(not by_project)
        self._form.setRowVisible(self.seconds, not bed)
        self._form.setRowVisible(self.frames_per_s, bed)
        n = len(self.frames.frames)
        chosen = len(every_nth(self.frames.frames, self.every.value()))
        if bed:
            text = self.tr("frames: masks are looked at in {chosen} of {n}; the shot lasts {seconds:.3g} s")
        else:
            text = self.tr("frames, that is {chosen} of {n}")
        seconds = self._shot_frames() / self.frames_per_s.value()
        self.count.setText(text.format(chosen=chosen, n=n, seconds=seconds) if n else "")
        problem = self._problem()
        self._tell(problem or self._remark())
        self.add_button.setEnabled(not problem)

    def _shot_frames(self) -> int:
        """How many frames the shot lasts, those that the folder lacks too."""
        frames = self.frames.frames
        return frames[-1].offset + 1 if frames else 0

    def _remark(self) -> str:
        """What is worth knowing, though it can be rendered."""
        out, image = self.out.path, self._project.image
        if out is not None and has_begun(out):
            return self.tr("This folder holds a batch already: only what is missing or differs will be rendered.")
        names = {each.name for each in self.frames.frames}
        if self.of_project.isChecked() and image is not None and image.name not in names:
            text = self.tr("{name} is not one of these frames: its masks are taken for those of the first frame.")
            return text.format(name=image.name)
        return ""

    def _tell(self, text: str) -> None:
        self.problem.setText(text)

    def _project_text(self, name: str) -> str:
        if not self._names:
            why = self.tr("no object of it has a mask") if self._project.image is not None else self.tr("none is open")
            return self.tr("The &objects of the open project ({why})").format(why=why)
        more = len(self._names) - _MOST_NAMES
        shown = ", ".join(self._names[:_MOST_NAMES]) + (self.tr(" and {n} more").format(n=more) if more > 0 else "")
        # A single & would make a shortcut of the letter after it.
        text = self.tr("The &objects of {name}: {shown}")
        return text.format(name=name.replace("&", "&&"), shown=shown.replace("&", "&&"))


def last_request(data: Mapping[str, Any]) -> BatchRequest | None:
    """What was asked for the last time; None where there is nothing, or, after a word about it, where it is odd."""
    try:
        return decode(BatchRequest, data, unknown="ignore", where="last_batch") if data else None
    except FieldError as error:
        title = QCoreApplication.translate("NewBatchDialog", "The form of the last batch cannot be used.")
        notifier.refused(error, title=title)
        return None


def _free_folder(folder: Path, taken: Iterable[Path]) -> Path:
    """'shot-sounds' beside 'shot', or 'shot-sounds-2' and so on where that is there."""
    used = {path.absolute() for path in taken}
    name = folder.stem if folder.suffix.lower() in MOVIE_SUFFIXES else folder.name
    number, found = 1, folder.with_name(f"{name}-sounds")
    while found in used or found.exists():
        number += 1
        found = folder.with_name(f"{name}-sounds-{number}")
    return found


def _number(value: float, low: float, high: float, *, suffix: str) -> QDoubleSpinBox:
    spin = DoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(3)
    spin.setSuffix(suffix)
    spin.setValue(value)
    return spin


def _column(*widgets: QWidget) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        if isinstance(widget, QRadioButton):
            layout.addWidget(widget)
        else:
            indented = QHBoxLayout()
            indented.addSpacing(24)
            indented.addWidget(widget)
            indented.addStretch(1)
            layout.addLayout(indented)
    return made


def _row(field: QWidget, label: PlainLabel) -> QWidget:
    made = QWidget()
    made.setFocusProxy(field)
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(field)
    layout.addWidget(label, 1)
    return made

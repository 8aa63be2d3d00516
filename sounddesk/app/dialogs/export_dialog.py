"""What to export and where, with the list of files that will be written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.settings import Settings
from sounddesk.audio.pcm import WavFormat
from sounddesk.domain.naming import safe_file_stem
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.project import Project

RATES_HZ = (44_100, 48_000, 88_200, 96_000)


@dataclass(frozen=True, kw_only=True)
class ExportChoice:
    """What the user asked for.

    Attributes:
        folder: existing or to be made.
        stems: file names by object id, in the project's order; empty where only the mix is wanted.
        mix: file name of the mix; None without one.
        wav_format: 'PCM_16', 'PCM_24' or 'FLOAT'.
        sample_rate_hz: of all files.
    """

    folder: Path
    stems: dict[str, str]
    mix: str | None
    wav_format: WavFormat
    sample_rate_hz: int

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that will be written."""
        names = [*self.stems.values(), *([self.mix] if self.mix else [])]
        return tuple(self.folder / name for name in names)


class ExportDialog(QDialog):
    """Signals: export_requested(ExportChoice), sent once the dialog was accepted."""

    export_requested = Signal(object)

    def __init__(self, project: Project, settings: Settings, name: str, parent: QWidget | None = None) -> None:
        """`name` begins the name of every file, e.g. the project's."""
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export"))
        self.resize(560, 480)
        self._project = project
        self._settings = settings
        start = settings.export_folder or Path.home()
        self._folder = QLineEdit(str(start))
        browse = QPushButton(self.tr("Choose…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._choose_folder)
        row = QHBoxLayout()
        row.addWidget(self._folder, 1)
        row.addWidget(browse)
        self._name = QLineEdit(name)
        self._stems = QCheckBox(self.tr("One stem per object"))
        self._mix = QCheckBox(self.tr("Mix"))
        self._silent = QCheckBox(self.tr("Also objects without a clip"))
        self._stems.setChecked(True)
        self._mix.setChecked(True)
        self._format = QComboBox()
        formats = (("PCM_24", self.tr("24 bit")), ("PCM_16", self.tr("16 bit")), ("FLOAT", self.tr("32 bit float")))
        for value, text in formats:
            self._format.addItem(text, value)
        self._format.setCurrentIndex(self._format.findData(settings.export_format))
        self._rate = QComboBox()
        for rate in RATES_HZ:
            self._rate.addItem(f"{rate / 1000:g} kHz", rate)
        self._rate.setCurrentIndex(max(0, self._rate.findData(settings.export_rate_hz)))
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("Folder:"), row)
        form.addRow(self.tr("Names begin with:"), self._name)
        form.addRow(self.tr("Files:"), self._stems)
        form.addRow("", self._silent)
        form.addRow("", self._mix)
        form.addRow(self.tr("Format:"), self._format)
        form.addRow(self.tr("Rate:"), self._rate)
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("Files that will be written"))
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._ok = QPushButton(self.tr("Export"))
        self._ok.setDefault(True)
        box.addButton(self._ok, QDialogButtonBox.ButtonRole.AcceptRole)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._summary)
        layout.addWidget(box)
        for field in (self._folder, self._name):
            field.textChanged.connect(self._preview)
        for check in (self._stems, self._mix, self._silent):
            check.toggled.connect(self._preview)
        self._preview()

    def choice(self) -> ExportChoice:
        """What the fields say now."""
        project = self._project
        begin = safe_file_stem(str(self._name.text())) if str(self._name.text()).strip() else ""
        prefix = f"{begin}_" if begin else ""
        with_clips = {clip.object_id for clip in project.clips}
        wanted = [o for o in project.objects if self._silent.isChecked() or o.id in with_clips]
        mix = f"{prefix}mix" if self._mix.isChecked() else None
        names = unique_file_stems([f"{prefix}{each.name}" for each in wanted], taken=[mix] if mix else [])
        stems = {each.id: f"{stem}.wav" for each, stem in zip(wanted, names, strict=True)}
        return ExportChoice(
            folder=Path(str(self._folder.text()).strip() or ".").expanduser(),
            stems=stems if self._stems.isChecked() else {},
            mix=f"{mix}.wav" if mix else None,
            wav_format=self._format.currentData(),
            sample_rate_hz=int(self._rate.currentData()),
        )

    def accept(self) -> None:
        """Remember the folder and format, and hand the choice over."""
        choice = self.choice()
        self._settings.export_folder = choice.folder
        self._settings.export_format = choice.wav_format
        self._settings.export_rate_hz = choice.sample_rate_hz
        super().accept()
        self.export_requested.emit(choice)

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Export into"), str(self._folder.text()))
        if name:
            self._folder.setText(name)

    def _preview(self) -> None:
        choice = self.choice()
        existing = [path for path in choice.files if path.exists()]
        self._list.clear()
        for path in choice.files:
            mark = self.tr("  (exists)") if path in existing else ""
            self._list.addItem(path.name + mark)
        self._ok.setEnabled(bool(choice.files) and not existing)
        length = self._project.settings.timeline_s
        if existing:
            text = self.tr("{n} of these files exist. Nothing is overwritten: choose another folder or beginning.")
            self._summary.setText(text.format(n=len(existing)))
        elif not choice.files:
            self._summary.setText(
                self.tr("There is nothing to write: place a take on the timeline, or choose the mix.")
            )
        else:
            text = self.tr("{n} files of {length:g} s each, all with the same start and length.")
            self._summary.setText(text.format(n=len(choice.files), length=length))

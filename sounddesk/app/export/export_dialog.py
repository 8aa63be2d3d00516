"""What to export and where, with the list of files that will be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QInputDialog
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.export.export_fields import ExportFields
from sounddesk.app.export.export_history import ExportHistory
from sounddesk.app.notifications import as_sentence
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import PlainMessageBox
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.audio.exporters.provenance import forbidden_recordings
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary
from sounddesk.storage.path_text import home_folder
from sounddesk.storage.path_text import path_of

_MOST_VERSIONS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What the user asked for.

    Attributes:
        plan: every file by name.
        folder: existing or to be made.
        on_save: export the same again on every save of the project.
        replace: files of the same names are replaced, as the user was asked and said.
    """

    plan: ExportPlan
    folder: Path
    on_save: bool = False
    replace: bool = False


class ExportDialog(QDialog):
    """Signals: export_requested(ExportRequest), sent once the dialog was accepted."""

    export_requested = Signal(object)

    def __init__(
        self,
        project: Project,
        takes: TakeLibrary,
        memory: ExportHistory,
        name: str,
        parent: QWidget | None = None,
        *,
        folder: Path | None = None,
        on_save: bool = False,
    ) -> None:
        """The dialog for a project.

        Args:
            name: of the project, in the names of files.
            folder: where to export to the first time; the folder of the last export comes first.
            on_save: whether saving exports already.
        """
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export"))
        self.resize(980, 620)
        self._project = project
        self._takes = takes
        self._memory = memory
        self._plan: ExportPlan | None = None
        self._presets = QComboBox()
        self._presets.setAccessibleName(self.tr("Preset"))
        keep = QPushButton(self.tr("Keep as preset…"))
        keep.setAutoDefault(False)
        keep.clicked.connect(self._keep_preset)
        self._folder = QLineEdit(str(memory.folder or folder or home_folder() / "sounddesk"))
        self._folder.setObjectName("folder")
        self._folder.setAccessibleName(self.tr("Folder"))
        browse = QPushButton(self.tr("Choose…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._choose_folder)
        self._name = QLineEdit(name)
        self._name.setObjectName("name")
        self.fields = ExportFields(project.settings.timeline_s)
        self._existing = QComboBox()
        self._existing.setAccessibleName(self.tr("Where files of these names exist"))
        self._existing.addItem(self.tr("Keep them and write a new version (_v2, _v3, …)"), "version")
        self._existing.addItem(self.tr("Replace them"), "replace")
        self._on_save = QCheckBox(self.tr("Export again on every save, replacing these files"))
        self._on_save.setChecked(on_save)
        top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        top.addRow(self.tr("Preset:"), _pair(self._presets, keep))
        top.addRow(self.tr("Folder:"), _pair(self._folder, browse))
        top.addRow(self.tr("Project name:"), self._name)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self.fields)
        left = QVBoxLayout()
        left.addLayout(top)
        left.addWidget(area, 1)
        left.addWidget(self._on_save)
        exist = QHBoxLayout()
        self._existing_label = PlainLabel(self.tr("If files &exist:"))
        self._existing_label.setBuddy(self._existing)
        exist.addWidget(self._existing_label)
        exist.addWidget(self._existing, 1)
        left.addLayout(exist)
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("Files that will be written"))
        self._summary = PlainLabel()
        self._summary.setWordWrap(True)
        right = QVBoxLayout()
        right.addWidget(PlainLabel(self.tr("Will be written:")))
        right.addWidget(self._list, 1)
        self._licences = PlainLabel()
        self._licences.setWordWrap(True)
        self._licences.setAccessibleName(self.tr("Recordings whose licence forbids paid work"))
        self._licences.hide()
        right.addWidget(self._licences)
        right.addWidget(self._summary)
        columns = QHBoxLayout()
        columns.addLayout(left, 3)
        columns.addLayout(right, 2)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._ok = QPushButton(self.tr("Export"))
        box.addButton(self._ok, QDialogButtonBox.ButtonRole.AcceptRole)
        # Qt gives Enter to the first button of the box that takes it, which is Cancel on some desktops.
        box.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self._ok.setDefault(True)
        self._ok.setProperty("accent", True)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(columns, 1)
        layout.addWidget(box)
        self._fill_presets()
        self.fields.set_settings(memory.last)
        self._presets.activated.connect(self._use_preset)
        self.fields.changed.connect(self._preview)
        for line in (self._folder, self._name):
            line.textChanged.connect(self._preview)
        self._on_save.toggled.connect(self._preview)
        self._existing.currentIndexChanged.connect(self._preview)
        self._preview()
        self._folder.setFocus()

    @property
    def folder(self) -> Path:
        """Raises: PathError, for a text that is no path."""
        return path_of(str(self._folder.text()).strip() or ".")

    @property
    def names(self) -> list[str]:
        """What the list shows."""
        return [self._list.item(index).text() for index in range(self._list.count())]

    def use_preset(self, name: str) -> None:
        """Fill the fields from a preset."""
        self.fields.set_settings(self._memory.presets()[name])

    def accept(self) -> None:
        """Remember the settings, and hand the request over."""
        if self._plan is None:
            return
        plan, folder = self._plan, self.folder
        on_save = self._on_save.isChecked()
        there = _existing_names(plan, folder)
        if there and not on_save and not self._may_replace(there, folder):
            return
        self._memory.remember(plan.settings, folder)
        super().accept()
        self.export_requested.emit(ExportRequest(plan=plan, folder=folder, on_save=on_save, replace=bool(there)))

    def _may_replace(self, names: Sequence[str], folder: Path) -> bool:
        """Ask; Enter and Escape both keep the files."""
        box = PlainMessageBox(self)
        box.setIcon(PlainMessageBox.Icon.Warning)
        box.setWindowTitle(self.windowTitle())
        box.setText(
            self.tr("Replace {name} in {folder}?").format(name=names[0], folder=folder)
            if len(names) == 1
            else self.tr("Replace {n} files in {folder}?").format(n=len(names), folder=folder)
        )
        box.setInformativeText(self.tr("What is replaced cannot be brought back."))
        replace = box.addButton(self.tr("Replace"), PlainMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(PlainMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        box.setEscapeButton(cancel)
        box.exec()
        return box.clickedButton() is replace

    def _fill_presets(self) -> None:
        self._presets.clear()
        self._presets.addItem(self.tr("As last time"), "")
        for name in self._memory.presets():
            self._presets.addItem(str(QCoreApplication.translate("ExportDialog", self._memory.title_of(name))), name)

    def _use_preset(self) -> None:
        name = self._presets.currentData()
        if name:
            self.use_preset(name)
        else:
            self.fields.set_settings(self._memory.last)

    def _keep_preset(self) -> None:
        try:
            settings = self.fields.settings()
        except ValueError as error:
            self._summary.setText(str(error))
            return
        name, given = QInputDialog.getText(self, self.tr("Keep as preset"), self.tr("Name:"))
        if given and str(name).strip():
            self._memory.keep_preset(str(name).strip(), settings)
            self._fill_presets()
            self._presets.setCurrentIndex(self._presets.findData(str(name).strip()))

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Export into"), str(self._folder.text()))
        if name:
            self._folder.setText(name)

    def _preview(self) -> None:
        self._plan = None
        self._list.clear()
        try:
            folder = self.folder
            plan = self._planned(folder)
        except ValueError as error:
            self._summary.setText(str(error))
            self._ok.setEnabled(False)
            return
        existing = set(_existing_names(plan, folder))
        for name in plan.names:
            self._list.addItem(name + (self.tr("  (exists)") if name in existing else ""))
        replacing = self._existing.currentData() == "replace"
        self._existing.setEnabled(not self._on_save.isChecked())
        allowed = not existing or self._on_save.isChecked() or replacing
        self._ok.setEnabled(allowed)
        self._plan = plan if allowed else None
        forbidden = forbidden_recordings(plan.files, self._takes, self._project)
        self._licences.setText("\n".join(as_sentence(each) for each in forbidden))
        self._licences.setVisible(bool(forbidden))
        self._summary.setText(self._said_of(plan, len(existing), replacing=replacing))

    def _planned(self, folder: Path) -> ExportPlan:
        """The plan, under the first name of which nothing exists yet where versions are wanted. Raises: ValueError."""
        name, settings = str(self._name.text()), self.fields.settings()
        plan = plan_export(self._project, self._takes, settings, name=name)
        if self._on_save.isChecked() or self._existing.currentData() == "replace":
            return plan
        for version in range(2, _MOST_VERSIONS):
            if not _existing_names(plan, folder):
                return plan
            newer = plan_export(self._project, self._takes, settings, name=f"{name}_v{version}")
            if newer.files and newer.files[0].name == plan.files[0].name:
                # Names without the project's name are the same in every version.
                break
            plan = newer
        return plan

    def _said_of(self, plan: ExportPlan, existing: int, *, replacing: bool) -> str:
        if existing and self._on_save.isChecked():
            if existing == 1:
                return self.tr("One of these files exists and will be replaced, now and on every save.")
            return self.tr("{n} of these files exist and will be replaced, now and on every save.").format(n=existing)
        if existing and not replacing:
            if existing == 1:
                return self.tr("One of these files exists: replace it, or choose another folder or other names.")
            text = self.tr("{n} of these files exist: replace them, or choose another folder or other names.")
            return text.format(n=existing)
        lengths = {file.frames for file in plan.files if file.what in ("stem", "mix")}
        count = len(plan.names)
        text = self.tr("1 file, at most {size:.0f} MB.") if count == 1 else self.tr("{n} files, at most {size:.0f} MB.")
        size = text.format(n=count, size=plan.needed_bytes / 1e6)
        if len(lengths) == 1:
            seconds = next(file.seconds for file in plan.files if file.what in ("stem", "mix"))
            size += " " + self.tr("Stems and mix: {seconds:g} s, same start and length.").format(seconds=seconds)
        return size


def _existing_names(plan: ExportPlan, folder: Path) -> list[str]:
    return [name for name in plan.names if (folder / name).exists()]


def _pair(field: QWidget, button: QPushButton) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(field, 1)
    layout.addWidget(button)
    return row

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
from PySide6.QtWidgets import QInputDialog
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QListWidget
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.export.export_fields import ExportFields
from sounddesk.app.export.export_history import ExportHistory
from sounddesk.app.plain_text import PlainLabel
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary
from sounddesk.storage.path_text import home_folder
from sounddesk.storage.path_text import path_of


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What the user asked for.

    Attributes:
        plan: every file by name.
        folder: existing or to be made.
        on_save: export the same again on every save of the project.
    """

    plan: ExportPlan
    folder: Path
    on_save: bool = False


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
        on_save: bool = False,
    ) -> None:
        """`name`: of the project, in the names of files; `on_save`: whether saving exports already."""
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
        self._folder = QLineEdit(str(memory.folder or home_folder()))
        self._folder.setObjectName("folder")
        self._folder.setAccessibleName(self.tr("Folder"))
        browse = QPushButton(self.tr("Choose…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._choose_folder)
        self._name = QLineEdit(name)
        self._name.setObjectName("name")
        self.fields = ExportFields(project.settings.timeline_s)
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
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("Files that will be written"))
        self._summary = PlainLabel()
        self._summary.setWordWrap(True)
        right = QVBoxLayout()
        right.addWidget(PlainLabel(self.tr("Will be written:")))
        right.addWidget(self._list, 1)
        right.addWidget(self._summary)
        columns = QHBoxLayout()
        columns.addLayout(left, 3)
        columns.addLayout(right, 2)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._ok = QPushButton(self.tr("Export"))
        self._ok.setDefault(True)
        box.addButton(self._ok, QDialogButtonBox.ButtonRole.AcceptRole)
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
        self._memory.remember(self._plan.settings, self.folder)
        super().accept()
        self.export_requested.emit(
            ExportRequest(plan=self._plan, folder=self.folder, on_save=self._on_save.isChecked())
        )

    def _fill_presets(self) -> None:
        self._presets.clear()
        self._presets.addItem(self.tr("As last time"), "")
        for name in self._memory.presets():
            self._presets.addItem(name, name)

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
            plan = plan_export(self._project, self._takes, self.fields.settings(), name=str(self._name.text()))
        except ValueError as error:
            self._summary.setText(str(error))
            self._ok.setEnabled(False)
            return
        existing = {name for name in plan.names if (folder / name).exists()}
        for name in plan.names:
            self._list.addItem(name + (self.tr("  (exists)") if name in existing else ""))
        allowed = not existing or self._on_save.isChecked()
        self._ok.setEnabled(allowed)
        self._plan = plan if allowed else None
        self._summary.setText(self._said_of(plan, len(existing)))

    def _said_of(self, plan: ExportPlan, existing: int) -> str:
        if existing and self._on_save.isChecked():
            return self.tr("{n} of these files exist and will be replaced, now and on every save.").format(n=existing)
        if existing:
            text = self.tr("{n} of these files exist. Nothing is overwritten: choose another folder or name.")
            return text.format(n=existing)
        lengths = {file.frames for file in plan.files if file.what in ("stem", "mix")}
        count = len(plan.names)
        text = self.tr("1 file, at most {size:.0f} MB.") if count == 1 else self.tr("{n} files, at most {size:.0f} MB.")
        size = text.format(n=count, size=plan.needed_bytes / 1e6)
        if len(lengths) == 1:
            seconds = next(file.seconds for file in plan.files if file.what in ("stem", "mix"))
            size += " " + self.tr("Stems and mix: {seconds:g} s, same start and length.").format(seconds=seconds)
        return size


def _pair(field: QWidget, button: QPushButton) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(field, 1)
    layout.addWidget(button)
    return row

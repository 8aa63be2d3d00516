"""Published models: what there is, under which licence, and installing, checking and removing them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QProgressBar
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QTreeWidget
from PySide6.QtWidgets import QTreeWidgetItem
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.notifications import as_sentence
from sounddesk.app.plain_text import ForeignMarkdown
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.workers.models_worker import ModelsWorker
from sounddesk.domain.errors import EngineError
from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.engine.catalogue.entries import load_catalogue
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import has_partial_download
from sounddesk.engine.catalogue.model_store import list_models
from sounddesk.engine.catalogue.model_store import models_folder
from sounddesk.engine.catalogue.users import offered
from sounddesk.engine.tasks import Progress
from sounddesk.engine.tasks import duration_text
from sounddesk.engine.tasks import size_text

_STEPS: Final = 1000


class ModelsDialog(QDialog):
    """The catalogue with what is installed of it.

    Signals:
        installed(kind): a model of that kind has come or gone, e.g. 'segmenter'.
    """

    installed = Signal(str)

    def __init__(self, parent: QWidget | None = None, *, worker: ModelsWorker | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Published models"))
        self.resize(860, 620)
        self.worker = worker or ModelsWorker(self)
        self.worker.progress.connect(self._show_progress)
        self.worker.finished.connect(self._on_finished)
        self.worker.paused.connect(self._on_paused)
        self.worker.failed.connect(self._on_failed)
        self._entries: dict[str, CatalogueEntry] = {}
        self._models: dict[str, InstalledModel] = {}
        self._working_on: str | None = None

        self.list = QTreeWidget()
        self.list.setObjectName("models")
        self.list.setAccessibleName(self.tr("Published models"))
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setHeaderLabels(
            [self.tr("Model"), self.tr("State"), self.tr("Size"), self.tr("Commercial use"), self.tr("Licence")]
        )
        self.list.currentItemChanged.connect(self._show_entry)
        self.text = ForeignMarkdown()
        self.text.setAccessibleName(self.tr("About the model, and its licence"))
        self.accept_box = QCheckBox(self.tr("I have read the licence and accept it"))
        self.accept_box.toggled.connect(self._update_buttons)
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.status = PlainLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.install_button = QPushButton(self.tr("Install"))
        self.pause_button = QPushButton(self.tr("Pause"))
        self.verify_button = QPushButton(self.tr("Check files"))
        self.remove_button = QPushButton(self.tr("Remove"))
        self.install_button.clicked.connect(self._install)
        self.pause_button.clicked.connect(self.worker.pause)
        self.verify_button.clicked.connect(self._verify)
        self.remove_button.clicked.connect(self._remove)
        row = QHBoxLayout()
        for button in (self.install_button, self.pause_button, self.verify_button, self.remove_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        where = PlainLabel(self.tr("Models are in {folder}").format(folder=models_folder()))
        where.setWordWrap(True)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        box.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.list, 3)
        layout.addWidget(self.text, 2)
        layout.addWidget(self.accept_box)
        layout.addLayout(row)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addWidget(where)
        layout.addWidget(box)
        self.reload()

    def reload(self) -> None:
        """Read the catalogues and the installed models again; the selection stays."""
        chosen = self.current_id
        problems: list[str] = []
        try:
            self._entries = load_catalogue(on_problem=problems.append)
        except EngineError as error:
            problems.append(str(error))
        listings = list_models()
        problems += [f"{each.record_folder.name}: {each.problem}" for each in listings if each.model is None]
        if problems:
            self.status.setText("; ".join(problems))
        self._models = {listing.model.id: listing.model for listing in listings if listing.model is not None}
        # The height of rows is measured once, and the style sheet has a say in it.
        self.list.ensurePolished()
        with QSignalBlocker(self.list):
            self.list.clear()
            for model_id in dict.fromkeys([*offered(self._entries), *self._models]):
                item = self._item(model_id)
                self.list.addTopLevelItem(item)
                if model_id == chosen or (chosen is None and self.list.topLevelItemCount() == 1):
                    self.list.setCurrentItem(item)
        for column in range(4):
            self.list.resizeColumnToContents(column)
        self._show_entry()

    @property
    def current_id(self) -> str | None:
        item = self.list.currentItem()
        return None if item is None else str(item.data(0, Qt.ItemDataRole.UserRole))

    def select(self, model_id: str) -> None:
        """Show this model."""
        for index in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(index)
            if item is not None and item.data(0, Qt.ItemDataRole.UserRole) == model_id:
                self.list.setCurrentItem(item)

    def state_of(self, model_id: str) -> str:
        """Where the model stands, as the list shows it."""
        if model_id == self._working_on:
            return self.tr("at work")
        if model_id in self._models:
            return self.tr("installed")
        return self.tr("begun") if has_partial_download(model_id) else ""

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """A download in hand is paused, and goes on the next time."""
        self.worker.close()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        """The same by Esc, which sends no close event."""
        self.worker.close()
        super().done(result)

    def _item(self, model_id: str) -> QTreeWidgetItem:
        entry, model = self._entries.get(model_id), self._models.get(model_id)
        known = entry or model
        assert known is not None
        n_bytes = model.n_bytes if model is not None else None if entry is None else entry.known_bytes
        commercial = {"yes": self.tr("allowed"), "no": self.tr("not allowed"), "conditional": self.tr("on conditions")}
        size = "" if n_bytes is None else size_text(n_bytes)
        item = QTreeWidgetItem(
            [known.name, self.state_of(model_id), size, commercial[known.licence.commercial], known.licence.name]
        )
        item.setData(0, Qt.ItemDataRole.UserRole, model_id)
        return item

    def _show_entry(self, *_: object) -> None:
        model_id = self.current_id
        entry = None if model_id is None else self._entries.get(model_id)
        model = None if model_id is None else self._models.get(model_id)
        known = entry or model
        with QSignalBlocker(self.accept_box):
            self.accept_box.setChecked(model is not None)
        if known is not None:
            licence = known.licence
            commercial = {"yes": self.tr("yes"), "no": self.tr("no"), "conditional": self.tr("on conditions only")}
            lines = [
                f"### {known.name}",
                "" if entry is None else as_sentence(entry.purpose),
                self.tr("**Licence:** {name}").format(name=licence.name),
                self.tr("**Commercial use:** {use}").format(use=commercial[licence.commercial]),
                licence.note,
                "" if licence.url is None else f"[{licence.url}]({licence.url})",
                self.tr("**From:** {origin}").format(origin=known.origin),
            ]
            if entry is not None and entry.memory_gb is not None:
                lines.append(self.tr("**Memory:** {size} for its weights").format(size=f"{entry.memory_gb:g} GB"))
            if model is not None:
                lines.append(self.tr("**Licence accepted:** {when}").format(when=model.accepted_at))
            self.text.show_markdown("\n\n".join(line for line in lines if line))
        self._update_buttons()

    def _update_buttons(self) -> None:
        model_id = self.current_id
        busy = self._working_on is not None
        is_installed = model_id in self._models
        begun = model_id is not None and has_partial_download(model_id)
        self.install_button.setText(self.tr("Resume") if begun else self.tr("Install"))
        can_install = model_id in self._entries and not is_installed and self.accept_box.isChecked()
        self.install_button.setEnabled(can_install and not busy)
        self.accept_box.setEnabled(not is_installed and not busy)
        self.pause_button.setEnabled(busy)
        self.verify_button.setEnabled(is_installed and not busy)
        self.remove_button.setEnabled((is_installed or begun) and not busy)

    def _install(self) -> None:
        self._begin()
        if self._working_on is not None:
            self.worker.install(self._entries[self._working_on])

    def _verify(self) -> None:
        self._begin()
        if self._working_on is not None:
            self.worker.verify(self._working_on)

    def _remove(self) -> None:
        self._begin()
        if self._working_on is not None:
            self.worker.remove(self._working_on)

    def _begin(self) -> None:
        self._working_on = self.current_id
        self.bar.setValue(0)
        self.bar.show()
        self.status.setText("")
        self.reload()

    def _end(self, text: str) -> None:
        self._working_on = None
        self.bar.hide()
        self.reload()
        self.status.setText(text)

    def _show_progress(self, report: Progress) -> None:
        self.bar.setValue(_STEPS * report.done // max(report.total, 1))
        text = self.tr("{stage}: {done} of {total}").format(
            stage=report.stage,
            done=size_text(report.done) if report.unit == "bytes" else report.done,
            total=size_text(report.total) if report.unit == "bytes" else report.total,
        )
        if report.unit == "bytes" and report.per_s is not None:
            text += self.tr(", {speed} a second").format(speed=size_text(round(report.per_s)))
        if report.remaining_s is not None and report.done < report.total:
            text += self.tr(", {time} left").format(time=duration_text(report.remaining_s))
        self.status.setText(text)

    def _on_finished(self, model_id: str, what: str) -> None:
        known = self._entries.get(model_id) or self._models.get(model_id)
        self.bar.setValue(_STEPS)
        done = {
            "install": self.tr("{name} is installed."),
            "verify": self.tr("Every file of {name} is as it was installed."),
            "remove": self.tr("{name} is removed."),
        }
        self._end(done[what].format(name=model_id if known is None else known.name))
        if known is not None and what != "verify":
            self.installed.emit(known.kind)

    def _on_paused(self, _model_id: str) -> None:
        self._end(self.tr("Paused. What has arrived is kept."))

    def _on_failed(self, _model_id: str, message: str) -> None:
        self._end(message)

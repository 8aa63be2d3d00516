"""Preferences: look, engine, sound, saving, export defaults."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDialog
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QSpinBox
from PySide6.QtWidgets import QTabWidget
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.dialogs.dialog_buttons import ok_and_cancel
from sounddesk.app.dialogs.storage_page import StoragePage
from sounddesk.app.dialogs.storage_page import folder_bytes
from sounddesk.app.look.spin_boxes import SpinBox
from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.notifications import as_sentence
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.settings import Settings
from sounddesk.audio.playback.playback import BUFFERS_S
from sounddesk.engine.segmenters.registry import checkpoint_help
from sounddesk.engine.segmenters.registry import checkpoint_suffixes

RATES_HZ = (44_100, 48_000, 88_200, 96_000)


class Preferences(QDialog):
    """Values are stored with OK; Cancel leaves everything as it was.

    Args:
        find_outputs: names of the outputs to choose from besides the system's default.
        bundles: names of installed bundles; found by `list_bundles` where left out.
    """

    def __init__(
        self,
        settings: Settings,
        parent: QWidget | None = None,
        *,
        find_outputs: Callable[[], Sequence[str]] = tuple,
        bundles: Sequence[str] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Preferences"))
        self.resize(520, 360)
        self._settings = settings
        self._stores: list[Callable[[], None]] = []
        tabs = QTabWidget()
        tabs.addTab(self._general(), self.tr("General"))
        tabs.addTab(self._engine(bundle_names() if bundles is None else bundles), self.tr("Generation"))
        tabs.addTab(self._sound(), self.tr("Sound and export"))
        self._storage = StoragePage()
        tabs.addTab(self._storage, self.tr("Storage"))
        self._find_outputs = find_outputs
        layout = QVBoxLayout(self)
        layout.addWidget(tabs, 1)
        layout.addWidget(ok_and_cancel(self))

    @property
    def questions(self) -> dict[object, Callable[[], object]]:
        """What takes too long for the UI thread: work by its key, for `answer`."""
        folders: dict[object, Callable[[], object]] = {
            folder: partial(folder_bytes, folder) for folder in self._storage.sizes
        }
        return {"outputs": self._find_outputs, **folders}

    def answer(self, key: object, result: Any) -> None:
        """Show what came of one of the questions."""
        if isinstance(key, Path):
            self._storage.show_size(key, result)
        else:
            self._add_outputs(result)

    def accept(self) -> None:
        """Store everything; the theme shows at once."""
        for store in self._stores:
            store()
        self._settings.sync()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, self._settings.theme)
        super().accept()

    def _general(self) -> QWidget:
        page, form = _page()
        names = {"system": self.tr("As the system"), "dark": self.tr("Dark"), "light": self.tr("Light")}
        form.addRow(self.tr("Theme:"), self._choice("theme", names))
        minutes = self._number("autosave_minutes", 0, 120, self.tr(" minutes"))
        minutes.setSpecialValueText(self.tr("Only when I save"))
        form.addRow(self.tr("Save the file every:"), minutes)
        form.addRow(self.tr("Names:"), self._switch("name_objects", self.tr("Name objects by what they show")))
        form.addRow(_note(self.tr("A recovery copy of every step is kept at all times, also of projects never saved.")))
        return page

    def _engine(self, bundles: Sequence[str]) -> QWidget:
        page, form = _page()
        devices = {"auto": self.tr("Best available"), "cpu": "CPU", "cuda": "CUDA", "mps": "MPS (Apple)"}
        form.addRow(self.tr("Device:"), self._choice("device", devices))
        precisions = {"auto": self.tr("Quickest of the device"), "full": self.tr("Full (float32)")}
        form.addRow(self.tr("Precision:"), self._choice("precision", precisions))
        plans = {
            "auto": self.tr("As much as there is room for"),
            "keep": self.tr("Keep the whole model on the device"),
            "offload": self.tr("Move each part to the device when needed"),
            "sequential": self.tr("Load each part when needed (slow, least memory)"),
        }
        form.addRow(self.tr("Memory:"), self._choice("memory", plans))
        form.addRow(self.tr("Bundle of new projects:"), self._choice("bundle", {name: name for name in bundles}))
        form.addRow(self.tr("SAM checkpoint:"), self._sam())
        return page

    def _sound(self) -> QWidget:
        page, form = _page()
        self._outputs = self._choice("audio_device", {"": self.tr("System default")})
        form.addRow(self.tr("Output:"), self._outputs)
        texts = {
            "small": self.tr("Small, {ms:.0f} ms: answers at once, may break off while takes are made"),
            "normal": self.tr("Normal, {ms:.0f} ms"),
            "large": self.tr("Large, {ms:.0f} ms: for a busy computer"),
        }
        buffers = {name: texts[name].format(ms=1000 * seconds) for name, seconds in BUFFERS_S.items()}
        form.addRow(self.tr("Playback buffer:"), self._choice("audio_buffer", buffers))
        form.addRow(self.tr("Stop:"), self._switch("return_on_stop", self.tr("puts the playhead back to its start")))
        formats = {"PCM_24": self.tr("24 bit"), "PCM_16": self.tr("16 bit"), "FLOAT": self.tr("32 bit float")}
        form.addRow(self.tr("Export format:"), self._choice("export_format", formats))
        rates = QComboBox()
        for rate in RATES_HZ:
            rates.addItem(f"{rate / 1000:g} kHz", rate)
        rates.setCurrentIndex(max(0, rates.findData(self._settings.export_rate_hz)))
        self._stores.append(lambda: setattr(self._settings, "export_rate_hz", rates.currentData()))
        form.addRow(self.tr("Export rate:"), rates)
        return page

    def _add_outputs(self, names: Sequence[str]) -> None:
        for name in names:
            if self._outputs.findData(name) < 0:
                self._outputs.addItem(name, name)

    def _choice(self, name: str, texts: dict[str, str]) -> QComboBox:
        combo = QComboBox()
        combo.setObjectName(name)
        current = getattr(self._settings, name)
        for value, text in {**texts, **({} if current in texts else {current: current})}.items():
            combo.addItem(text, value)
        combo.setCurrentIndex(combo.findData(current))
        self._stores.append(lambda: setattr(self._settings, name, combo.currentData()))
        return combo

    def _number(self, name: str, low: int, high: int, suffix: str) -> QSpinBox:
        spin = SpinBox()
        spin.setObjectName(name)
        spin.setRange(low, high)
        spin.setSuffix(suffix)
        spin.setValue(getattr(self._settings, name))
        self._stores.append(lambda: setattr(self._settings, name, spin.value()))
        return spin

    def _switch(self, name: str, text: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setObjectName(name)
        box.setChecked(getattr(self._settings, name))
        self._stores.append(lambda: setattr(self._settings, name, box.isChecked()))
        return box

    def _sam(self) -> QWidget:
        field = QLineEdit()
        field.setObjectName("sam_checkpoint")
        field.setAccessibleName(self.tr("SAM checkpoint"))
        field.setPlaceholderText(self.tr("None: an installed SAM, or the one that ships"))
        checkpoint = self._settings.sam_checkpoint
        field.setText("" if checkpoint is None else str(checkpoint))
        field.setToolTip(as_sentence(checkpoint_help()))
        suffixes = " ".join(f"*{suffix}" for suffix in checkpoint_suffixes())
        browse = QPushButton(self.tr("Choose…"))

        def choose() -> None:
            name, _ = QFileDialog.getOpenFileName(
                self,
                self.tr("SAM checkpoint"),
                field.text(),
                f"{self.tr('Checkpoints')} ({suffixes})",
            )
            if name:
                field.setText(name)

        def store() -> None:
            text = str(field.text()).strip()
            self._settings.sam_checkpoint = Path(text) if text else None

        browse.clicked.connect(choose)
        self._stores.append(store)
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(field, 1)
        layout.addWidget(browse)
        return row


def _page() -> tuple[QWidget, QFormLayout]:
    page = QWidget()
    form = QFormLayout(page)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return page, form


def _note(text: str) -> PlainLabel:
    label = PlainLabel(text)
    label.setWordWrap(True)
    return label


def bundle_names() -> list[str]:
    """Installed bundles that can be read."""
    from sounddesk.engine.bundles.installed_bundles import list_bundles

    return [each.bundle.name for each in list_bundles() if each.bundle is not None]

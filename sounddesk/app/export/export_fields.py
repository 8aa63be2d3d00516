"""The fields of an export, as a form over `ExportSettings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox
from PySide6.QtWidgets import QComboBox
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QFormLayout
from PySide6.QtWidgets import QGridLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLineEdit
from PySide6.QtWidgets import QWidget

from sounddesk.app.look.spin_boxes import DoubleSpinBox
from sounddesk.app.plain_text import PlainLabel
from sounddesk.audio.exchange.exchange_format import exchange_formats
from sounddesk.audio.exporters.export_settings import MIN_LUFS
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.exporters.naming_template import FIELDS
from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.audio.formats.audio_format import audio_formats
from sounddesk.audio.formats.audio_format import sample_rates_hz


class ExportFields(QWidget):
    """Signals: changed(): some field has another value."""

    changed = Signal()

    def __init__(self, timeline_s: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Fields send changes also while they are made.
        self._filling = True
        self.stems = self._check("stems", self.tr("One stem per object"))
        self.silent = self._check("silent_lanes", self.tr("Also objects without a clip"))
        self.mix = self._check("mix", self.tr("Mix"))
        self.clips = self._check("clips", self.tr("One file per clip"))
        self.takes = self._combo(
            "takes",
            {
                "none": self.tr("None"),
                "placed": self.tr("Those on the timeline, one file each"),
                "starred": self.tr("Starred ones, one file each"),
                "all": self.tr("All, one file each"),
            },
        )
        self.format = self._combo("format", {each.name: each.label for each in audio_formats()})
        self.rate = self._combo("sample_rate_hz", {rate: f"{rate / 1000:g} kHz" for rate in sample_rates_hz()})
        self.channels = self._combo("channels", {"stereo": self.tr("Stereo"), "mono": self.tr("Mono")})
        self.fader = self._combo(
            "pre_fader", {False: self.tr("After the fader, as heard"), True: self.tr("Before fader, pan and mute")}
        )
        self.dither = self._check("dither", self.tr("Dither 16 bit"))
        self.part = self._check("range", self.tr("Only from"))
        self.start = self._seconds("range_start", 0.0, timeline_s)
        self.end = self._seconds("range_end", 0.0, timeline_s)
        self.start.setAccessibleName(self.tr("Start of the range"))
        self.end.setAccessibleName(self.tr("End of the range"))
        self.end.setValue(timeline_s)
        self.tails = self._check("tails", self.tr("Let clips ring out past the end"))
        self.normalise = self._check("normalise", self.tr("Bring the mix to"))
        self.lufs = DoubleSpinBox()
        self.lufs.setObjectName("normalise_lufs")
        self.lufs.setRange(MIN_LUFS, 0.0)
        self.lufs.setDecimals(1)
        self.lufs.setValue(-23.0)
        self.lufs.setSuffix(" LUFS")
        self.lufs.setAccessibleName(self.tr("Loudness of the mix"))
        self.lufs.valueChanged.connect(self._on_change)
        self.template = self._line("template", self.tr("Names"))
        hints = "\n".join(f"{{{name}}}: {meaning}" for name, meaning in FIELDS.items())
        self.template.setToolTip(hints)
        self.creator = self._line("creator_id", self.tr("UCS creator id"))
        self.source = self._line("source_id", self.tr("UCS source id"))
        self.sidecar = self._check("sidecar", self.tr("Provenance as JSON"))
        self.exchange = {each.name: self._check(each.name, each.label) for each in exchange_formats()}
        form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("Files:"), _row(self.stems, self.silent))
        form.addRow("", _row(self.mix, self.clips))
        form.addRow(self.tr("Whole takes:"), self.takes)
        form.addRow(self.tr("Format:"), _row(self.format, self.rate, self.channels))
        form.addRow("", self.dither)
        form.addRow(self.tr("Stems and clips:"), self.fader)
        form.addRow(self.tr("Range:"), _row(self.part, self.start, PlainLabel(self.tr("to")), self.end))
        form.addRow("", self.tails)
        form.addRow(self.tr("Loudness:"), _row(self.normalise, self.lufs))
        form.addRow(self.tr("Names:"), self.template)
        form.addRow(self.tr("UCS ids:"), _row(self.creator, self.source))
        form.addRow(self.tr("Also:"), self.sidecar)
        form.addRow(self.tr("Projects for:"), _grid(*self.exchange.values()))
        self._filling = False
        self._enable()

    def settings(self) -> ExportSettings:
        """What the fields say. Raises: ValueError, naming the field that cannot be used."""
        return ExportSettings(
            format=self.format.currentData(),
            sample_rate_hz=int(self.rate.currentData()),
            channels=self.channels.currentData(),
            stems=self.stems.isChecked(),
            mix=self.mix.isChecked(),
            clips=self.clips.isChecked(),
            takes=self.takes.currentData(),
            pre_fader=bool(self.fader.currentData()),
            silent_lanes=self.silent.isChecked(),
            range_s=(self.start.value(), self.end.value()) if self.part.isChecked() else None,
            tails=self.tails.isChecked(),
            dither=self.dither.isChecked(),
            normalise_lufs=self.lufs.value() if self.normalise.isChecked() else None,
            template=str(self.template.text()),
            creator_id=str(self.creator.text()),
            source_id=str(self.source.text()),
            sidecar=self.sidecar.isChecked(),
            exchange=tuple(name for name, box in self.exchange.items() if box.isChecked()),
        )

    def set_settings(self, settings: ExportSettings) -> None:
        """Show these; `changed` is sent once."""
        self._filling = True
        for combo, value in (
            (self.format, settings.format),
            (self.rate, settings.sample_rate_hz),
            (self.channels, settings.channels),
            (self.takes, settings.takes),
            (self.fader, settings.pre_fader),
        ):
            combo.setCurrentIndex(max(0, combo.findData(value)))
        for box, checked in (
            (self.stems, settings.stems),
            (self.mix, settings.mix),
            (self.clips, settings.clips),
            (self.silent, settings.silent_lanes),
            (self.part, settings.range_s is not None),
            (self.tails, settings.tails),
            (self.dither, settings.dither),
            (self.normalise, settings.normalise_lufs is not None),
            (self.sidecar, settings.sidecar),
            *((box, name in settings.exchange) for name, box in self.exchange.items()),
        ):
            box.setChecked(bool(checked))
        if settings.range_s is not None:
            self.start.setValue(settings.range_s[0])
            self.end.setValue(settings.range_s[1])
        if settings.normalise_lufs is not None:
            self.lufs.setValue(settings.normalise_lufs)
        self.template.setText(settings.template)
        self.creator.setText(settings.creator_id)
        self.source.setText(settings.source_id)
        self._filling = False
        self._on_change()

    def _on_change(self) -> None:
        if not self._filling:
            self._enable()
            self.changed.emit()

    def _enable(self) -> None:
        for field in (self.start, self.end):
            field.setEnabled(self.part.isChecked())
        self.lufs.setEnabled(self.normalise.isChecked())
        self.dither.setEnabled(AUDIO_FORMATS.get(self.format.currentData()).subtype == "PCM_16")
        self.silent.setEnabled(self.stems.isChecked())

    def _check(self, name: str, text: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setObjectName(name)
        box.toggled.connect(self._on_change)
        return box

    def _combo(self, name: str, texts: Mapping[Any, str]) -> QComboBox:
        combo = QComboBox()
        combo.setObjectName(name)
        for value, text in texts.items():
            combo.addItem(text, value)
        combo.currentIndexChanged.connect(self._on_change)
        return combo

    def _seconds(self, name: str, low: float, high: float) -> QDoubleSpinBox:
        spin = DoubleSpinBox()
        spin.setObjectName(name)
        spin.setRange(low, high)
        spin.setDecimals(3)
        spin.setSuffix(self.tr(" s"))
        spin.valueChanged.connect(self._on_change)
        return spin

    def _line(self, name: str, label: str) -> QLineEdit:
        line = QLineEdit()
        line.setObjectName(name)
        line.setPlaceholderText(label)
        line.setAccessibleName(label)
        line.textChanged.connect(self._on_change)
        return line


def _grid(*widgets: QWidget) -> QWidget:
    """Two in a row: their names are long, and a form that is wider than its dialog hides its right end."""
    grid = QWidget()
    layout = QGridLayout(grid)
    layout.setContentsMargins(0, 0, 0, 0)
    for index, widget in enumerate(widgets):
        layout.addWidget(widget, index // 2, index % 2)
    return grid


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch(1)
    return row

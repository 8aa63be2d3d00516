"""Faders, pan, mute, solo, polarity and meters, one strip per object, and the master."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QSlider
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.buttons import command_button
from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.mixer.level_meter import BOTTOM_DB
from sounddesk.app.mixer.level_meter import LevelMeter
from sounddesk.app.mixer.level_meter import LoudnessPanel
from sounddesk.app.plain_text import PlainLabel
from sounddesk.app.plain_text import plain_tip
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.audio.playback.playback_levels import MASTER
from sounddesk.audio.playback.playback_levels import LaneLevel
from sounddesk.domain.project import Project

_TOP_DB: Final = 12.0
# As on most consoles: mute is red, solo yellow; readable with black letters.
_LIT = {"muted": "#ff7a70", "soloed": "#f2c744", "inverted": "#7db8f0", "limiter": "#7db8f0"}


class Fader(QSlider):
    """A vertical slider in tenths of a dB; a double click brings it to 0 dB."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setRange(round(BOTTOM_DB * 10), round(_TOP_DB * 10))
        self.setMinimumHeight(96)
        self.setPageStep(10)
        self.setSingleStep(5)

    def mouseDoubleClickEvent(self, _event: object) -> None:  # noqa: N802
        self.setValue(0)


class Strip(QWidget):
    """One channel; `apply(text, project, merge_key)` puts a change into the document."""

    def __init__(self, document: Document, object_id: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._object_id = object_id
        self._filling = False
        self.meter = LevelMeter(self)
        self.fader = Fader(self)
        self._value = QDoubleSpinBox(self)
        self._value.setRange(BOTTOM_DB, _TOP_DB)
        self._value.setDecimals(1)
        self._value.setSuffix(" dB")
        self._value.setKeyboardTracking(False)
        self._value.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self._name = PlainLabel(parent=self)
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout()
        row.addWidget(self.meter)
        row.addWidget(self.fader)
        flags = QHBoxLayout()
        flags.setSpacing(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self._name)
        names = (
            (("muted", "M", self.tr("Mute")), ("soloed", "S", self.tr("Solo")), ("inverted", "Ø", self.tr("Invert")))
            if object_id is not None
            else (("limiter", "Lim", self.tr("Limiter")),)
        )
        for field, text, title in names:
            button = QToolButton(self)
            button.setText(text)
            button.setCheckable(True)
            button.setToolTip(title)
            # A pressed button of the style can hardly be told from one that is not, in the dark theme not at all.
            button.setStyleSheet(f"QToolButton:checked {{ background: {_LIT[field]}; color: black; }}")
            button.clicked.connect(lambda on, field=field, title=title: self._set_flag(field, on, title))
            self.buttons[field] = button
            flags.addWidget(button)
        layout.addLayout(flags)
        self.pan = QSlider(Qt.Orientation.Horizontal, self)
        self.pan.setRange(-100, 100)
        self.pan.setVisible(object_id is not None)
        self.pan.valueChanged.connect(self._set_pan)
        layout.addWidget(self.pan)
        layout.addLayout(row, 1)
        layout.addWidget(self._value)
        self.setFixedWidth(84)
        self.fader.sliderPressed.connect(lambda: document.begin(self.tr("Move fader")))
        self.fader.sliderReleased.connect(document.end)
        self.fader.valueChanged.connect(lambda tenths: self._set_gain(tenths / 10))
        self._value.valueChanged.connect(self._set_gain)
        self.refresh()

    def refresh(self) -> None:
        """Show the document's values."""
        self._filling = True
        project = self._document.project
        if self._object_id is None:
            gain_db, name = project.master.gain_db, self.tr("Master")
            self.buttons["limiter"].setChecked(project.master.limiter)
        else:
            each = project.object(self._object_id)
            gain_db, name = each.strip.gain_db, each.name
            for field in ("muted", "soloed", "inverted"):
                self.buttons[field].setChecked(getattr(each.strip, field))
            self.pan.setValue(round(each.strip.pan * 100))
        self._name.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, 76))
        self._name.setToolTip(plain_tip(name))
        self.fader.setValue(round(gain_db * 10))
        self._value.setValue(gain_db)
        for widget, what in (
            (self.fader, self.tr("Fader")), (self._value, self.tr("Gain")), (self.pan, self.tr("Pan")),
        ):  # fmt: skip
            widget.setAccessibleName(f"{what} {name}")
        for button in self.buttons.values():
            button.setAccessibleName(f"{button.toolTip()} {name}")
        self._filling = False

    def _set_gain(self, gain_db: float) -> None:
        def change(project: Project) -> Project:
            if self._object_id is None:
                return project.with_master(gain_db=gain_db)
            return project.with_strip(self._object_id, gain_db=gain_db)

        self._apply(self.tr("Move fader"), change, key="fader")

    def _set_pan(self, hundredths: int) -> None:
        if self._object_id is not None:
            object_id = self._object_id
            self._apply(self.tr("Pan"), lambda p: p.with_strip(object_id, pan=hundredths / 100), key="pan")

    def _set_flag(self, field: str, on: bool, title: str) -> None:
        def change(project: Project) -> Project:
            if self._object_id is None:
                return project.with_master(**{field: on})
            return project.with_strip(self._object_id, **{field: on})

        self._apply(title, change, key=None)

    def _apply(self, text: str, change: Callable[[Project], Project], *, key: str | None) -> None:
        if self._filling:
            return
        project = change(self._document.project)
        if self._document.in_gesture:
            self._document.preview(project)
        else:
            merge_key = None if key is None else f"{key} {self._object_id}"
            self._document.commit(text, project, merge_key=merge_key)


class MixerPanel(QWidget):
    """Signals: levels_requested()."""

    levels_requested = Signal()

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: CommandRegistry,
        player: Player,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self.strips: dict[str, Strip] = {}
        self._row = QHBoxLayout()
        self._row.setSpacing(2)
        self._row.addStretch(1)
        inner = QWidget(self)
        inner.setLayout(self._row)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        self.master = Strip(document, None, self)
        actions.add(COMMANDS, owner=self)
        buttons = QVBoxLayout()
        for command_id in ("mixer.balance", "mixer.pan"):
            buttons.addWidget(command_button(QPushButton, actions, command_id, self))
        self.loudness = LoudnessPanel(self)
        master = QHBoxLayout()
        master.addWidget(self.master)
        master.addWidget(self.loudness, 0, Qt.AlignmentFlag.AlignBottom)
        buttons.addLayout(master, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(scroll, 1)
        layout.addLayout(buttons)
        # One strip a turn of the event loop: a strip takes some 8 ms to make, and a scene may have twenty.
        self._next_strip = QTimer(self)
        self._next_strip.setInterval(0)
        self._next_strip.timeout.connect(self._make_next_strip)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._rebuild)
        player.levels_changed.connect(self._show_levels)
        player.playing_changed.connect(self._on_playing)
        player.loudness_changed.connect(self.loudness.show_reading)
        self.loudness.reset_requested.connect(player.reset_loudness)
        self._rebuild()

    def _on_changed(self, old: Project, new: Project) -> None:
        if [o.id for o in old.objects] != [o.id for o in new.objects]:
            self._rebuild()
        else:
            for before, after in zip(old.objects, new.objects, strict=True):
                if before is not after and after.id in self.strips:
                    self.strips[after.id].refresh()
            if old.master != new.master:
                self.master.refresh()

    def _rebuild(self) -> None:
        """Drop strips of objects that are gone, show the others' values, and make those that are missing."""
        order = [each.id for each in self._document.project.objects]
        for object_id in [each for each in self.strips if each not in order]:
            strip = self.strips.pop(object_id)
            self._row.removeWidget(strip)
            strip.hide()
            strip.deleteLater()
        self.strips = {each: self.strips[each] for each in order if each in self.strips}
        for index, strip in enumerate(self.strips.values()):
            if self._row.indexOf(strip) != index:
                self._row.removeWidget(strip)
                self._row.insertWidget(index, strip)
            strip.refresh()
        self.master.refresh()
        if len(self.strips) < len(order):
            self._next_strip.start()

    def _make_next_strip(self) -> None:
        order = [each.id for each in self._document.project.objects]
        missing = next((each for each in order if each not in self.strips), None)
        if missing is None:
            self._next_strip.stop()
            return
        made = {**self.strips, missing: Strip(self._document, missing, self)}
        self.strips = {each: made[each] for each in order if each in made}
        self._row.insertWidget(list(self.strips).index(missing), made[missing])

    def _show_levels(self, levels: dict[str, LaneLevel]) -> None:
        for object_id, strip in self.strips.items():
            strip.meter.show_level(levels.get(object_id))
        self.master.meter.show_level(levels.get(MASTER))

    def _on_playing(self, playing: bool) -> None:
        if not playing:
            for strip in (*self.strips.values(), self.master):
                strip.meter.rest()

    def ask_to_match_levels(self) -> None:
        """Have the faders set so that the stems add up like a blend of the same objects."""
        self.levels_requested.emit()

    def toggle(self, field: str) -> None:
        """Mute or solo the selected objects, or no longer: `field` is 'muted' or 'soloed'."""
        project = self._document.project
        for object_id in self._selection.object_ids:
            project = project.with_strip(object_id, **{field: not getattr(project.object(object_id).strip, field)})
        self._document.commit(self.tr("Mute") if field == "muted" else self.tr("Solo"), project)

    def pan_from_position(self) -> None:
        """Each object's pan from where its mask lies in the image, as one step that can be undone."""
        project = self._document.project
        for each in project.objects:
            box = each.mask.bounding_box
            if each.kind == "object" and box is not None:
                middle = (box.left + box.right) / 2 / each.mask.width
                project = project.with_strip(each.id, pan=round(2 * middle - 1, 2))
        self._document.commit(self.tr("Pan from position"), project)


COMMANDS: Final[tuple[Command[MixerPanel], ...]] = (
    Command("mixer.mute", "M&ute objects", lambda it: it.toggle("muted"), menu="Mixer", section="strips", keys="M"),
    Command("mixer.solo", "&Solo objects", lambda it: it.toggle("soloed"), menu="Mixer", section="strips", keys="S"),
    Command("mixer.balance", "&Match levels to the scene", MixerPanel.ask_to_match_levels, menu="Mixer",
            section="scene"),
    Command("mixer.pan", "&Pan from position", MixerPanel.pan_from_position, menu="Mixer", section="scene"),
)  # fmt: skip

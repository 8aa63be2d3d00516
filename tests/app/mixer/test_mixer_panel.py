"""Strips and meters: what the mixer shows of what is heard, and what its controls make of the project."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.look.theme import colour
from sounddesk.app.mixer.level_meter import LevelMeter
from sounddesk.app.mixer.level_meter import LoudnessPanel
from sounddesk.app.mixer.mixer_panel import MixerPanel
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.audio.playback.playback_levels import MASTER
from sounddesk.audio.playback.playback_levels import LaneLevel
from tests.app.conftest import wait_until

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def level(peak: float, rms: float) -> LaneLevel:
    """Of both channels alike."""
    return LaneLevel(peaks=(peak, peak), rms=(rms, rms))


@pytest.fixture
def mixer(still: Document) -> Iterator[tuple[MixerPanel, Document, Player]]:
    player = Player(still)
    panel = MixerPanel(still, SelectionModel(still), CommandRegistry(), player)
    panel.resize(600, 300)
    panel.show()
    wait_until(lambda: len(panel.strips) == 2)
    yield panel, still, player
    player.close()
    panel.hide()


def test_strips_follow_the_objects(mixer: tuple[MixerPanel, Document, Player]) -> None:
    panel, document, _ = mixer
    left, right = (each.id for each in document.project.objects)
    kept = panel.strips[right]
    document.commit("Reorder", document.project.with_object_order([right, left]))
    assert list(panel.strips) == [right, left]
    assert panel.strips[right] is kept
    assert panel._row.indexOf(panel.strips[right]) == 0
    document.commit("Delete", document.project.without_objects([left]))
    assert list(panel.strips) == [right]
    document.undo()
    wait_until(lambda: len(panel.strips) == 2)
    assert [panel._row.indexOf(panel.strips[each]) for each in (right, left)] == [0, 1]


def test_the_buttons_are_steps_that_can_be_undone(mixer: tuple[MixerPanel, Document, Player]) -> None:
    panel, document, _ = mixer
    object_id = document.project.objects[0].id
    for field in ("muted", "soloed", "inverted"):
        QTest.mouseClick(panel.strips[object_id].buttons[field], LEFT, PLAIN)
        assert getattr(document.project.object(object_id).strip, field)
        document.undo()
        assert not panel.strips[object_id].buttons[field].isChecked()
    QTest.mouseClick(panel.master.buttons["limiter"], LEFT, PLAIN)
    assert document.project.master.limiter


def test_levels_reach_their_strips_and_the_clip_light_stays_on(mixer: tuple[MixerPanel, Document, Player]) -> None:
    panel, document, player = mixer
    first, second = (each.id for each in document.project.objects)
    player.levels_changed.emit({first: level(0.5, 0.25), MASTER: level(1.2, 0.5)})
    meter = panel.strips[first].meter
    assert meter.peak_db == pytest.approx(-6.02, abs=0.01)
    assert meter.rms_db == pytest.approx(-12.04, abs=0.01)
    assert panel.strips[second].meter.peak_db == float("-inf")
    assert panel.master.meter.clipped
    player.levels_changed.emit({})
    assert panel.master.meter.clipped
    assert panel.master.meter.rms_db == float("-inf")
    assert panel.master.meter.peak_db > 0.0
    player.playing_changed.emit(False)
    assert panel.master.meter.peak_db == float("-inf")
    assert panel.master.meter.clipped
    QTest.mouseClick(panel.master.meter, LEFT, PLAIN, QPoint(4, 20))
    assert not panel.master.meter.clipped


def test_a_meter_draws_more_for_more(qapp: object) -> None:
    meter = LevelMeter()
    meter.resize(12, 200)

    def lit() -> int:
        picture = meter.grab().toImage()
        bar = {colour("good").name(), colour("warning").name()}
        return sum(picture.pixelColor(4, y).name() in bar for y in range(picture.height()))

    dark = lit()
    meter.show_level(level(0.1, 0.05))
    some = lit()
    meter.show_level(level(1.0, 0.7))
    assert dark < some < lit()


def test_loudness_says_what_it_cannot_know(qapp: object) -> None:
    panel = LoudnessPanel()
    reading = LoudnessReading(
        momentary_lufs=-22.96, short_term_lufs=None, integrated_lufs=float("-inf"), loudness_range_lu=None,
        max_momentary_lufs=None, max_short_term_lufs=None, peak_dbfs=-1.0, true_peak_dbtp=0.3,
    )  # fmt: skip
    panel.show_reading(reading)
    texts = {name: label.text() for name, label in panel.values.items()}
    assert texts == {"momentary": "-23.0", "short_term": "n/a", "integrated": "-∞", "true_peak": "0.3"}
    panel.show_reading(dataclasses.replace(reading, momentary_lufs=-127.1))
    assert panel.values["momentary"].text() == "-∞"
    panel.show_reading(None)
    assert panel.values["momentary"].text() == "-"


def test_a_strip_selects_its_object_and_tells_pan_and_peak(mixer: tuple[MixerPanel, Document, Player]) -> None:
    panel, document, player = mixer
    first, second = (each.id for each in document.project.objects)
    QTest.mouseClick(panel.strips[second], LEFT, PLAIN, QPoint(48, 12))
    assert panel._selection.object_ids == (second,)
    strip = panel.strips[first]
    strip.pan.setValue(-30)
    assert strip._pan_value.text() == "L30"
    QTest.mouseDClick(strip.pan, LEFT)
    assert document.project.object(first).strip.pan == 0.0
    assert strip._pan_value.text() == "C"
    for peak in (0.5, 0.25):
        player.levels_changed.emit({first: level(peak, 0.1)})
    assert strip._peak.text() == "-6.0"
    QTest.mouseClick(strip.meter, LEFT, PLAIN, QPoint(4, 20))
    assert strip._peak.text() == "-∞"


def test_another_project_begins_without_the_peaks_of_the_last_one(mixer: tuple[MixerPanel, Document, Player]) -> None:
    panel, document, player = mixer
    first = document.project.objects[0].id
    loud = level(1.2, 0.5)
    player.levels_changed.emit({first: loud, MASTER: loud})
    panel.loudness.values["integrated"].setText("-22.0")
    # One whose objects have the same ids, as those of any two projects may.
    document.replace(document.project, takes=[], images=[])
    for strip in (panel.strips[first], panel.master):
        assert (strip._peak.text(), strip.meter.clipped) == ("-∞", False)
    assert panel.loudness.values["integrated"].text() == "-"


def test_a_meter_has_two_channels_and_holds_their_peaks(qapp: object) -> None:
    meter = LevelMeter()
    meter.show_level(LaneLevel(peaks=(1.0, 0.1), rms=(0.5, 0.05)))
    left, right = meter._channels
    assert (left.peak_db, round(right.peak_db)) == (0.0, -20)
    for _ in range(40):
        meter.show_level(LaneLevel(peaks=(0.01, 0.01), rms=(0.0, 0.0)))
    # The bars have fallen; the lines are where the peaks were.
    assert (left.peak_db, left.held_db) == (-40.0, 0.0)
    for _ in range(60):
        meter.show_level(None)
    assert left.held_db < -50.0
    meter.rest()
    assert left.held_db == float("-inf")

"""What is in sight of the timeline: its overview, and how high waveforms are drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sounddesk.app.timeline.timeline_scroll import TimelineScroll
from sounddesk.app.timeline.timeline_view import NAMES_WIDTH
from sounddesk.app.timeline.timeline_view import RULER_HEIGHT
from sounddesk.app.timeline.timeline_view import USUAL_LANE_MAX
from tests.app.conftest import wait_until
from tests.app.timeline.conftest import TwoLanes


@pytest.fixture
def scroll(two_lanes: TwoLanes) -> Iterator[TimelineScroll]:
    made = TimelineScroll(two_lanes.document, two_lanes.player, two_lanes.panel)
    made.resize(800, 260)
    made.show()
    yield made
    # The panel belongs to the other fixture.
    two_lanes.panel.setParent(None)
    made.hide()


def test_the_overview_comes_when_not_all_is_in_sight_and_brings_any_part_there(
    two_lanes: TwoLanes, scroll: TimelineScroll
) -> None:
    two_lanes.panel.fit()
    assert not scroll.overview.isVisible()
    # As long as all of it is shown, that stays so, also where the panel gets another width.
    two_lanes.document.commit("Longer", two_lanes.project.with_settings(timeline_s=120.0))
    scroll.resize(700, 260)
    assert not scroll.overview.isVisible()
    two_lanes.panel.zoom(12.0)
    scroll.resize(720, 260)
    assert scroll.overview.isVisible()
    place = QPoint(round(scroll.overview.x_of(60.0)), 8)
    QTest.mouseClick(scroll.overview, Qt.MouseButton.LeftButton, pos=place)
    view, width = two_lanes.panel.view, two_lanes.panel.width()
    assert view.time_at((NAMES_WIDTH + width) / 2) == pytest.approx(60.0, abs=0.3)
    assert scroll.across.value() == pytest.approx(100 * view.left_s, abs=1)
    QTest.mouseDClick(scroll.overview, Qt.MouseButton.LeftButton, pos=place)
    assert not scroll.overview.isVisible()
    assert two_lanes.panel.view.x_of(120.0) < width


def test_lanes_fill_the_panel_until_their_height_is_chosen(two_lanes: TwoLanes) -> None:
    panel, document = two_lanes.panel, two_lanes.document
    panel.fit()
    heights = []
    for height in (400, 150, 120):
        panel.resize(1000, height)
        heights.append(panel.view.lane_height)
    assert heights == [USUAL_LANE_MAX, (150 - RULER_HEIGHT - 1) // 2, (120 - RULER_HEIGHT - 1) // 2]
    panel.change_lane_height(2.0)
    chosen = panel.view.lane_height
    panel.resize(1000, 400)
    document.commit("Longer", two_lanes.project.with_settings(timeline_s=120.0))
    assert panel.view.lane_height == chosen == 2 * heights[-1]


def wave_rows(two_lanes: TwoLanes) -> int:
    """How many rows of the first clip differ from its ground at its one loud sample."""
    clip = two_lanes.project.clip("first")
    rect = two_lanes.panel.clip_rect(clip).toRect().adjusted(2, 16, -2, -2)
    picture = two_lanes.panel.grab(rect).toImage()
    x = round(0.5 * two_lanes.panel.view.scale) - 2
    ground = picture.pixelColor(x + 30, 1)
    return sum(
        any(picture.pixelColor(column, y) != ground for column in range(x - 2, x + 3)) for y in range(picture.height())
    )


def test_waveforms_are_drawn_higher_and_as_they_are_again(two_lanes: TwoLanes) -> None:
    loud = two_lanes.document.takes["take first"]
    quiet = dataclasses.replace(loud, id="quiet", number=2, waveform=loud.waveform * 0.1)
    two_lanes.document.add_take(quiet)
    clip = dataclasses.replace(two_lanes.project.clip("first"), take_id="quiet")
    two_lanes.document.commit("Quiet", two_lanes.project.with_clip(clip))
    pictures = two_lanes.panel._pictures
    wait_until(lambda: quiet.id in pictures._waveforms)
    plain = wave_rows(two_lanes)
    two_lanes.actions["timeline.higher_waves"].trigger()
    two_lanes.actions["timeline.higher_waves"].trigger()
    assert wave_rows(two_lanes) > plain
    for _ in range(20):
        two_lanes.actions["timeline.higher_waves"].trigger()
    assert pictures.wave_zoom == 32.0
    there = two_lanes.on("first", 2.0)
    event = QWheelEvent(
        QPointF(there), QPointF(two_lanes.panel.mapToGlobal(there)), QPoint(), QPoint(0, -12_000),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.AltModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(two_lanes.panel, event)
    assert pictures.wave_zoom == 1.0
    assert wave_rows(two_lanes) == plain

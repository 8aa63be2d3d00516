"""Takes made from a take in the window: varied, repaired, extended, looped; undone in a step."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sounddesk.app.main_window import MainWindow
from sounddesk.app.takes.rework_dialog import ReworkDialog
from sounddesk.app.takes.rework_pages import REWORKS
from sounddesk.app.takes.rework_pages import LoopPage
from sounddesk.app.takes.rework_pages import RangePage
from sounddesk.app.takes.rework_pages import VaryPage
from sounddesk.domain.take import Take
from sounddesk.engine.generation.sound_edits import Extension
from sounddesk.engine.generation.sound_edits import Looping
from sounddesk.engine.generation.sound_edits import Regeneration
from sounddesk.engine.generation.sound_edits import SoundEdit
from sounddesk.engine.generation.sound_edits import Variation
from tests.app.conftest import wait_until

LEFT = Qt.MouseButton.LeftButton


def take_of(object_id: str, *, seconds: float = 1.2, rate: int = 16_000) -> Take:
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)
    recipe = {"recordings": [{"file": "dog.wav", "sha256": "a" * 64, "licence": "house", "commercial": False}]}
    return Take(
        id="source", object_id=object_id, number=1, seed=1, waveform=noise, sample_rate_hz=rate, recipe=recipe,
        created="2026-11-30T00:00:00+00:00",
    )  # fmt: skip


@pytest.mark.usefixtures("qapp")
def test_every_page_says_what_it_makes() -> None:
    dialog = ReworkDialog(take_of("o1"), "take 1", range_s=(0.3, 0.6))
    asked: list[tuple[SoundEdit, int]] = []
    dialog.requested.connect(lambda edit, count: asked.append((edit, count)))
    dialog.show()
    for entry in REWORKS:
        dialog.show_page(entry.name)
        QTest.mouseClick(dialog.make, LEFT)
    assert [edit for edit, _ in asked] == [
        Variation(strength=0.5), Regeneration(start_s=0.3, end_s=0.6), Extension(seconds=5.0), Looping(seam_s=1.0),
    ]  # fmt: skip
    dialog.show_page("vary")
    page = dialog.page
    assert isinstance(page, VaryPage)
    before = page.words.text()
    page.strength.setValue(0)
    assert page.words.text() == "0.00: a copy through the model" != before
    assert page.strength.accessibleDescription() == page.words.text()
    dialog.count.setValue(3)
    QTest.mouseClick(dialog.make, LEFT)
    assert asked[-1] == (Variation(strength=0.0), 3)
    dialog.close()


@pytest.mark.usefixtures("qapp")
def test_the_range_is_dragged_over_the_picture_or_typed() -> None:
    dialog = ReworkDialog(take_of("o1", seconds=2.0), "take 1", page="regenerate")
    dialog.show()
    wave = dialog.wave
    first, last = QPoint(round(0.75 * wave.width()), 20), QPoint(round(0.25 * wave.width()), 20)
    QTest.mousePress(wave, LEFT, pos=first)
    QTest.mouseMove(wave, last)
    QTest.mouseRelease(wave, LEFT, pos=last)
    page = dialog.page
    assert isinstance(page, RangePage)
    assert page.range_s == pytest.approx((0.5, 1.5), abs=0.02)
    page.end.setValue(0.2)
    assert not dialog.make.isEnabled()
    page.end.setValue(0.9)
    assert dialog.make.isEnabled()
    dialog.show_page("extend")
    QTest.mousePress(wave, LEFT, pos=first)
    QTest.mouseMove(wave, last)
    dialog.show_page("regenerate")
    assert page.end.value() == 0.9
    dialog.close()


def test_clips_play_what_was_made_of_their_take_and_undo_brings_it_back(window: MainWindow) -> None:
    services = window.services
    document, object_id = services.document, services.document.project.objects[0].id
    source = take_of(object_id)
    document.add_take(source)
    window.services.generation._place([source])
    assert not services.actions["takes.loop"].isEnabled()
    services.selection.select_objects([object_id])
    window.takes._list.setCurrentRow(0)
    services.actions["takes.loop"].trigger()
    dialog = next(each for each in window.findChildren(ReworkDialog) if each.isVisible())
    assert isinstance(dialog.page, LoopPage)
    dialog.page.seam.setValue(0.3)
    QTest.mouseClick(dialog.make, LEFT)
    wait_until(lambda: len(document.takes) == 2, seconds=60)
    made = list(document.takes)[-1]
    assert (made.recipe["how"], made.recipe["source_take_id"], made.recipe["loop_seam_s"]) == ("looped", "source", 0.3)
    assert made.recipe["recordings"] == source.recipe["recordings"]
    assert np.array_equal(made.waveform[5000:-5000], source.waveform[5000:-5000])
    (clip,) = document.project.clips_of(object_id)
    assert (clip.take_id, clip.looped, clip.loop_crossfade_s) == (made.id, True, 0.0)
    document.undo()
    (clip,) = document.project.clips_of(object_id)
    assert (clip.take_id, clip.looped) == ("source", False)
    # Variations are for listening: what is in use stays.
    services.actions["takes.vary"].trigger()
    assert sum(each.isVisible() for each in window.findChildren(ReworkDialog)) == 1
    assert isinstance(dialog.page, VaryPage)
    dialog.page.strength.setValue(20)
    dialog.count.setValue(2)
    QTest.mouseClick(dialog.make, LEFT)
    wait_until(lambda: len(document.takes) == 4, seconds=60)
    assert [each.recipe["strength"] for each in list(document.takes)[-2:]] == [0.2, 0.2]
    assert len({each.seed for each in list(document.takes)[-3:]}) == 3
    assert document.project.clips_of(object_id)[0].take_id == "source"
    dialog.close()


def test_what_cannot_be_made_is_told_and_nothing_is_queued(window: MainWindow, told: list[str]) -> None:
    services = window.services
    source = take_of(services.document.project.objects[0].id)
    assert services.generation.rework(source, Extension(seconds=100.0)) is None
    assert services.generation.rework(take_of("gone"), Variation()) is None
    assert "Extension is 100 s" in told[-2]
    assert "is gone" in told[-1]
    assert not services.generate.waiting

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.takes.take_pictures import with_waveform
from sounddesk.app.takes.takes_panel import TakesPanel
from sounddesk.domain.take import Take
from tests.app.conftest import wait_until


def make_take(
    document: Document,
    object_id: str,
    *,
    hz: float = 440.0,
    seconds: float = 1.0,
    rate_hz: int = 16_000,
    stereo: bool = False,
) -> Take:
    number = document.takes.next_number(object_id)
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    tone = (0.5 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
    take = Take(
        id=f"{object_id}-{number}",
        object_id=object_id,
        number=number,
        seed=100 + number,
        waveform=np.stack([tone, tone], axis=1) if stereo else tone,
        sample_rate_hz=rate_hz,
        recipe={"bundle": "starter", "seed": 100 + number},
        created="2026-01-01T00:00:00+00:00",
    )
    document.add_take(take)
    return take


@pytest.fixture
def actions(qapp: object) -> CommandRegistry:
    return CommandRegistry()


@pytest.fixture
def panel(still: Document, selection: SelectionModel, actions: CommandRegistry) -> Iterator[TakesPanel]:
    panel = TakesPanel(still, selection, actions)
    panel.resize(520, 320)
    panel.show()
    yield panel
    panel.close_background()
    panel.close()


def cards(panel: TakesPanel) -> list[str]:
    """What a screen reader says of each card."""
    return [panel._list.item(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(panel._list.count())]


def click(panel: TakesPanel, row: int, *, part: str = "play", modifier=Qt.KeyboardModifier.NoModifier) -> None:
    takes = panel._list
    place = takes.place_of(takes.ids[row], part)
    QTest.mouseClick(takes.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def test_shows_the_takes_of_the_current_object_with_their_pictures(
    panel: TakesPanel, still: Document, selection: SelectionModel
) -> None:
    first = make_take(still, "o1")
    make_take(still, "o2")
    assert cards(panel) == []
    selection.select_objects(["o1"])
    assert cards(panel) == ["Take 1, 1.00 s, -6.0 dBFS"]
    make_take(still, "o1", stereo=True)
    assert cards(panel) == ["Take 1, 1.00 s, -6.0 dBFS", "Take 2, 1.00 s, -6.0 dBFS, stereo"]
    wait_until(lambda: panel._pictures.picture(first) is not None)
    assert not panel._list.grab().isNull()


def test_a_click_plays_a_take_and_enter_uses_it(panel: TakesPanel, still: Document, selection: SelectionModel) -> None:
    first, second = make_take(still, "o1"), make_take(still, "o1")
    selection.select_objects(["o1"])
    played: list[str] = []
    panel.audition_requested.connect(played.append)
    click(panel, 1)
    assert played == [second.id]
    assert still.project.clips == ()
    QTest.keyClick(panel._list, Qt.Key.Key_Return)
    assert [clip.take_id for clip in still.project.clips] == [second.id]
    assert cards(panel)[1].startswith("Take 2, in use")
    assert panel._recipe.text() == "Bundle starter · seed 102"
    assert first.id not in played
    # A click on what plays stops it.
    silenced: list[bool] = []
    panel.stop_requested.connect(lambda: silenced.append(True))
    idle = panel._list.grab().toImage()
    panel.set_playing(True, alone=second.id)
    assert panel._list.grab().toImage() != idle
    click(panel, 1)
    assert (len(silenced), len(played)) == (1, 1)
    panel.set_playing(False)
    click(panel, 1)
    assert played == [second.id, second.id]
    # A double click uses it, and leaves it sounding.
    panel.set_playing(False)
    panel.audition_requested.connect(lambda take_id: panel.set_playing(True, alone=take_id))
    place = panel._list.place_of(first.id, "play")
    click(panel, 0)
    QTest.mouseDClick(panel._list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseRelease(panel._list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert (played[2:], len(silenced)) == ([first.id], 1)
    assert cards(panel)[0].startswith("Take 1, in use")


def test_a_star_and_a_name_are_undoable(panel: TakesPanel, still: Document, selection: SelectionModel) -> None:
    take = make_take(still, "o1")
    selection.select_objects(["o1"])
    click(panel, 0, part="star")
    assert still.project.mark_of(take.id).starred
    assert "starred" in cards(panel)[0]
    panel._list.item(0).setText("the good bark")
    assert still.project.mark_of(take.id).name == "the good bark"
    still.undo()
    assert cards(panel)[0].startswith("Take 1")
    still.undo()
    assert "starred" not in cards(panel)[0]


def test_what_can_do_nothing_is_off(
    panel: TakesPanel, still: Document, selection: SelectionModel, actions: CommandRegistry
) -> None:
    def on(*names: str) -> list[bool]:
        return [actions[f"takes.{name}"].isEnabled() for name in names]

    actions.refresh()
    assert on("listen", "use", "star", "a_b", "compare") == [False] * 5
    selection.select_objects(["o1"])
    assert on("generate", "use", "compare") == [True, False, False]
    make_take(still, "o1")
    assert on("use", "a_b", "compare") == [False, False, True]
    click(panel, 0)
    make_take(still, "o1")
    assert on("listen", "use", "star", "a_b") == [True] * 4
    still.commit("Delete", still.project.without_objects(["o1", "o2"]))
    actions.refresh()
    assert on("generate", "generate_all") == [False, False]


def test_use_and_a_b_change_what_plays(
    panel: TakesPanel, still: Document, selection: SelectionModel, actions: CommandRegistry
) -> None:
    first, second = make_take(still, "o1"), make_take(still, "o1", seconds=2.0)
    selection.select_objects(["o1"])
    click(panel, 0)
    actions["takes.use"].trigger()
    assert [(c.take_id, c.duration_s) for c in still.project.clips] == [(first.id, 1.0)]
    click(panel, 1, modifier=Qt.KeyboardModifier.ControlModifier)
    actions["takes.a_b"].trigger()
    actions["takes.use"].trigger()
    assert [(c.take_id, c.duration_s) for c in still.project.clips] == [(second.id, 2.0)]
    assert ["in use" in each for each in cards(panel)] == [False, True]


def test_listening_to_the_other_take_is_no_edit(
    panel: TakesPanel, still: Document, selection: SelectionModel, actions: CommandRegistry
) -> None:
    first, second = make_take(still, "o1"), make_take(still, "o1", seconds=2.0)
    selection.select_objects(["o1"])
    click(panel, 0)
    actions["takes.use"].trigger()
    steps, before = still.undo_stack.count(), still.project
    heard: list[dict[str, str]] = []
    auditioned: list[str] = []
    panel.listening_changed.connect(heard.append)
    panel.audition_requested.connect(auditioned.append)
    actions["takes.a_b"].trigger()
    panel.set_playing(True)
    actions["takes.a_b"].trigger()
    actions["takes.a_b"].trigger()
    assert heard == [{"o1": second.id}, {}, {"o1": second.id}]
    # Alone only while nothing plays.
    assert auditioned == [second.id]
    assert (still.undo_stack.count(), still.project) == (steps, before)
    # The clip changes by another hand: what is in use is heard again.
    still.undo()
    assert heard[-1] == {}
    assert first.id not in panel._listening.values()


def test_the_buttons_ask_for_takes(
    panel: TakesPanel, still: Document, selection: SelectionModel, actions: CommandRegistry
) -> None:
    asked = []
    panel.generate_requested.connect(lambda ids, count: asked.append((ids, count)))
    selection.select_objects(["o2"])
    panel._variations.setValue(3)
    actions["takes.generate"].trigger()
    actions["takes.generate_all"].trigger()
    assert asked == [(["o2"], 3), (["o1", "o2"], 3)]


def test_where_nothing_is_selected_the_button_makes_takes_for_all(
    panel: TakesPanel, selection: SelectionModel, actions: CommandRegistry
) -> None:
    asked = []
    panel.generate_requested.connect(lambda ids, count: asked.append((ids, count)))
    selection.select_objects(["o2"])
    assert panel._generate.text() == "Generate"
    selection.select_objects(())
    assert panel._generate.text() == panel._generate.accessibleName() == "Generate all"
    QTest.mouseClick(panel._generate, Qt.MouseButton.LeftButton, pos=QPoint(20, 12))
    assert asked == [(["o1", "o2"], 1)]
    # Nothing moves where the other is selected.
    widths = []
    for chosen in ((), ("o1",)):
        selection.select_objects(chosen)
        widths.append((panel._generate.sizeHint().width(), panel.minimumSizeHint().width()))
    assert widths[0] == widths[1]


def test_cards_are_as_wide_as_the_list(panel: TakesPanel, still: Document, selection: SelectionModel) -> None:
    make_take(still, "o1")
    selection.select_objects(["o1"])
    for width in (520, 380):
        panel.resize(width, 320)
        QApplication.processEvents()
        assert panel._list.visualItemRect(panel._list.item(0)).right() < panel._list.viewport().width()
        assert not panel._list.horizontalScrollBar().isVisible()


def test_a_waveform_lies_over_the_spectrogram() -> None:
    ground = np.zeros((20, 8, 3), np.uint8)
    samples = np.zeros((80, 2), np.float32)
    samples[:10, 1] = 1.0
    samples[70:, 0] = -0.5
    shown = with_waveform(ground, samples)[..., 0] > 0
    # Full scale reaches the edge, half of it half the way, silence is a line.
    assert shown[:, 0].tolist() == [True] * 10 + [False] * 10
    assert shown[:, 7].tolist() == [False] * 10 + [True] * 5 + [False] * 5
    assert shown[:, 3].sum() == 2
    assert not ground.any()


def test_a_seed_can_be_locked_from_a_take(
    panel: TakesPanel,
    still: Document,
    selection: SelectionModel,
    actions: CommandRegistry,
    told: list[str],
    problems: list[str],
) -> None:
    make_take(still, "o1")
    selection.select_objects(["o1"])
    click(panel, 0)
    actions["takes.reuse_seed"].trigger()
    assert (still.project.object("o1").seed, still.project.object("o1").seed_locked) == (101, True)
    still.commit("Lock", still.project.with_changed_object("o1", locked=True))
    actions["takes.reuse_seed"].trigger()
    assert problems == [] and "is locked" in told[-1]

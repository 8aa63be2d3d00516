from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from PySide6.QtWidgets import QApplication

from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip


def a_take(take_id: str = "t1", object_id: str = "o1", number: int = 1) -> Take:
    return Take(
        id=take_id,
        object_id=object_id,
        number=number,
        seed=1,
        waveform=np.zeros(1600, np.float32),
        sample_rate_hz=16_000,
        recipe={},
        created="2026-01-01T00:00:00+00:00",
    )


def test_one_gesture_is_one_step(still: Document) -> None:
    steps = still.undo_stack.count()
    before = still.project
    still.begin("Move fader")
    for gain_db in (-1.0, -2.0, -3.0):
        still.preview(still.project.with_strip("o1", gain_db=gain_db))
    still.end()
    assert still.undo_stack.count() == steps + 1
    assert still.undo_stack.undoText() == "Move fader"
    still.undo()
    assert still.project == before
    still.redo()
    assert still.project.object("o1").strip.gain_db == -3.0


def test_an_aborted_gesture_leaves_nothing(still: Document) -> None:
    before, steps = still.project, still.undo_stack.count()
    still.begin("Move fader")
    still.preview(still.project.with_strip("o1", gain_db=-9.0))
    still.abort()
    assert still.project is before
    assert still.undo_stack.count() == steps


def test_a_change_to_the_same_state_is_no_step(still: Document) -> None:
    steps = still.undo_stack.count()
    still.commit("Nothing", dataclasses.replace(still.project))
    assert still.undo_stack.count() == steps


def test_quick_steps_of_one_key_become_one(still: Document) -> None:
    steps, before = still.undo_stack.count(), still.project
    for gain_db in (-1.0, -2.0):
        still.commit("Fader", still.project.with_strip("o1", gain_db=gain_db), merge_key="fader o1")
    still.commit("Fader", still.project.with_strip("o2", gain_db=-2.0), merge_key="fader o2")
    assert still.undo_stack.count() == steps + 2
    still.undo()
    still.undo()
    assert still.project == before


def test_a_take_survives_undo_and_the_deletion_of_its_object(still: Document) -> None:
    still.add_take(a_take())
    still.commit("Delete left", still.project.without_objects(["o1"]))
    while still.undo_stack.canUndo():
        still.undo()
    assert [take.id for take in still.takes] == ["t1"]
    with pytest.raises(ValueError, match="never overwritten"):
        still.add_take(a_take())


def test_dirty_until_saved_and_undo_works_across_saving(still: Document) -> None:
    assert still.is_dirty
    still.mark_saved()
    assert not still.is_dirty
    still.commit("Fader", still.project.with_strip("o1", gain_db=-1.0))
    assert still.is_dirty
    still.undo()
    assert not still.is_dirty
    still.undo()
    assert still.is_dirty
    still.mark_saved()
    still.add_take(a_take())
    assert still.is_dirty


def test_results_wait_for_the_drag_in_hand(still: Document) -> None:
    still.begin("Drag")
    still.preview(still.project.with_strip("o1", gain_db=-4.0))
    still.when_free(lambda: still.commit("Place", still.project.with_strip("o2", gain_db=-5.0)))
    assert still.in_gesture
    still.end()
    assert [still.project.object(each).strip.gain_db for each in ("o1", "o2")] == [-4.0, -5.0]
    assert still.undo_stack.undoText() == "Place"


class DocumentMachine(RuleBasedStateMachine):
    """Any order of edits, gestures, undo and redo: every state ever reached can be reached again, exactly."""

    @initialize()
    def start(self) -> None:
        assert QApplication.instance() is not None
        self.document = Document()
        self.first = self.document.project
        self.states: list[Project] = [self.first]
        self.position = 0
        self.names = 0

    def _committed(self) -> None:
        if self.document.project != self.states[self.position]:
            self.states = [*self.states[: self.position + 1], self.document.project]
            self.position += 1

    @rule(left=st.integers(0, 200), top=st.integers(0, 200))
    def add_object(self, left: int, top: int) -> None:
        self.names += 1
        mask = np.zeros((300, 300), np.uint8)
        mask[top : top + 60, left : left + 60] = 255
        project, object_id = self.document.project.with_new_id("o")
        made = SceneObject(
            id=object_id, name=f"n{self.names}", mask=TiledMask.from_array(mask), seed=0, colour=project.next_colour()
        )
        self.document.commit("Add", project.with_object(made))
        self._committed()

    @precondition(lambda self: self.document.project.objects)
    @rule(data=st.data(), gain_db=st.floats(-60, 60))
    def drag_fader(self, data: st.DataObject, gain_db: float) -> None:
        chosen = data.draw(st.sampled_from([o.id for o in self.document.project.objects]))
        self.document.begin("Fader")
        self.document.preview(self.document.project.with_strip(chosen, gain_db=gain_db / 2))
        self.document.preview(self.document.project.with_strip(chosen, gain_db=gain_db))
        self.document.end()
        self._committed()

    @precondition(lambda self: self.document.project.objects)
    @rule(data=st.data(), left=st.integers(0, 250), value=st.integers(0, 255))
    def paint(self, data: st.DataObject, left: int, value: int) -> None:
        chosen = data.draw(st.sampled_from([o.id for o in self.document.project.objects]))
        old = self.document.project.object(chosen).mask
        mask = old.with_region(left=left, top=10, pixels=np.full((20, 40), value, np.uint8))
        self.document.commit("Paint", self.document.project.with_changed_object(chosen, mask=mask))
        self._committed()

    @precondition(lambda self: self.document.project.objects)
    @rule(data=st.data(), start_s=st.floats(0, 9))
    def place(self, data: st.DataObject, start_s: float) -> None:
        chosen = data.draw(st.sampled_from([o.id for o in self.document.project.objects]))
        project, clip_id = self.document.project.with_new_id("c")
        clip = Clip(id=clip_id, object_id=chosen, take_id="t", start_s=start_s, duration_s=1.0)
        self.document.commit("Place", project.with_clip(clip))
        self._committed()

    @precondition(lambda self: self.document.project.objects)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from([o.id for o in self.document.project.objects]))
        self.document.commit("Delete", self.document.project.without_objects([chosen]))
        self._committed()

    @rule()
    def undo(self) -> None:
        self.document.undo()
        self.position = max(0, self.position - 1)

    @rule()
    def redo(self) -> None:
        self.document.redo()
        self.position = min(len(self.states) - 1, self.position + 1)

    @invariant()
    def shows_the_state_of_the_model(self) -> None:
        assert self.document.project == self.states[self.position]

    def teardown(self) -> None:
        while self.document.undo_stack.canUndo():
            self.document.undo()
        assert self.document.project == self.first
        while self.document.undo_stack.canRedo():
            self.document.redo()
        assert self.document.project == self.states[-1]


TestDocumentMachine = DocumentMachine.TestCase
TestDocumentMachine.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestDocumentMachine = pytest.mark.usefixtures("qapp")(TestDocumentMachine)


def test_an_object_that_is_gone_is_not_selected_for_those_who_hear_of_it_first(qapp: object) -> None:
    document = Document()
    early: list[tuple[tuple[str, ...], str | None]] = []
    document.changed.connect(lambda _old, _new: early.append((selection.object_ids, selection.current_object_id)))
    selection = SelectionModel(document)
    project, made = document.project.with_new_object(name="dog", mask=TiledMask.empty(width=64, height=64))
    document.commit("Add", project)
    selection.select_objects([made])
    document.undo()
    assert early[-1] == ((), None)

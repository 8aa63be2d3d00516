"""What is selected is in the project, whatever anybody asks for and whenever the project changes."""

from __future__ import annotations

from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel


def test_what_the_project_has_not_is_not_selected(still: Document, selection: SelectionModel) -> None:
    left, right = (each.id for each in still.project.objects)
    heard: list[tuple[str, ...]] = []
    selection.objects_changed.connect(lambda: heard.append(selection.object_ids))
    selection.select_objects(["gone", left, "gone", right, left])
    assert (selection.object_ids, selection.current_object_id) == ((left, right), right)
    selection.select_objects(["gone"])
    assert selection.current_object_id is None
    selection.select_clips(["gone"])
    assert selection.clip_ids == ()
    assert heard == [(left, right), ()]


def test_a_list_that_is_late_does_not_bring_an_object_back(still: Document, selection: SelectionModel) -> None:
    left, right = (each.id for each in still.project.objects)
    selection.select_objects([left, right])
    # A view that answers to the change with what it showed before.
    still.changed.connect(lambda _old, _new: selection.select_objects([left, right]))
    still.commit("Delete right", still.project.without_objects([right]))
    assert selection.object_ids == (left,)
    still.undo()
    assert selection.object_ids == (left, right)

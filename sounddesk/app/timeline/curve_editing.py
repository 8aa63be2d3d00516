"""Points of curves under mouse and keys: added, moved, removed."""

from __future__ import annotations

import dataclasses
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtCore import QPointF
from PySide6.QtCore import Signal

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.timeline.timeline_curves import CurveMode
from sounddesk.app.timeline.timeline_curves import PointRef
from sounddesk.app.timeline.timeline_curves import hit_curve
from sounddesk.app.timeline.timeline_curves import point_at
from sounddesk.app.timeline.timeline_drags import Drag
from sounddesk.app.timeline.timeline_drags import DragTools
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.automation import curve_range
from sounddesk.domain.automation import value_at
from sounddesk.domain.automation import with_point
from sounddesk.domain.automation import with_point_moved
from sounddesk.domain.automation import without_points
from sounddesk.domain.curve_edits import CurveRef
from sounddesk.domain.curve_edits import curve_of
from sounddesk.domain.curve_edits import time_in_curve
from sounddesk.domain.curve_edits import time_on_timeline
from sounddesk.domain.curve_edits import value_without_curve
from sounddesk.domain.curve_edits import with_curve


class MovePoint(Drag):
    """A point of a curve is moved, as far as its neighbours let it; one that was just added by the press, too."""

    def __init__(self, tools: DragTools, press: QPointF, point: PointRef) -> None:
        super().__init__(tools, press)
        self.edits = True
        self._point = point
        self._curve = curve_of(tools.document.project, point.curve)

    def move(self, point: QPointF, *, free: bool) -> None:
        document, view, ref = self.tools.document, self.tools.view(), self._point.curve
        time_s = self.tools.snapper.snap(view.time_at(point.x()), scale=view.scale, free=free)
        moved = point_at(view, document.project, ref, point, time_s=time_s)
        curve = with_point_moved(self._curve, self._point.index, moved)
        document.preview(with_curve(document.project, ref, curve))


class CurveEditing(QObject):
    """Carries out the commands below.

    Attributes:
        mode: what the mouse edits on the lanes.
        chosen: the point that keys act on.

    Signals: changed(): another mode, or another point is chosen.
    """

    changed = Signal()

    def __init__(self, tools: DragTools, actions: CommandRegistry, parent: QObject) -> None:
        super().__init__(parent)
        self._tools = tools
        self._actions = actions
        self.mode: CurveMode = "off"
        self.chosen: PointRef | None = None
        actions.add(COMMANDS, owner=self)
        tools.document.replaced.connect(lambda: self.choose(None))

    def set_mode(self, mode: CurveMode) -> None:
        """Have the mouse edit clips ('off') or one kind of curve."""
        self.mode = mode
        self._actions[f"timeline.curves_{mode}"].setChecked(True)
        self.choose(None)
        self._actions.refresh()
        if mode != "off":
            notifier.info(self.tr("Click the line to add a point · drag moves it · a double click removes it"))

    def choose(self, point: PointRef | None) -> None:
        """Have the keys act on a point; None for none."""
        self.chosen = point
        self.changed.emit()

    @property
    def chosen_point(self) -> PointRef | None:
        """The chosen point, as long as it is there."""
        chosen = self.chosen
        if chosen is None or chosen.index >= len(curve_of(self._tools.document.project, chosen.curve)):
            return None
        return chosen

    def press(self, place: QPointF, *, free: bool) -> Drag | None:
        """What a press begins: a point is taken hold of, or added and then taken hold of. None where no curve lies."""
        document, view = self._tools.document, self._tools.view()
        found = hit_curve(view, document.project, self.mode, place)
        if found is None:
            self.choose(None)
            return None
        self._select(found.curve if isinstance(found, PointRef) else found)
        if isinstance(found, PointRef):
            self.choose(found)
            document.begin(self.tr("Move point"))
            return MovePoint(self._tools, place, found)
        time_s = self._tools.snapper.snap(view.time_at(place.x()), scale=view.scale, free=free)
        point = point_at(view, document.project, found, place, time_s=time_s)
        document.begin(self.tr("Add point"))
        self._add(found, point, preview=True)
        assert self.chosen is not None
        return MovePoint(self._tools, place, self.chosen)

    def _select(self, ref: CurveRef) -> None:
        """Select whose curve it is, so that keys go on with it."""
        selection = self._tools.selection
        lane = self._tools.document.project.clip(ref.id).object_id if ref.of == "clip" else ref.id
        selection.select_objects([lane])
        selection.select_clips([ref.id] if ref.of == "clip" else [])

    def remove_at(self, place: QPointF) -> bool:
        """Remove the point under the mouse; False where there is none."""
        found = hit_curve(self._tools.view(), self._tools.document.project, self.mode, place)
        if not isinstance(found, PointRef):
            return False
        self.choose(found)
        return self.remove_chosen()

    def remove_chosen(self) -> bool:
        """Remove the chosen point; False where none is chosen."""
        found, document = self.chosen_point, self._tools.document
        if found is None:
            return False
        curve = without_points(curve_of(document.project, found.curve), [found.index])
        document.commit(self.tr("Remove point"), with_curve(document.project, found.curve, curve))
        self.choose(PointRef(curve=found.curve, index=max(0, found.index - 1)) if curve else None)
        return True

    def _add(self, ref: CurveRef, point: CurvePoint, *, preview: bool = False) -> None:
        document = self._tools.document
        curve = with_point(curve_of(document.project, ref), point)
        project = with_curve(document.project, ref, curve)
        if preview:
            document.preview(project)
        else:
            document.commit(self.tr("Add point"), project)
        self.choose(PointRef(curve=ref, index=curve.index(point)))

    # ------------------------------------------------------------------ keys

    def current_curve(self) -> CurveRef | None:
        """The curve that keys act on: of the selected clip, or of the selected lane."""
        selection = self._tools.selection
        if self.mode == "off":
            return None
        if self.mode == "clip":
            return CurveRef(of="clip", id=selection.clip_ids[0]) if selection.clip_ids else None
        object_id = selection.current_object_id
        return None if object_id is None else CurveRef(of=self.mode, id=object_id)

    def add_at_playhead(self) -> None:
        """A point of the current curve at the playhead, where the curve is."""
        ref = self.current_curve()
        if ref is None:
            notifier.warning(
                self.tr("No curve is edited: choose Clip gain, Volume or Pan beside the transport, and a lane or clip.")
            )
            return
        project = self._tools.document.project
        time_s = time_in_curve(project, ref, self._tools.player.position_s)
        if time_s < 0.0:
            notifier.warning(self.tr("The playhead is before the clip: move it into the clip first."))
            return
        curve = curve_of(project, ref)
        value = value_at(curve, time_s, kind=ref.kind) if curve else value_without_curve(project, ref)
        self._add(ref, CurvePoint(time_s=time_s, value=value))

    def step_point(self, step: int) -> bool:
        """Choose the next point of the current curve and put the playhead on it; False where there is none."""
        ref, project = self.current_curve(), self._tools.document.project
        curve = () if ref is None else curve_of(project, ref)
        if ref is None or not curve:
            return False
        chosen = self.chosen_point
        if chosen is None or chosen.curve != ref:
            index = 0 if step > 0 else len(curve) - 1
        else:
            index = (chosen.index + step) % len(curve)
        self.choose(PointRef(curve=ref, index=index))
        if not self._tools.player.is_playing:
            self._tools.player.seek(max(0.0, time_on_timeline(project, ref, curve[index].time_s)))
        return True

    def change_value(self, steps: float) -> bool:
        """Raise the chosen point by decibels, or by hundredths to the right; False where none is chosen."""
        chosen = self.chosen_point
        if chosen is None:
            return False
        low, high = curve_range(chosen.curve.kind)
        point = curve_of(self._tools.document.project, chosen.curve)[chosen.index]
        change = steps / 100 if chosen.curve.kind == "pan" else steps
        value = round(min(high, max(low, point.value + change)), 2)
        self._replace(chosen, dataclasses.replace(point, value=value))
        return True

    def nudge(self, seconds: float) -> bool:
        """Move the chosen point in time; False where none is chosen."""
        chosen = self.chosen_point
        if chosen is None:
            return False
        point = curve_of(self._tools.document.project, chosen.curve)[chosen.index]
        self._replace(chosen, dataclasses.replace(point, time_s=max(0.0, point.time_s + seconds)))
        return True

    def _replace(self, chosen: PointRef, point: CurvePoint) -> None:
        document = self._tools.document
        curve = with_point_moved(curve_of(document.project, chosen.curve), chosen.index, point)
        project = with_curve(document.project, chosen.curve, curve)
        document.commit(self.tr("Move point"), project, merge_key="curve point")

    def clear(self) -> None:
        """Remove all points of the current curve."""
        ref = self.current_curve()
        if ref is not None:
            document = self._tools.document
            document.commit(self.tr("Remove curve"), with_curve(document.project, ref, ()))
            self.choose(None)


COMMANDS: Final[tuple[Command[CurveEditing], ...]] = (
    Command("timeline.curves_off", "Edit &clips", switch=lambda it, _on: it.set_mode("off"), checked=True,
            group="curves", menu="Timeline", section="curves", keys="Alt+1", label="Clips"),
    Command("timeline.curves_clip", "Edit clip &gain", switch=lambda it, _on: it.set_mode("clip"), group="curves",
            menu="Timeline", section="curves", keys="Alt+2", label="Clip gain"),
    Command("timeline.curves_volume", "Edit &volume", switch=lambda it, _on: it.set_mode("volume"), group="curves",
            menu="Timeline", section="curves", keys="Alt+3", label="Volume"),
    Command("timeline.curves_pan", "Edit &pan", switch=lambda it, _on: it.set_mode("pan"), group="curves",
            menu="Timeline", section="curves", keys="Alt+4", label="Pan"),
    Command("timeline.add_point", "&Add point at playhead", CurveEditing.add_at_playhead, menu="Timeline",
            section="curves", keys="Ins"),
    Command("timeline.clear_curve", "&Remove all points of the curve", CurveEditing.clear, menu="Timeline",
            section="curves", enabled=lambda it: it.mode != "off"),
)  # fmt: skip

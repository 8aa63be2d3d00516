"""One lane per object: clips with waveforms, moved, trimmed, faded and copied by mouse and keys; ruler and playhead."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QEvent
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtGui import QKeyEvent
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.timeline.clip_pictures import ClipPictures
from sounddesk.app.timeline.clip_presses import ClipPresses
from sounddesk.app.timeline.curve_editing import CurveEditing
from sounddesk.app.timeline.take_drops import TakeDrops
from sounddesk.app.timeline.timeline_commands import TimelineCommands
from sounddesk.app.timeline.timeline_drags import Drag
from sounddesk.app.timeline.timeline_drags import DragTools
from sounddesk.app.timeline.timeline_drags import LoopRange
from sounddesk.app.timeline.timeline_drags import Marquee
from sounddesk.app.timeline.timeline_drags import MoveClips
from sounddesk.app.timeline.timeline_drags import MoveEnd
from sounddesk.app.timeline.timeline_drags import MoveMarker
from sounddesk.app.timeline.timeline_drags import Scrub
from sounddesk.app.timeline.timeline_drags import Snapper
from sounddesk.app.timeline.timeline_hover import TimelineHover
from sounddesk.app.timeline.timeline_menus import show_menu
from sounddesk.app.timeline.timeline_menus import timeline_menu
from sounddesk.app.timeline.timeline_painter import TimelinePainter
from sounddesk.app.timeline.timeline_painter import TimelineState
from sounddesk.app.timeline.timeline_panel_commands import COMMANDS
from sounddesk.app.timeline.timeline_panel_commands import PANEL_KEYS
from sounddesk.app.timeline.timeline_steps import TimelineSteps
from sounddesk.app.timeline.timeline_text import SpokenTimeline
from sounddesk.app.timeline.timeline_text import take_names
from sounddesk.app.timeline.timeline_view import NAMES_WIDTH
from sounddesk.app.timeline.timeline_view import RULER_HEIGHT
from sounddesk.app.timeline.timeline_view import Hit
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.app.timeline.transport_commands import TransportCommands
from sounddesk.domain.project import Project
from sounddesk.domain.timecode import TimeUnit
from sounddesk.domain.timeline import Clip

MAX_WAVE_ZOOM: Final = 32.0


class TimelinePanel(QWidget):
    """Signals: unit_changed(): the ruler counts in something else; view_changed(): another part is shown."""

    unit_changed = Signal()
    view_changed = Signal()

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
        self._player = player
        self._actions = actions
        self.view = TimelineView()
        self.unit: TimeUnit = "seconds"
        self._drag: Drag | None = None
        self._making: Mapping[str, float] = {}
        # All of the timeline is in sight, and lanes fill the panel, until something else is asked for.
        self._shows_all = self._lanes_follow = True
        self._hover = TimelineHover(self)
        self._pictures = ClipPictures(document, self)
        self._pictures.changed.connect(self.update)
        self._snapper = Snapper(document, player)
        self._tools = DragTools(
            document=document, selection=selection, player=player, snapper=self._snapper, view=lambda: self.view
        )
        self.transport = TransportCommands(document, selection, actions, player, self)
        self.commands = TimelineCommands(document, selection, actions, player, self)
        self._drops = TakeDrops(
            self._tools, self, room_for=lambda clips, at_s: self.commands.with_room_for(clips, at_s=at_s)
        )
        self.curves = CurveEditing(self._tools, actions, self)
        self.curves.changed.connect(self.update)
        self.commands.attach_curves(self.curves)
        self._presses = ClipPresses(self._tools, self.commands, self)
        self._steps = TimelineSteps(document, selection, self.curves)
        actions.add(COMMANDS, owner=self)
        actions.reserve(PANEL_KEYS)
        self.setMinimumHeight(120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Timeline"))
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        for signal in (selection.clips_changed, selection.objects_changed, player.loop_changed):
            signal.connect(self.update)
        SpokenTimeline(document, selection, self.curves, self, lambda: self.view)
        player.position_changed.connect(self._follow)

    # ------------------------------------------------------------------ what is shown

    def set_unit(self, unit: TimeUnit) -> None:
        """What the ruler counts in."""
        self.unit = unit
        self._actions[f"timeline.unit_{unit}"].setChecked(True)
        self.unit_changed.emit()
        self.update()

    def fit(self) -> None:
        """Show the whole timeline."""
        self._show(self.view.fitted(0.0, self._document.project.settings.timeline_s, width=self.width()))
        self._shows_all = True

    def clip_rect(self, clip: Clip) -> QRectF:
        """Where a clip is drawn."""
        return self.view.clip_rect(self._document.project, clip)

    def close_background(self) -> None:
        """Wait for pictures in the making."""
        self._pictures.close()
        self._drops.close()

    def zoom(self, factor: float) -> None:
        """Show `factor` times as much detail around the playhead."""
        at_x = min(max(self.view.x_of(self._player.position_s), float(NAMES_WIDTH)), float(self.width()))
        self._show(self.view.zoomed(factor, around_x=at_x))

    def _show(self, view: TimelineView) -> None:
        if (view.scale, view.left_s) != (self.view.scale, self.view.left_s):
            self._shows_all = False
        self.view = view
        self.view_changed.emit()
        self.update()

    @property
    def n_lanes(self) -> int:
        """How many lanes there are, in sight or not."""
        return len(self._document.project.objects)

    def show_from(self, *, left_s: float | None = None, top: float | None = None) -> None:
        """Scroll to a time at the left end, or to pixels of the lanes at the upper end."""
        view = self.view if left_s is None else dataclasses.replace(self.view, left_s=max(0.0, left_s))
        down = 0.0 if top is None else top - view.top
        self._show(view.scrolled_down(down, count=self.n_lanes, height=self.height()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._keep_in_sight()

    def set_snapping(self, on: bool) -> None:
        """Whether drags stick to what is near: clips, markers, the playhead."""
        self._snapper.on = on

    def show_making(self, shares: Mapping[str, float]) -> None:
        """How far the takes are that are being made, from 0 to 1 by the id of the object."""
        self._making = dict(shares)
        self.update()

    def show_spectrograms(self, on: bool) -> None:
        """Spectrograms in clips, or waveforms."""
        self._pictures.show_spectrograms = on
        self.update()

    def _follow(self, position_s: float) -> None:
        """Keep a playhead that runs out of sight in view."""
        x = self.view.x_of(position_s)
        if self._player.is_playing and self._drag is None and not NAMES_WIDTH <= x <= self.width():
            self._show(dataclasses.replace(self.view, left_s=position_s))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        state = TimelineState(
            chosen_objects=self._selection.object_ids,
            chosen_clips=self._selection.clip_ids,
            chosen_marker=self.commands.chosen_marker,
            playhead_s=self._player.position_s,
            unit=self.unit,
            loop_s=self._player.loop_s,
            looping=self._player.is_looping,
            take_names=take_names(self._document.project, self._document.takes),
            making=self._making,
            curve_mode=self.curves.mode,
            chosen_point=self.curves.chosen_point,
            hovered_clip=self._hover.clip_id,
            hovered_button=self._hover.button,
            marquee=self._drag.rect if isinstance(self._drag, Marquee) else self._drops.rect,
        )
        with QPainter(self) as painter:
            timeline = TimelinePainter(painter, self.view, self.palette(), self.rect(), self._pictures)
            timeline.paint(self._document.project, state, focused=self.hasFocus())

    def _on_changed(self, old: Project, new: Project) -> None:
        if len(old.objects) != len(new.objects) or old.settings.timeline_s != new.settings.timeline_s:
            self._keep_in_sight()
        self.update()

    def _keep_in_sight(self) -> None:
        # While something is dragged, the seconds stay where they are under the mouse.
        if self._shows_all and self._drag is None:
            if self._lanes_follow:
                self.view = self.view.with_lanes_in_sight(count=self.n_lanes, height=self.height())
            self.fit()
        self.show_from()

    def _on_replaced(self) -> None:
        self.commands.chosen_marker = ""
        self.view = TimelineView(lane_height=self.view.lane_height)
        self._shows_all = True
        self._keep_in_sight()

    # ------------------------------------------------------------------ mouse

    def _hit(self, point: QPointF) -> Hit:
        return self.view.hit(self._document.project, point, playhead_s=self._player.position_s)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            free = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._drag = self.curves.press(event.position(), free=free)
            if self._drag is not None:
                self.update()
                return
            self._start(self._hit(event.position()), event)
            if self._drag is not None and self._drag.text:
                self._document.begin(self._drag.text)

    def _start(self, hit: Hit, event: QMouseEvent) -> None:
        point, project, tools = event.position(), self._document.project, self._tools
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        self._drag = None
        if hit.part == "marker":
            self._selection.select_clips(())
            self.commands.chosen_marker = hit.id
            marker = next(each for each in project.markers if each.id == hit.id)
            self._drag = MoveMarker(tools, point, marker, self.tr("Move marker"))
        elif hit.part == "end":
            self._drag = MoveEnd(tools, point, self.tr("Timeline length"))
        elif hit.part == "playhead":
            self._drag = Scrub(tools, point)
        elif hit.part == "ruler":
            free = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._drag = LoopRange(tools, point, free=free)
        elif hit.part in ("mute", "solo"):
            self._toggle_strip(hit)
        elif hit.part in ("name", "lane"):
            kept = self._selection.clip_ids if control else ()
            self._selection.select_clips(kept)
            self.commands.chosen_marker = ""
            self._selection.select_objects([hit.id] if hit.id else [])
            self._drag = Marquee(tools, point, kept) if hit.part == "lane" else None
        elif hit.part != "markers":
            self._drag = self._presses.press(hit, point, event.modifiers())
        self.update()

    def _toggle_strip(self, hit: Hit) -> None:
        project = self._document.project
        field, text = ("muted", self.tr("Mute")) if hit.part == "mute" else ("soloed", self.tr("Solo"))
        on = not getattr(project.object(hit.id).strip, field)
        self._document.commit(text, project.with_strip(hit.id, **{field: on}))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        drag = self._drag
        if drag is None:
            place, project = event.position(), self._document.project
            self._hover.move(self._hit(place), place, view=self.view, project=project, mode=self.curves.mode)
            return
        if drag.edits and not self._document.in_gesture:
            # Undo, or something else that ended the gesture, took the clip out of the hand.
            self._drag = None
            return
        drag.move(event.position(), free=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        super().leaveEvent(event)
        self._hover.leave()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        drag, self._drag = self._drag, None
        if drag is None or event.button() != Qt.MouseButton.LeftButton:
            self._drag = drag
            return
        drag.release()
        if isinstance(drag, MoveClips) and not drag.moved:
            # A mere click; of a copy nothing must be left on top of the original.
            self._document.abort()
        elif drag.edits:
            self._document.end()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        hit = self._hit(event.position())
        if hit.part == "markers":
            at_s = self._snapper.snap(self.view.time_at(event.position().x()), scale=self.view.scale)
            self.commands.add_marker(at_s=at_s)
        elif hit.part == "marker":
            self.commands.chosen_marker = hit.id
            self.commands.ask_marker_name()
        else:
            self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        point = QPointF(event.pos())
        if self.curves.remove_at(point):
            return
        hit = self._hit(point)
        project = self._document.project
        on_clip = any(clip.id == hit.id for clip in project.clips)
        if on_clip and hit.id not in self._selection.clip_ids:
            self._selection.select_objects([project.clip(hit.id).object_id])
            self._selection.select_clips([hit.id])
        if hit.part == "marker":
            self._selection.select_clips(())
            self.commands.chosen_marker = hit.id
        menu = timeline_menu(self, self._actions, self.commands, project, hit, in_ruler=point.y() < RULER_HEIGHT)
        show_menu(menu, event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        delta = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.change_lane_height(1.0015**delta)
            else:
                self._show(self.view.zoomed(1.0015**delta, around_x=event.position().x()))
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.change_wave_height(1.003**delta)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier or event.angleDelta().x():
            self._show(self.view.scrolled(-delta))
        else:
            self.show_from(top=self.view.top - delta / 2)
        event.accept()

    # ------------------------------------------------------------------ keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows go from clip to clip; Escape lets go."""
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.key() == Qt.Key.Key_Escape:
            if self._drag is not None:
                self._player.end_scrub()
                self._drag = None
                self._document.abort()
            elif self._player.loop_s is not None:
                self._player.set_loop(None, on=False)
            self._selection.select_clips(())
            self.curves.choose(None)
        elif plain and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._steps.along(1 if event.key() == Qt.Key.Key_Right else -1)
        elif plain and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            row = self._steps.across(1 if event.key() == Qt.Key.Key_Down else -1)
            if row is not None:
                self._bring_into_sight(row)
        else:
            super().keyPressEvent(event)

    def _bring_into_sight(self, row: int) -> None:
        above = RULER_HEIGHT - self.view.lane_top(row)
        below = self.view.lane_top(row + 1) - self.height()
        if above > 0 or below > 0:
            self.show_from(top=self.view.top + (-above if above > 0 else below))

    def change_wave_height(self, factor: float) -> None:
        """Waveforms higher or lower in their clips, from as they are to 32 times as high."""
        self._pictures.wave_zoom = min(MAX_WAVE_ZOOM, max(1.0, self._pictures.wave_zoom * factor))
        self.update()

    def change_lane_height(self, factor: float) -> None:
        """Higher or lower lanes, with taller or smaller waveforms in them."""
        self._lanes_follow = False
        height = self.view.lane_height * factor
        self._show(self.view.with_lane_height(height, count=self.n_lanes, height=self.height()))

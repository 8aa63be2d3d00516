"""One lane per object: clips with waveforms, moved, trimmed and split by mouse and keys; ruler and playhead."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtGui import QImage
from PySide6.QtGui import QMouseEvent
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPaintEvent
from PySide6.QtGui import QPalette
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

from sounddesk.app.actions import ActionRegistry
from sounddesk.app.background import Background
from sounddesk.app.document import Document
from sounddesk.app.player import Player
from sounddesk.app.selection import SelectionModel
from sounddesk.domain.project import Project
from sounddesk.domain.take import Take
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker
from sounddesk.domain.timeline import resized
from sounddesk.domain.timeline import split

_RULER: Final = 24
_LANE: Final = 52
_NAMES: Final = 110
_EDGE: Final = 6
_COLUMNS_PER_S: Final = 200
_ROWS: Final = 48


class TimelinePanel(QWidget):
    """Signals: message(text)."""

    message = Signal(str)

    def __init__(
        self,
        document: Document,
        selection: SelectionModel,
        actions: ActionRegistry,
        player: Player,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._player = player
        self._scale = 60.0
        self._left_s = 0.0
        self._drag: tuple[str, Clip, float] | None = None
        self._waveforms: dict[str, QImage] = {}
        self._background = Background(self)
        self._background.done.connect(self._keep_waveform)
        self.setMinimumHeight(120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Timeline"))
        document.changed.connect(self._on_changed)
        document.replaced.connect(self._on_replaced)
        document.take_added.connect(self._make_waveform)
        selection.clips_changed.connect(self.update)
        selection.objects_changed.connect(self.update)
        player.position_changed.connect(lambda _s: self.update())
        self._make_actions(actions)

    def _make_actions(self, actions: ActionRegistry) -> None:
        add = actions.add
        play = self._player
        add("transport.play", self.tr("Play or stop"), play.toggle, shortcut="Space", group="Transport")
        add("transport.start", self.tr("To the start"), lambda: play.seek(0.0), shortcut="Home", group="Transport")
        add("transport.back", self.tr("Back one second"), lambda: self._jump(-1.0), shortcut="J", group="Transport")
        add("transport.stop", self.tr("Stop"), play.stop, shortcut="K", group="Transport")
        add(
            "transport.forward", self.tr("Forward one second"), lambda: self._jump(1.0), shortcut="L", group="Transport"
        )
        add("timeline.split", self.tr("Split at playhead"), self._split, shortcut="Ctrl+K", group="Timeline")
        add("timeline.delete", self.tr("Delete clips"), self._delete, shortcut="Del", group="Timeline")
        add("timeline.loop", self.tr("Loop clips"), self._loop, shortcut="Ctrl+L", group="Timeline")
        add("timeline.marker", self.tr("Add marker"), self._add_marker, shortcut="Shift+M", group="Timeline")
        add("timeline.at_markers", self.tr("Place at markers"), self._at_markers, group="Timeline")
        for name, text, key, frames in (
            ("nudge_left", self.tr("Nudge left by a frame"), "Alt+Left", -1),
            ("nudge_right", self.tr("Nudge right by a frame"), "Alt+Right", 1),
        ):
            add(f"timeline.{name}", text, partial(self._nudge, frames), shortcut=key, group="Timeline")

    # ------------------------------------------------------------------ geometry

    def x_of(self, time_s: float) -> float:
        """Widget x of a time."""
        return _NAMES + (time_s - self._left_s) * self._scale

    def time_at(self, x: float) -> float:
        """Time in seconds at a widget x."""
        return (x - _NAMES) / self._scale + self._left_s

    def clip_rect(self, clip: Clip) -> QRectF:
        """Where a clip is drawn."""
        row = [each.id for each in self._document.project.objects].index(clip.object_id)
        left = self.x_of(clip.start_s)
        return QRectF(left, _RULER + row * _LANE + 3, clip.duration_s * self._scale, _LANE - 6)

    def _clip_at(self, point: QPointF) -> Clip | None:
        for clip in reversed(self._document.project.clips):
            if self.clip_rect(clip).contains(point):
                return clip
        return None

    def snapped(self, time_s: float) -> float:
        """The nearest frame of the project's frame rate, at least 0."""
        rate = self._document.project.settings.frame_rate
        return max(0.0, round(time_s * rate) / rate)

    # ------------------------------------------------------------------ painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        palette = self.palette()
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Base))
        project = self._document.project
        self._draw_ruler(painter, project)
        for row, each in enumerate(project.objects):
            top = _RULER + row * _LANE
            if each.id in self._selection.object_ids:
                painter.fillRect(QRectF(0, top, self.width(), _LANE), palette.color(QPalette.ColorRole.AlternateBase))
            painter.fillRect(QRectF(0, top + 4, 5, _LANE - 8), QColor(each.colour))
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            name = painter.fontMetrics().elidedText(each.name, Qt.TextElideMode.ElideRight, _NAMES - 16)
            painter.drawText(QRectF(10, top, _NAMES - 14, _LANE), Qt.AlignmentFlag.AlignVCenter, name)
            painter.setPen(palette.color(QPalette.ColorRole.Mid))
            painter.drawLine(QPointF(0, top + _LANE), QPointF(self.width(), top + _LANE))
        painter.setClipRect(QRectF(_NAMES, 0, self.width() - _NAMES, self.height()))
        for clip in project.clips:
            self._draw_clip(painter, project, clip)
        self._draw_lines(painter, project)

    def _draw_ruler(self, painter: QPainter, project: Project) -> None:
        step = next((s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60) if s * self._scale >= 56), 120)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        tick = int(max(0.0, self._left_s) / step)
        while tick * step <= project.settings.timeline_s + 1e-9 and self.x_of(tick * step) < self.width():
            x = self.x_of(tick * step)
            if x >= _NAMES:
                painter.drawLine(QPointF(x, _RULER - 8), QPointF(x, _RULER))
                painter.drawText(QPointF(x + 3, _RULER - 10), f"{tick * step:g} s")
            tick += 1

    def _draw_clip(self, painter: QPainter, project: Project, clip: Clip) -> None:
        rect = self.clip_rect(clip)
        if rect.right() < _NAMES or rect.left() > self.width():
            return
        colour = QColor(project.object(clip.object_id).colour)
        fill = QColor(colour)
        fill.setAlpha(70)
        painter.fillRect(rect, fill)
        self._draw_waveform(painter, clip, rect, colour)
        chosen = clip.id in self._selection.clip_ids
        painter.setPen(self.palette().color(QPalette.ColorRole.Highlight) if chosen else colour)
        painter.drawRect(rect)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        if clip.fade_in_s:
            painter.drawLine(rect.bottomLeft(), QPointF(self.x_of(clip.start_s + clip.fade_in_s), rect.top()))
        if clip.fade_out_s:
            painter.drawLine(QPointF(self.x_of(clip.end_s - clip.fade_out_s), rect.top()), rect.bottomRight())

    def _draw_lines(self, painter: QPainter, project: Project) -> None:
        painter.setPen(self.palette().color(QPalette.ColorRole.Link))
        for marker in project.markers:
            x = self.x_of(marker.time_s)
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
            painter.drawText(QPointF(x + 3, 12), marker.label)
        painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
        x = self.x_of(self._player.position_s)
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def _draw_waveform(self, painter: QPainter, clip: Clip, rect: QRectF, colour: QColor) -> None:
        """The part of the take's picture that the clip plays; a looped clip's again and again."""
        picture = self._waveforms.get(clip.take_id)
        take = self._document.takes.get(clip.take_id)
        if picture is None or take is None:
            return
        on_dark = self.palette().color(QPalette.ColorRole.Base).lightness() < 128
        picture.setColorTable([0, (colour.lighter(125) if on_dark else colour.darker(140)).rgba()])
        body_s = take.seconds - clip.offset_s
        done_s = 0.0
        while body_s > 0 and done_s < clip.duration_s:
            part_s = min(body_s, clip.duration_s - done_s)
            target = QRectF(rect.left() + done_s * self._scale, rect.top(), part_s * self._scale, rect.height())
            share = picture.width() / take.seconds
            painter.drawImage(target, picture, QRectF(clip.offset_s * share, 0, part_s * share, picture.height()))
            if not clip.looped:
                return
            done_s += max(part_s, 0.02)

    def _make_waveform(self, take: Take) -> None:
        self._background.start(take.id, lambda: waveform_picture(take.waveform, sample_rate_hz=take.sample_rate_hz))

    def _keep_waveform(self, take_id: str, picture: QImage) -> None:
        self._waveforms[take_id] = picture
        self.update()

    def _on_changed(self, _old: Project, _new: Project) -> None:
        self._fit_lanes()
        self.update()

    def _fit_lanes(self) -> None:
        """As tall as the lanes, so that they can be scrolled to."""
        self.setMinimumHeight(max(120, _RULER + _LANE * len(self._document.project.objects)))

    def _on_replaced(self) -> None:
        self._fit_lanes()
        self._waveforms = {}
        for take in self._document.takes:
            self._make_waveform(take)
        self.update()

    def close_background(self) -> None:
        """Wait for pictures in the making."""
        self._background.close()

    # ------------------------------------------------------------------ mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        point = event.position()
        if point.y() < _RULER:
            self._player.seek(max(0.0, self.time_at(point.x())))
            return
        clip = self._clip_at(point)
        if clip is None:
            self._selection.select_clips(())
            row = int((point.y() - _RULER) // _LANE)
            objects = self._document.project.objects
            self._selection.select_objects([objects[row].id] if row < len(objects) else [])
            return
        self._selection.select_objects([clip.object_id])
        self._selection.select_clips([clip.id])
        rect = self.clip_rect(clip)
        what = "move"
        if point.x() - rect.left() < _EDGE:
            what = "left"
        elif rect.right() - point.x() < _EDGE:
            what = "right"
        names = {"move": self.tr("Move clip"), "left": self.tr("Trim clip"), "right": self.tr("Trim clip")}
        self._drag = (what, clip, self.time_at(point.x()))
        self._document.begin(names[what])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag is None:
            return
        what, clip, grabbed_s = self._drag
        moved_s = self.time_at(event.position().x()) - grabbed_s
        free = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)

        def place(time_s: float) -> float:
            return max(0.0, time_s) if free else self.snapped(time_s)

        if what == "move":
            changed = dataclasses.replace(clip, start_s=place(clip.start_s + moved_s))
        elif what == "left":
            changed = resized(clip, start_s=place(clip.start_s + moved_s))
        else:
            changed = resized(clip, end_s=place(clip.end_s + moved_s))
        self._document.preview(self._document.project.with_clip(changed))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        if self._drag is not None:
            self._drag = None
            self._document.end()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        delta = event.angleDelta().y()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            at_s = self.time_at(event.position().x())
            self._scale = min(2000.0, max(4.0, self._scale * 1.0015**delta))
            self._left_s = max(0.0, at_s - (event.position().x() - _NAMES) / self._scale)
        else:
            self._left_s = max(0.0, self._left_s - delta / self._scale)
        self.update()
        event.accept()

    # ------------------------------------------------------------------ commands

    def _jump(self, seconds: float) -> None:
        self._player.seek(self._player.position_s + seconds)

    def _chosen(self) -> list[Clip]:
        return [self._document.project.clip(each) for each in self._selection.clip_ids]

    def _split(self) -> None:
        project = self._document.project
        at_s = self._player.position_s
        chosen = self._chosen() or list(project.clips)
        cut = 0
        for clip in chosen:
            if clip.start_s + 0.011 < at_s < clip.end_s - 0.011 and not clip.looped:
                project, new_id = project.with_new_id("c")
                left, right = split(clip, at_s=at_s, new_id=new_id)
                project = project.with_clip(left).with_clip(right)
                cut += 1
        if cut:
            self._document.commit(self.tr("Split clips"), project)
        else:
            self.message.emit(self.tr("No clip lies under the playhead: move it into one first."))

    def _delete(self) -> None:
        self._document.commit(self.tr("Delete clips"), self._document.project.without_clips(self._selection.clip_ids))

    def _loop(self) -> None:
        project = self._document.project
        for clip in self._chosen():
            project = project.with_clip(dataclasses.replace(clip, looped=not clip.looped))
        self._document.commit(self.tr("Loop clips"), project)

    def _nudge(self, frames: int) -> None:
        project = self._document.project
        for clip in self._chosen():
            start_s = max(0.0, clip.start_s + frames / project.settings.frame_rate)
            project = project.with_clip(dataclasses.replace(clip, start_s=start_s))
        self._document.commit(self.tr("Nudge clips"), project, merge_key="nudge")

    def _add_marker(self) -> None:
        project, marker_id = self._document.project.with_new_id("m")
        marker = Marker(id=marker_id, time_s=self._player.position_s, label=str(len(project.markers) + 1))
        self._document.commit(self.tr("Add marker"), project.with_marker(marker))

    def _at_markers(self) -> None:
        """A clip of the current object's sound at every marker, its loudest moment on the marker."""
        project = self._document.project
        object_id = self._selection.current_object_id
        clips = project.clips_of(object_id) if object_id is not None else ()
        if not clips or not project.markers:
            self.message.emit(self.tr("Place at markers needs markers and an object with a clip."))
            return
        pattern = clips[0]
        take = self._document.takes[pattern.take_id]
        peak_s = float(np.abs(take.waveform).argmax()) / take.sample_rate_hz - pattern.offset_s
        project = project.without_clips(clip.id for clip in clips)
        for marker in project.markers:
            project, clip_id = project.with_new_id("c")
            start_s = max(0.0, marker.time_s - max(0.0, peak_s))
            project = project.with_clip(dataclasses.replace(pattern, id=clip_id, start_s=start_s))
        self._document.commit(self.tr("Place at markers"), project)


def waveform_picture(waveform: npt.NDArray[np.float32], *, sample_rate_hz: int) -> QImage:
    """Peaks of float32[n] around a middle line, as a picture of two colours to be set by who draws it."""
    columns = max(1, len(waveform) * _COLUMNS_PER_S // sample_rate_hz)
    edges = np.linspace(0, len(waveform), columns, endpoint=False).astype(int)
    heights = np.maximum.reduceat(np.abs(waveform), edges) * (_ROWS / 2)
    distance = np.abs(np.arange(_ROWS) + 0.5 - _ROWS / 2)[:, None]
    pixels = np.ascontiguousarray((distance <= np.maximum(heights, 0.5)[None, :]).astype(np.uint8))
    image = QImage(pixels.data, columns, _ROWS, columns, QImage.Format.Format_Indexed8)
    return image.copy()

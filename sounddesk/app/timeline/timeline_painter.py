"""Drawing the timeline: ruler, lanes, clips, markers, loop range, playhead. Decides nothing."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QCoreApplication
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRect
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPalette
from PySide6.QtGui import QPen
from PySide6.QtGui import QPolygonF

from sounddesk.app.look.empty_text import draw_empty_text
from sounddesk.app.look.theme import RADIUS
from sounddesk.app.look.theme import colour
from sounddesk.app.timeline.clip_pictures import ClipPictures
from sounddesk.app.timeline.curve_painter import paint_curves
from sounddesk.app.timeline.curve_painter import paint_fade
from sounddesk.app.timeline.timeline_curves import CurveMode
from sounddesk.app.timeline.timeline_curves import PointRef
from sounddesk.app.timeline.timeline_view import MARKERS_HEIGHT
from sounddesk.app.timeline.timeline_view import NAMES_WIDTH
from sounddesk.app.timeline.timeline_view import RULER_HEIGHT
from sounddesk.app.timeline.timeline_view import Hit
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.timecode import TimeUnit
from sounddesk.domain.timecode import format_time
from sounddesk.domain.timecode import ruler_step_s
from sounddesk.domain.timeline import Clip

_LABEL_GAP: Final = 18


@dataclass(frozen=True, kw_only=True)
class TimelineState:
    """What is drawn besides the project.

    Attributes:
        chosen_objects, chosen_clips, chosen_marker: ids.
        loop_s: range of the loop; `looping` whether it is repeated.
        marquee: rectangle that is being drawn around clips, in widget pixels.
        curve_mode, chosen_point: what is edited on the lanes, and its point that keys act on.
        hovered_clip, hovered_button: what is under the mouse: a clip's id, mute or solo of a lane.
        take_names: what clips are called, by the id of their take.
        making: how far the takes are that are being made, from 0 to 1 by the id of the object.
    """

    chosen_objects: Collection[str]
    chosen_clips: Collection[str]
    chosen_marker: str
    playhead_s: float
    unit: TimeUnit
    loop_s: tuple[float, float] | None
    looping: bool
    marquee: QRectF | None
    curve_mode: CurveMode
    chosen_point: PointRef | None
    hovered_clip: str
    hovered_button: Hit | None
    take_names: Mapping[str, str]
    making: Mapping[str, float]


class TimelinePainter:
    """Made for one repaint."""

    def __init__(
        self, painter: QPainter, view: TimelineView, palette: QPalette, area: QRect, pictures: ClipPictures
    ) -> None:
        self._painter = painter
        self._view = view
        self._palette = palette
        self._area = area
        self._pictures = pictures
        self._on_dark = palette.color(QPalette.ColorRole.Base).lightness() < 128

    def paint(self, project: Project, state: TimelineState, *, focused: bool) -> None:
        """Everything, from back to front; `focused`: keys go to the timeline."""
        painter, area = self._painter, self._area
        painter.fillRect(area, colour("sunken"))
        # The ruler stays above the lanes, and the headers beside the clips.
        painter.setClipRect(QRectF(0, RULER_HEIGHT, area.width(), area.height() - RULER_HEIGHT))
        self._lanes(project, state)
        if not project.objects:
            text = QCoreApplication.translate("TimelinePainter", "Each object gets a lane for its sounds.")
            draw_empty_text(painter, area.adjusted(NAMES_WIDTH, RULER_HEIGHT, 0, 0), text)
        painter.setClipRect(QRectF(NAMES_WIDTH - 5, 0, area.width() - NAMES_WIDTH + 5, area.height()))
        self._beyond_the_end(project)
        self._ruler(project, state)
        painter.setClipRect(QRectF(NAMES_WIDTH, 0, area.width() - NAMES_WIDTH, area.height()))
        self._loop(state)
        painter.setClipRect(QRectF(NAMES_WIDTH, RULER_HEIGHT, area.width() - NAMES_WIDTH, area.height()))
        for clip in project.clips:
            self._clip(
                project,
                clip,
                chosen=clip.id in state.chosen_clips,
                hovered=clip.id == state.hovered_clip,
                title=state.take_names.get(clip.take_id, ""),
            )
        for row, each in enumerate(project.objects):
            if each.id in state.making:
                self._clip_to_come(project, each, row, state.making[each.id])
        paint_curves(painter, self._view, project, state.curve_mode, state.chosen_point)
        painter.setClipRect(QRectF(NAMES_WIDTH, 0, area.width() - NAMES_WIDTH, area.height()))
        self._markers(project, state)
        painter.setClipRect(QRectF(NAMES_WIDTH - 5, 0, area.width() - NAMES_WIDTH + 5, area.height()))
        self._playhead(state)
        if state.marquee is not None:
            painter.setPen(colour("accent"))
            painter.fillRect(state.marquee, colour("accent", alpha=40))
            painter.drawRect(state.marquee)
        if focused:
            painter.setClipping(False)
            painter.setPen(colour("accent"))
            painter.drawRect(area.adjusted(0, 0, -1, -1))

    def _lanes(self, project: Project, state: TimelineState) -> None:
        painter, width, height = self._painter, self._area.width(), self._view.lane_height
        soloing = any(each.strip.soloed for each in project.objects)
        for row, each in enumerate(project.objects):
            top = self._view.lane_top(row)
            chosen = each.id in state.chosen_objects
            painter.fillRect(QRectF(0, top, NAMES_WIDTH, height), colour("raised" if chosen else "panel"))
            if chosen:
                painter.fillRect(QRectF(NAMES_WIDTH, top, width, height), colour("panel"))
            painter.fillRect(QRectF(0, top + 2, 5, height - 4), QColor(each.colour))
            heard = not each.strip.muted and (each.strip.soloed or not soloing)
            painter.setPen(colour("text" if heard else "muted"))
            room = self._view.flag_rect(row, solo=False).left() - 14
            name = painter.fontMetrics().elidedText(each.name, Qt.TextElideMode.ElideRight, round(room))
            painter.drawText(QRectF(10, top, room, height), Qt.AlignmentFlag.AlignVCenter, name)
            over = state.hovered_button.part if state.hovered_button and state.hovered_button.id == each.id else ""
            for part, letter, on in (("mute", "M", each.strip.muted), ("solo", "S", each.strip.soloed)):
                where = self._view.flag_rect(row, solo=part == "solo")
                self._flag(where, letter, lit=part if on else "", hovered=over == part)
            painter.setPen(colour("line"))
            painter.drawLine(QPointF(0, top + height), QPointF(width, top + height))

    def _flag(self, where: QRectF, letter: str, *, lit: str, hovered: bool) -> None:
        painter = self._painter
        painter.setPen(colour("text" if hovered else "line"))
        painter.setBrush(colour(lit or "hover"))
        painter.drawRoundedRect(where, RADIUS, RADIUS)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(colour("on_lit" if lit else "text"))
        painter.drawText(where, Qt.AlignmentFlag.AlignCenter, letter)

    def _beyond_the_end(self, project: Project) -> None:
        """What lies behind the timeline's end is neither played nor exported."""
        end = max(self._view.x_of(project.settings.timeline_s), float(NAMES_WIDTH))
        shade = QColor(0, 0, 0, 90 if self._on_dark else 26)
        self._painter.fillRect(QRectF(end, MARKERS_HEIGHT, self._area.width() - end, self._area.height()), shade)
        self._painter.setPen(self._palette.color(QPalette.ColorRole.PlaceholderText))
        self._painter.drawLine(QPointF(end, MARKERS_HEIGHT), QPointF(end, self._area.height()))

    def _ruler(self, project: Project, state: TimelineState) -> None:
        painter, view, settings = self._painter, self._view, project.settings

        def label(time_s: float) -> str:
            return format_time(
                time_s, unit=state.unit, rate=settings.timecode_rate, start_timecode_s=settings.start_timecode_s
            )

        widest = painter.fontMetrics().horizontalAdvance(label(settings.timeline_s)) + _LABEL_GAP
        step = ruler_step_s(state.unit, rate=settings.timecode_rate, at_least_s=widest / view.scale)
        painter.setPen(self._palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawLine(QPointF(NAMES_WIDTH, RULER_HEIGHT), QPointF(self._area.width(), RULER_HEIGHT))
        tick = int(view.left_s / step)
        while tick * step <= settings.timeline_s + 1e-9 and view.x_of(tick * step) < self._area.width():
            x = view.x_of(tick * step)
            if x >= NAMES_WIDTH - 1:
                painter.drawLine(QPointF(x, RULER_HEIGHT - 7), QPointF(x, RULER_HEIGHT))
                text = label(tick * step)
                # The last one may have no room beside the end of the widget.
                if x + 3 + painter.fontMetrics().horizontalAdvance(text) <= self._area.width():
                    painter.drawText(QPointF(x + 3, RULER_HEIGHT - 9), text)
            tick += 1

    def _loop(self, state: TimelineState) -> None:
        if state.loop_s is None:
            return
        shade = colour("accent", alpha=90 if state.looping else 35)
        left, right = (self._view.x_of(each) for each in state.loop_s)
        self._painter.fillRect(QRectF(left, MARKERS_HEIGHT, right - left, RULER_HEIGHT - MARKERS_HEIGHT), shade)
        shade.setAlpha(shade.alpha() // 4)
        self._painter.fillRect(QRectF(left, RULER_HEIGHT, right - left, self._area.height()), shade)

    def _clip(self, project: Project, clip: Clip, *, chosen: bool, hovered: bool, title: str) -> None:
        painter = self._painter
        rect = self._view.clip_rect(project, clip)
        if rect.right() < NAMES_WIDTH or rect.left() > self._area.width():
            return
        ink = QColor(project.object(clip.object_id).colour)
        fill = QColor(ink)
        fill.setAlpha(110 if chosen else 90 if hovered else 70)
        painter.fillRect(rect, fill)
        self._pictures.draw(painter, clip, rect, ink.lighter(125) if self._on_dark else ink.darker(180))
        outline = colour("accent") if chosen else colour("text") if hovered else ink
        painter.setPen(QPen(outline, 2 if chosen else 1))
        painter.drawRect(rect)
        painter.setPen(self._palette.color(QPalette.ColorRole.Text))
        fade_in, fade_out = (self._view.fade_handle(project, clip, fade_in=each).center().x() for each in (True, False))
        paint_fade(painter, QRectF(rect.topLeft(), QPointF(fade_in, rect.bottom())), clip.fade_in_curve, fade_in=True)
        paint_fade(
            painter, QRectF(QPointF(fade_out, rect.top()), rect.bottomRight()), clip.fade_out_curve, fade_in=False
        )
        if chosen:
            for x in (fade_in, fade_out):
                painter.fillRect(QRectF(x - 3, rect.top(), 6, 6), outline)
        texts = [title] if title else []
        if clip.reversed:
            texts.append("◀")
        if clip.looped:
            texts.append("↻")
        if clip.gain_db:
            texts.append(f"{clip.gain_db:+.1f} dB")
        if texts and rect.width() > 30:
            # Where the clip begins left of what is shown, its name stays in sight.
            visible = rect.adjusted(max(0.0, NAMES_WIDTH - rect.left()) + 4, 1, -4, -1)
            text = painter.fontMetrics().elidedText(
                " ".join(texts), Qt.TextElideMode.ElideRight, max(0, round(visible.width()))
            )
            painter.drawText(visible, Qt.AlignmentFlag.AlignBottom, text)

    def _clip_to_come(self, project: Project, each: SceneObject, row: int, share: float) -> None:
        """Where an empty lane gets its take, how far that is; beside clips only a line along the lane."""
        painter, view = self._painter, self._view
        seconds = each.seconds or project.settings.seconds
        left, top, height = view.x_of(0.0), view.lane_top(row) + 3, view.lane_height - 6
        whole = QRectF(left, top, seconds * view.scale, height)
        if project.clips_of(each.id):
            line = QRectF(NAMES_WIDTH, top + height - 2, (self._area.width() - NAMES_WIDTH) * share, 3)
            painter.fillRect(line, colour("accent"))
            return
        ink = QColor(each.colour)
        painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
        painter.drawRect(whole)
        ink.setAlpha(50)
        painter.fillRect(QRectF(left, top, whole.width() * share, height), ink)
        painter.setPen(colour("text"))
        text = QCoreApplication.translate("TimelinePainter", "Making a take: {percent} %")
        visible = whole.adjusted(max(0.0, NAMES_WIDTH - left) + 8, 0, 0, 0)
        painter.drawText(visible, Qt.AlignmentFlag.AlignVCenter, text.format(percent=round(100 * share)))

    def _markers(self, project: Project, state: TimelineState) -> None:
        painter = self._painter
        for marker in project.markers:
            chosen = marker.id == state.chosen_marker
            ink = colour("text" if chosen else "accent")
            if marker.object_id is not None and not chosen:
                ink = QColor(project.object(marker.object_id).colour)
            x = self._view.x_of(marker.time_s)
            painter.setPen(QPen(ink, 1, Qt.PenStyle.SolidLine if chosen else Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, 0), QPointF(x, self._area.height()))
            flag = QPolygonF([QPointF(x, 1), QPointF(x + 8, 5), QPointF(x, 9)])
            painter.setBrush(ink)
            painter.drawPolygon(flag)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawText(QPointF(x + 11, 12), marker.label)

    def _playhead(self, state: TimelineState) -> None:
        painter = self._painter
        x = self._view.x_of(state.playhead_s)
        painter.setPen(colour("accent"))
        painter.drawLine(QPointF(x, MARKERS_HEIGHT), QPointF(x, self._area.height()))
        painter.setBrush(colour("accent"))
        top = MARKERS_HEIGHT
        painter.drawPolygon(QPolygonF([QPointF(x - 5, top), QPointF(x + 5, top), QPointF(x, top + 7)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

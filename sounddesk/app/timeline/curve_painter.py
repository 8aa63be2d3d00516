"""Drawing curves over clips and lanes, and the shapes of fades."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtCore import QRectF
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPen

from sounddesk.app.look.theme import colour
from sounddesk.app.timeline.timeline_curves import POINT_RADIUS
from sounddesk.app.timeline.timeline_curves import CurveMode
from sounddesk.app.timeline.timeline_curves import PointRef
from sounddesk.app.timeline.timeline_curves import curve_rect
from sounddesk.app.timeline.timeline_curves import line_of
from sounddesk.app.timeline.timeline_curves import place_of
from sounddesk.app.timeline.timeline_curves import shown_curves
from sounddesk.app.timeline.timeline_curves import value_text
from sounddesk.app.timeline.timeline_view import TimelineView
from sounddesk.audio.gain_curves import FADE_SHAPES
from sounddesk.domain.curve_edits import CurveRef
from sounddesk.domain.curve_edits import curve_of
from sounddesk.domain.project import Project
from sounddesk.domain.timeline import FadeCurve

_FADE_STEPS = 24


def paint_curves(
    painter: QPainter, view: TimelineView, project: Project, mode: CurveMode, chosen: PointRef | None
) -> None:
    """The curves of a mode with their points; while clips are edited, the lines of what moves at all."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    refs = list(shown_curves(project, mode))
    if mode == "off":
        refs = [CurveRef(of="clip", id=clip.id) for clip in project.clips if clip.envelope]
        refs += [CurveRef(of="volume", id=each.id) for each in project.objects if each.strip.volume_curve]
    for ref in refs:
        curve = curve_of(project, ref)
        # What is edited stands out; a lane's volume is only hinted at behind the clips' own gain.
        strong = bool(curve) and not (mode == "off" and ref.of == "volume")
        ink = colour("accent" if mode != "off" else "text", alpha=255 if strong else 200 if mode != "off" else 140)
        painter.setPen(QPen(ink, 1.5, Qt.PenStyle.SolidLine if curve else Qt.PenStyle.DashLine))
        painter.drawPolyline(line_of(view, project, ref))
        if mode == "off":
            continue
        rect = curve_rect(view, project, ref)
        for index, point in enumerate(curve):
            place = place_of(view, project, ref, point)
            if not rect.left() - 1 <= place.x() <= rect.right() + 1:
                continue
            is_chosen = chosen == PointRef(curve=ref, index=index)
            painter.setPen(QPen(colour("accent"), 1.5))
            painter.setBrush(colour("accent" if is_chosen else "panel"))
            painter.drawEllipse(place, POINT_RADIUS, POINT_RADIUS)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if is_chosen:
                _value(painter, place, value_text(point.value, pan=ref.kind == "pan"))
    painter.restore()


def _value(painter: QPainter, place: QPointF, text: str) -> None:
    """The value of a point beside it, on a ground of its own."""
    width = painter.fontMetrics().horizontalAdvance(text) + 8
    height = painter.fontMetrics().height()
    rect = QRectF(place.x() + 8, place.y() - height / 2, width, height)
    painter.fillRect(rect, colour("raised"))
    painter.setPen(colour("text"))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def paint_fade(painter: QPainter, rect: QRectF, curve: FadeCurve, *, fade_in: bool) -> None:
    """The shape of a fade over `rect`, and what it takes away darkened."""
    if rect.width() < 1.0:
        return
    passed = np.linspace(0.0, 1.0, _FADE_STEPS + 1)
    gains = FADE_SHAPES[curve](passed if fade_in else 1.0 - passed)
    line = [
        QPointF(rect.left() + float(share) * rect.width(), rect.bottom() - float(gain) * rect.height())
        for share, gain in zip(passed, gains, strict=True)
    ]
    shade = QColor(colour("sunken"))
    shade.setAlpha(130)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = painter.pen()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(shade)
    painter.drawPolygon([*line, rect.topRight(), rect.topLeft()])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen)
    painter.drawPolyline(line)
    painter.restore()

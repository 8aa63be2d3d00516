"""Which curve of a project is meant, and the project with another one in its place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from sounddesk.domain.automation import Curve
from sounddesk.domain.automation import CurveKind
from sounddesk.domain.project import Project

CurveOf = Literal["clip", "volume", "pan"]


@dataclass(frozen=True, kw_only=True)
class CurveRef:
    """The gain of a clip, or volume or pan of a lane; `id` of the clip or of the lane's object."""

    of: CurveOf
    id: str

    @property
    def kind(self) -> CurveKind:
        """What its values are."""
        return "pan" if self.of == "pan" else "volume"


def curve_of(project: Project, ref: CurveRef) -> Curve:
    """The points of a curve; none where there is no such clip or lane any more."""
    if ref.of == "clip":
        return next((clip.envelope for clip in project.clips if clip.id == ref.id), ())
    strip = next((each.strip for each in project.objects if each.id == ref.id), None)
    if strip is None:
        return ()
    return strip.volume_curve if ref.of == "volume" else strip.pan_curve


def with_curve(project: Project, ref: CurveRef, curve: Curve) -> Project:
    """The project with other points. Raises: KeyError."""
    if ref.of == "clip":
        return project.with_clip(dataclasses.replace(project.clip(ref.id), envelope=curve))
    return project.with_strip(ref.id, **{"volume_curve" if ref.of == "volume" else "pan_curve": curve})


def time_in_curve(project: Project, ref: CurveRef, time_s: float) -> float:
    """A time of the timeline as the curve counts it: for a clip from the beginning of what it plays."""
    if ref.of != "clip":
        return time_s
    clip = project.clip(ref.id)
    return time_s - clip.start_s + clip.offset_s


def time_on_timeline(project: Project, ref: CurveRef, time_s: float) -> float:
    """The inverse of `time_in_curve`."""
    return time_s - time_in_curve(project, ref, 0.0)


def value_without_curve(project: Project, ref: CurveRef) -> float:
    """What holds while a curve has no points: no change of gain, or the pan of the strip."""
    return project.object(ref.id).strip.pan if ref.of == "pan" else 0.0

"""What sounds in the file of one clip, or of one take."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sounddesk.audio.exporters.export_plan import PlannedFile
from sounddesk.audio.exporters.resampling_reader import ReadSound
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.project import Project


@dataclass(frozen=True, kw_only=True, eq=False)
class LoneSound:
    """A sound and the constant gains of left and right that follow it; `stereo` where it has sides of its own."""

    read: ReadSound
    gains: tuple[float, float]
    stereo: bool


def lone_sound(
    file: PlannedFile, project: Project, samples_of: Callable[[str], Sound | None], *, pre_fader: bool
) -> LoneSound:
    """Of a clip, through the strip of its lane but without mute, solo and reverb; or of a raw take."""
    if file.what == "take":
        assert file.take_id is not None
        samples = samples_of(file.take_id)
        sides = () if samples is None else samples.shape[1:]

        def read_take(start: int, count: int) -> Sound:
            out = np.zeros((count, *sides), dtype=np.float32)
            heard = out[:0] if samples is None else samples[start : start + count]
            out[: len(heard)] = heard
            return out

        return LoneSound(read=read_take, gains=(1.0, 1.0), stereo=bool(sides))
    assert file.clip_id is not None
    clip = project.clip(file.clip_id)
    strip = dataclasses.replace(
        project.heard_strip(clip.object_id), muted=False, soloed=False, group_id="", send_db=FADER_BOTTOM_DB
    )
    # A blend's members are not there.
    lane = dataclasses.replace(project.object(clip.object_id), members=(), strip=strip)
    alone = TimelineMix(Project(objects=(lane,), clips=(clip,)), samples_of)
    if pre_fader:
        return LoneSound(
            read=lambda start, count: alone.lane(0, start, count), gains=(1.0, 1.0), stereo=alone.has_sides(0)
        )
    return LoneSound(
        read=lambda start, count: alone.automated(0, start, count), gains=alone.gains(0), stereo=alone.is_stereo(0)
    )

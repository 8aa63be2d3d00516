"""The timeline as sound: any block of any stem or of the mix. Playback and export run this same code.

Every sample depends on its own position alone, so the result is the same to the bit however it is cut into blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.mixing import db_to_linear
from sounddesk.audio.mixing import pan_gains
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.timeline import Clip

Mono = npt.NDArray[np.float32]
Stereo = npt.NDArray[np.float32]

PROJECT_RATE_HZ: Final = 48_000
FADER_BOTTOM_DB: Final = -60.0
# Above this the limiter bends; what comes out stays below full scale.
LIMITER_THRESHOLD: Final = 10 ** (-3.0 / 20.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _PlacedClip:
    """A clip in frames of the project rate."""

    samples: Mono
    start: int
    length: int
    offset: int
    gain: float
    fade_in: int
    fade_out: int
    looped: bool
    crossfade: int

    def add_to(self, out: Mono, block_start: int) -> None:
        """Add what sounds between `block_start` and the end of `out`."""
        first = max(self.start, block_start)
        last = min(self.start + self.length, block_start + len(out))
        if first >= last:
            return
        position = np.arange(first - self.start, last - self.start)
        sound = self._source(position) * self._envelope(position)
        out[first - block_start : last - block_start] += sound

    def _source(self, position: npt.NDArray[np.int64]) -> Mono:
        body = self.samples[self.offset :]
        if not self.looped:
            sound = np.zeros(len(position), dtype=np.float32)
            inside = position < len(body)
            sound[inside] = body[position[inside]]
            return sound
        if len(body) < 2:
            return np.zeros(len(position), dtype=np.float32)
        crossfade = min(self.crossfade, len(body) // 2)
        period = len(body) - crossfade
        phase = position % period
        sound = body[phase].copy()
        # From the second round on, the tail of the round before sounds into the beginning of this one.
        seam = (position >= period) & (phase < crossfade)
        if seam.any():
            turn = (phase[seam] + 0.5) / crossfade * (math.pi / 2)
            rising, falling = np.sin(turn), np.cos(turn)
            sound[seam] = (body[phase[seam]] * rising + body[phase[seam] + period] * falling).astype(np.float32)
        return sound

    def _envelope(self, position: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        envelope = np.full(len(position), self.gain, dtype=np.float64)
        if self.fade_in:
            rising = np.clip((position + 0.5) / self.fade_in, 0.0, 1.0)
            envelope *= np.sin(rising * (math.pi / 2))
        if self.fade_out:
            falling = np.clip((self.length - position - 0.5) / self.fade_out, 0.0, 1.0)
            envelope *= np.sin(falling * (math.pi / 2))
        return envelope.astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Track:
    object_id: str
    clips: tuple[_PlacedClip, ...]
    left: float
    right: float


class TimelineMix:
    """One state of a project, ready to be heard.

    Attributes:
        frames: length of the timeline at `PROJECT_RATE_HZ`.
        object_ids: lanes, in the project's order.
    """

    def __init__(self, project: Project, samples_of: Callable[[str], Mono | None]) -> None:
        """`samples_of`: a take's samples at the project rate, float32[n]; None where it is not there (yet)."""
        self.frames = frames_of(project.settings.timeline_s)
        self.object_ids = tuple(each.id for each in project.objects)
        soloed = any(each.strip.soloed for each in project.objects)
        self._tracks = []
        for each in project.objects:
            placed = (_place(clip, samples_of(clip.take_id)) for clip in project.clips_of(each.id))
            left, right = strip_gains(each.strip, any_soloed=soloed)
            self._tracks.append(
                _Track(object_id=each.id, clips=tuple(c for c in placed if c is not None), left=left, right=right)
            )
        self._master = 0.0 if project.master.gain_db <= FADER_BOTTOM_DB else db_to_linear(project.master.gain_db)
        self._limiter = project.master.limiter

    def stems(self, start: int, count: int) -> list[Stereo]:
        """Post-fader stems float32[count, 2] of every lane, in order, from frame `start`."""
        return [self._stem(track, start, count) for track in self._tracks]

    def stem(self, index: int, start: int, count: int) -> Stereo:
        """`stems` of one lane alone."""
        return self._stem(self._tracks[index], start, count)

    def master(self, stems: Sequence[npt.NDArray[np.floating[Any]]], count: int) -> Stereo:
        """The sum of stems after master fader and limiter, float32[count, 2]."""
        total = np.zeros((count, 2), dtype=np.float64)
        for stem in stems:
            total += stem
        total *= self._master
        return limited(total) if self._limiter else total.astype(np.float32)

    def render(self, start: int, count: int) -> Stereo:
        """The mix float32[count, 2] from frame `start`."""
        return self.master(self.stems(start, count), count)

    def _stem(self, track: _Track, start: int, count: int) -> Stereo:
        mono = np.zeros(count, dtype=np.float32)
        if track.left == 0.0 and track.right == 0.0:
            return np.zeros((count, 2), dtype=np.float32)
        for clip in track.clips:
            clip.add_to(mono, start)
        return mono[:, None] * np.array([track.left, track.right], dtype=np.float32)


def frames_of(seconds: float) -> int:
    """The frame nearest to a time."""
    return round(seconds * PROJECT_RATE_HZ)


def strip_gains(strip: MixerStrip, *, any_soloed: bool) -> tuple[float, float]:
    """Amplitude factors (left, right) of a strip.

    The pan law is of constant power with 0 dB in the centre (3 dB more at either side), so that a stem that was
    never panned is its take on both channels, and the mono stems of `sounddesk render` and these agree.
    """
    if strip.muted or strip.gain_db <= FADER_BOTTOM_DB or (any_soloed and not strip.soloed):
        return 0.0, 0.0
    left, right = pan_gains(strip.pan)
    gain = db_to_linear(strip.gain_db) * math.sqrt(2.0) * (-1.0 if strip.inverted else 1.0)
    return left * gain, right * gain


def limited(samples: npt.NDArray[np.float64]) -> Stereo:
    """A soft limiter: unchanged up to -3 dBFS, bent above so that no sample reaches full scale.

    It has no memory, so it adds no delay and does not depend on blocks; it shapes peaks instead of ducking.
    """
    size = np.abs(samples)
    over = np.maximum(size - LIMITER_THRESHOLD, 0.0)
    room = 1.0 - LIMITER_THRESHOLD
    bent = np.where(over > 0.0, LIMITER_THRESHOLD + room * np.tanh(over / room) * 0.999, size)
    return (np.sign(samples) * bent).astype(np.float32)


def _place(clip: Clip, samples: Mono | None) -> _PlacedClip | None:
    if samples is None:
        return None
    start = frames_of(clip.start_s)
    length = frames_of(clip.end_s) - start
    # Where the take begins on the timeline, which a cut does not move: so both halves of a split clip read the very
    # samples that the whole one did. Rounded first, because the halves compute it from other numbers.
    take_start = round(round((clip.start_s - clip.offset_s) * PROJECT_RATE_HZ, 5))
    return _PlacedClip(
        samples=samples,
        start=start,
        length=length,
        offset=start - take_start,
        gain=0.0 if clip.gain_db <= FADER_BOTTOM_DB else db_to_linear(clip.gain_db),
        fade_in=frames_of(clip.fade_in_s),
        fade_out=frames_of(clip.fade_out_s),
        looped=clip.looped,
        crossfade=frames_of(clip.loop_crossfade_s),
    )

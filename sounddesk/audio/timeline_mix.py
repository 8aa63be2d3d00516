"""Renders the timeline: any block of any stem or of the mix. Playback and export run this same code.

Every sample depends on its own position alone, so the result is the same to the bit however it is cut into blocks.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.mixing import db_to_linear
from sounddesk.audio.mixing import pan_gains
from sounddesk.audio.resample import resample
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import Clip

Mono = npt.NDArray[np.float32]
Stereo = npt.NDArray[np.float32]

FADER_BOTTOM_DB: Final = -60.0
# Above this the limiter bends; what comes out stays below full scale.
LIMITER_THRESHOLD: Final = 10 ** (-3.0 / 20.0)
# Loops of fewer frames are gathered sample by sample: round by round would be a long walk.
_SHORT_LOOP: Final = 4096


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
        sound = self._source(first - self.start, last - self.start)
        self._shape(sound, first - self.start)
        out[first - block_start : last - block_start] += sound

    @functools.cached_property
    def _body(self) -> Mono:
        return self.samples[self.offset :]

    @functools.cached_property
    def _seam(self) -> Mono:
        """From the second round on: the beginning of the loop, with the tail of the round before in it."""
        crossfade = min(self.crossfade, len(self._body) // 2)
        period = len(self._body) - crossfade
        turn = (np.arange(crossfade) + 0.5) / max(1, crossfade) * (math.pi / 2)
        seam = self._body[:crossfade] * np.sin(turn) + self._body[period:] * np.cos(turn)
        return seam.astype(np.float32)

    def _source(self, first: int, last: int) -> Mono:
        """The take's samples from `first` to `last`, counted from the start of the clip; a fresh array."""
        body = self._body
        sound = np.zeros(last - first, dtype=np.float32)
        if not self.looped:
            heard = body[first:last]
            sound[: len(heard)] = heard
            return sound
        if len(body) < 2:
            return sound
        seam = self._seam
        period = len(body) - len(seam)
        if period < _SHORT_LOOP:
            positions = np.arange(first, last)
            phases = positions % period
            sound[:] = body[phases]
            inside = (positions >= period) & (phases < len(seam))
            sound[inside] = seam[phases[inside]]
            return sound
        place = first
        while place < last:
            begin = place % period
            count = min(period - begin, last - place)
            sound[place - first : place - first + count] = body[begin : begin + count]
            if place >= period and begin < len(seam):
                blended = seam[begin : begin + count]
                sound[place - first : place - first + len(blended)] = blended
            place += count
        return sound

    def _shape(self, sound: Mono, first: int) -> None:
        """Apply gain and fades in place."""
        last = first + len(sound)
        fading_in = max(0, min(self.fade_in, last) - first)
        fading_out = max(0, last - max(self.length - self.fade_out, first))
        if fading_in + fading_out == 0:
            sound *= np.float32(self.gain)
            return
        position = np.arange(first, last)
        envelope = np.full(len(sound), self.gain, dtype=np.float64)
        if fading_in:
            rising = np.clip((position[:fading_in] + 0.5) / self.fade_in, 0.0, 1.0)
            envelope[:fading_in] *= np.sin(rising * (math.pi / 2))
        if fading_out:
            falling = np.clip((self.length - position[-fading_out:] - 0.5) / self.fade_out, 0.0, 1.0)
            envelope[-fading_out:] *= np.sin(falling * (math.pi / 2))
        sound *= envelope.astype(np.float32)


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

    def lane(self, index: int, start: int, count: int) -> Mono:
        """One lane before its fader, pan, mute and solo, float32[count]."""
        mono = np.zeros(count, dtype=np.float32)
        for clip in self._tracks[index].clips:
            clip.add_to(mono, start)
        return mono

    def gains(self, index: int) -> tuple[float, float]:
        """Amplitude factors (left, right) of a lane's strip, 0 where it is not heard."""
        return self._tracks[index].left, self._tracks[index].right

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
        out = np.zeros((count, 2), dtype=np.float32)
        if track.left == 0.0 and track.right == 0.0:
            return out
        mono = np.zeros(count, dtype=np.float32)
        for clip in track.clips:
            clip.add_to(mono, start)
        for channel, gain in enumerate((track.left, track.right)):
            np.multiply(mono, np.float32(gain), out=out[:, channel])
        return out


class TakeSamples:
    """Gives a take's samples by id, float32[n] at 48 kHz, resampled once; None for a take that is not there.

    Safe in any thread.
    """

    def __init__(self, takes: TakeLibrary) -> None:
        self._takes = takes
        self._made: dict[str, Mono] = {}
        self._lock = threading.Lock()

    def __call__(self, take_id: str) -> Mono | None:
        take = self._takes.get(take_id)
        if take is None:
            return None
        with self._lock:
            if take_id not in self._made:
                self._made[take_id] = resample(take.waveform, from_hz=take.sample_rate_hz, to_hz=PROJECT_RATE_HZ)
            return self._made[take_id]


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

"""Renders the timeline: any block of any stem or of the mix. Playback and export run this same code.

Every sample depends on its own position alone, so the result is the same to the bit however it is cut into blocks.
"""

from __future__ import annotations

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
from sounddesk.audio.placed_clip import FADER_BOTTOM_DB
from sounddesk.audio.placed_clip import Mono
from sounddesk.audio.placed_clip import PlacedClip
from sounddesk.audio.placed_clip import frames_of
from sounddesk.audio.placed_clip import place_clip
from sounddesk.audio.resample import resample
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import PROJECT_RATE_HZ

Stereo = npt.NDArray[np.float32]

# Above this the limiter bends; what comes out stays below full scale.
LIMITER_THRESHOLD: Final = 10 ** (-3.0 / 20.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Track:
    object_id: str
    clips: tuple[PlacedClip, ...]
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
            clips = [(clip, samples_of(clip.take_id)) for clip in project.clips_of(each.id)]
            placed = (place_clip(clip, take, project.fades[clip.id]) for clip, take in clips if take is not None)
            left, right = strip_gains(each.strip, any_soloed=soloed)
            self._tracks.append(_Track(object_id=each.id, clips=tuple(placed), left=left, right=right))
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

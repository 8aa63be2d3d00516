"""One clip in samples: its part of the take, loop, fades and gain.

Every sample depends on its own position alone, so the result is the same to the bit however it is cut into blocks.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.gain_curves import FADE_SHAPES
from sounddesk.audio.gain_curves import curve_values
from sounddesk.audio.mixing import db_to_linear
from sounddesk.domain.automation import Curve
from sounddesk.domain.crossfades import Fades
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import FadeCurve

Sound = npt.NDArray[np.float32]
"""float32[n], or float32[n, 2] where left and right are sounds of their own."""

# Loops of fewer frames are gathered sample by sample: round by round would be a long walk.
_SHORT_LOOP: Final = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedClip:
    """A clip in frames of the project rate.

    Attributes:
        samples: what is played, from its beginning, before `offset` is trimmed away.
    """

    samples: Sound
    start: int
    length: int
    offset: int
    gain: float
    fade_in: int
    fade_out: int
    fade_in_curve: FadeCurve
    fade_out_curve: FadeCurve
    envelope: Curve
    looped: bool
    crossfade: int

    def add_to(self, out: Sound, block_start: int) -> None:
        """Add what sounds between `block_start` and the end of `out`; a mono clip in stereo sounds on both sides."""
        first = max(self.start, block_start)
        last = min(self.start + self.length, block_start + len(out))
        if first >= last:
            return
        sound = self._source(first - self.start, last - self.start)
        self._shape(sound, first - self.start)
        out[first - block_start : last - block_start] += sound if sound.ndim == out.ndim else sound[:, None]

    @functools.cached_property
    def _body(self) -> Sound:
        return self.samples[self.offset :]

    @functools.cached_property
    def _seam(self) -> Sound:
        """From the second round on: the beginning of the loop, with the tail of the round before in it."""
        crossfade = min(self.crossfade, len(self._body) // 2)
        period = len(self._body) - crossfade
        turn = (np.arange(crossfade) + 0.5) / max(1, crossfade) * (math.pi / 2)
        rising, falling = over_time(np.sin(turn), self._body), over_time(np.cos(turn), self._body)
        seam = self._body[:crossfade] * rising + self._body[period:] * falling
        return seam.astype(np.float32)

    def _source(self, first: int, last: int) -> Sound:
        """The take's samples from `first` to `last`, counted from the start of the clip; a fresh array."""
        body = self._body
        sound = np.zeros((last - first, *body.shape[1:]), dtype=np.float32)
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

    def _shape(self, sound: Sound, first: int) -> None:
        """Apply gain and fades in place."""
        last = first + len(sound)
        fading_in = max(0, min(self.fade_in, last) - first)
        fading_out = max(0, last - max(self.length - self.fade_out, first))
        if fading_in + fading_out == 0 and not self.envelope:
            sound *= np.float32(self.gain)
            return
        position = np.arange(first, last)
        envelope = np.full(len(sound), self.gain, dtype=np.float64)
        if self.envelope:
            envelope *= curve_values(self.envelope, position + self.offset, kind="volume")
        if fading_in:
            rising = np.clip((position[:fading_in] + 0.5) / self.fade_in, 0.0, 1.0)
            envelope[:fading_in] *= FADE_SHAPES[self.fade_in_curve](rising)
        if fading_out:
            falling = np.clip((self.length - position[-fading_out:] - 0.5) / self.fade_out, 0.0, 1.0)
            envelope[-fading_out:] *= FADE_SHAPES[self.fade_out_curve](falling)
        sound *= over_time(envelope.astype(np.float32), sound)


def over_time(factors: npt.NDArray[np.floating[Any]], sound: Sound) -> npt.NDArray[np.floating[Any]]:
    """Factors float[n] in the shape in which they apply to a sound: to both channels of stereo alike."""
    return factors if sound.ndim == 1 else factors[:, None]


def frames_of(seconds: float) -> int:
    """The frame nearest to a time."""
    return round(seconds * PROJECT_RATE_HZ)


def place_clip(clip: Clip, samples: Sound, fades: Fades) -> PlacedClip:
    """A clip with its take's samples and the fades with which it sounds."""
    start = frames_of(clip.start_s)
    length = frames_of(clip.end_s) - start
    # Where the take begins on the timeline, which a cut does not move: so both halves of a split clip read the very
    # samples that the whole one did. Rounded first, because the halves compute it from other numbers.
    take_start = round(round((clip.start_s - clip.offset_s) * PROJECT_RATE_HZ, 5))
    return PlacedClip(
        samples=samples[::-1] if clip.reversed else samples,
        start=start,
        length=length,
        offset=start - take_start,
        gain=0.0 if clip.gain_db <= FADER_BOTTOM_DB else db_to_linear(clip.gain_db),
        fade_in=frames_of(fades.in_s),
        fade_out=frames_of(fades.out_s),
        fade_in_curve=clip.fade_in_curve,
        fade_out_curve=clip.fade_out_curve,
        envelope=clip.envelope,
        looped=clip.looped,
        crossfade=frames_of(clip.loop_crossfade_s),
    )

"""Renders the timeline: any block of any stem or of the mix. Playback and export run this same code.

Every sample depends on its own position alone, so the result is the same to the bit however it is cut into blocks.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.gain_curves import curve_values
from sounddesk.audio.lane_sound import LaneSound
from sounddesk.audio.mixing import db_to_linear
from sounddesk.audio.mixing import pan_gains
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.placed_clip import frames_of
from sounddesk.audio.placed_clip import over_time
from sounddesk.audio.resample import resample
from sounddesk.audio.reverb import ReverbReturn
from sounddesk.domain.automation import Curve
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.take import mono_of
from sounddesk.domain.timeline import PROJECT_RATE_HZ

Stereo = npt.NDArray[np.float32]

# Stands for the reverb among the ids of lanes; no object has it.
REVERB: Final = "\0reverb"
# Above this the limiter bends; what comes out stays below full scale.
LIMITER_THRESHOLD: Final = 10 ** (-3.0 / 20.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Track:
    """A lane behind its equalizer, and its strip.

    Attributes:
        left, right: amplitude factors of the strip, 0 where it is not heard; without the pan where that is a curve.
        send: amplitude factor of what goes to the reverb, behind the fader and before the pan.
    """

    sound: LaneSound
    left: float
    right: float
    send: float
    volume_curve: Curve
    pan_curve: Curve

    def with_volume(self, start: int, count: int) -> Sound:
        """What sounds from frame `start` on with its volume curve, as `LaneSound.read`; a fresh array."""
        sound = self.sound.read(start, count)
        if self.volume_curve:
            factors = curve_values(self.volume_curve, np.arange(start, start + count), kind="volume")
            sound *= over_time(factors.astype(np.float32), sound)
        return sound


class TimelineMix:
    """One state of a project, ready to be heard.

    Attributes:
        frames: length of the timeline at `PROJECT_RATE_HZ`.
        object_ids: lanes, in the project's order.
        channel_ids: of `stems`: the lanes, and `REVERB` behind them where a lane sends to the reverb.
    """

    def __init__(
        self, project: Project, samples_of: Callable[[str], Sound | None], *, before: TimelineMix | None = None
    ) -> None:
        """Prepare a state to be heard.

        Args:
            samples_of: a take's samples at the project rate; None where it is not there (yet).
            before: the state before an edit: what it has filtered is used again where nothing has changed.
        """
        self.frames = frames_of(project.settings.timeline_s)
        self.object_ids = tuple(each.id for each in project.objects)
        soloed = any(each.strip.soloed for each in project.objects)
        old = {} if before is None else dict(zip(before.object_ids, before._tracks, strict=True))
        self._tracks: list[_Track] = []
        for each in project.objects:
            strip = project.heard_strip(each.id)
            sound = LaneSound(
                project.clips_of(each.id),
                fades=project.fades,
                samples_of=samples_of,
                equalizer=strip.equalizer,
                before=old[each.id].sound if each.id in old else None,
            )
            left, right = strip_gains(strip, any_soloed=soloed)
            # Without the pan: the fader's own factor on both sides.
            fader = strip_gains(dataclasses.replace(strip, pan=0.0), any_soloed=soloed)[0]
            if strip.pan_curve:
                left = right = fader
            send = 0.0 if strip.send_db <= FADER_BOTTOM_DB else fader * db_to_linear(strip.send_db)
            self._tracks.append(
                _Track(
                    sound=sound,
                    left=left,
                    right=right,
                    send=send,
                    volume_curve=strip.volume_curve,
                    pan_curve=strip.pan_curve,
                )
            )
        self._master = 0.0 if project.master.gain_db <= FADER_BOTTOM_DB else db_to_linear(project.master.gain_db)
        self._limiter = project.master.limiter
        reverb = project.master.reverb
        self._reverb_gain = 0.0 if reverb.gain_db <= FADER_BOTTOM_DB else db_to_linear(reverb.gain_db)
        self.sends = self._reverb_gain > 0.0 and any(track.send for track in self._tracks)
        self._reverb = ReverbReturn(reverb, self._sent)
        self.channel_ids = (*self.object_ids, REVERB) if self.sends else self.object_ids

    def stems(self, start: int, count: int) -> list[Stereo]:
        """Post-fader stems float32[count, 2] of `channel_ids`, in order, from frame `start`."""
        lanes = [self.stem(index, start, count) for index in range(len(self._tracks))]
        return [*lanes, self.reverb(start, count)] if self.sends else lanes

    def stem(self, index: int, start: int, count: int) -> Stereo:
        """`stems` of one lane alone."""
        out = np.zeros((count, 2), dtype=np.float32)
        gains = self.gains(index)
        if gains == (0.0, 0.0):
            return out
        sound = self.automated(index, start, count)
        for channel, gain in enumerate(gains):
            np.multiply(sound if sound.ndim == 1 else sound[:, channel], np.float32(gain), out=out[:, channel])
        return out

    def reverb(self, start: int, count: int) -> Stereo:
        """What comes back from the reverb, behind its fader, float32[count, 2]."""
        return self._reverb.read(start, count) * np.float32(self._reverb_gain)

    def lane(self, index: int, start: int, count: int) -> Sound:
        """One lane before its fader, pan, mute and solo: float32[count], or float32[count, 2] where it is stereo."""
        return self._tracks[index].sound.read(start, count)

    def automated(self, index: int, start: int, count: int) -> npt.NDArray[np.float32]:
        """One lane with its curves, which `gains` follow: float32[count], or float32[count, 2] where `is_stereo`."""
        track = self._tracks[index]
        sound = track.with_volume(start, count)
        if not track.pan_curve:
            return sound
        pans = curve_values(track.pan_curve, np.arange(start, start + count), kind="pan")
        angle = (pans + 1.0) * (math.pi / 4.0)
        sides = np.stack([np.cos(angle), np.sin(angle)], axis=1) * math.sqrt(2.0)
        return np.asarray((sound if sound.ndim == 2 else sound[:, None]) * sides.astype(np.float32))

    def is_stereo(self, index: int) -> bool:
        """Whether a lane's channels are sounds of their own: because its pan moves, or it is `has_sides`."""
        return bool(self._tracks[index].pan_curve) or self.has_sides(index)

    def has_sides(self, index: int) -> bool:
        """Whether a lane plays a stereo take, so that it has a left and a right before its strip."""
        return self._tracks[index].sound.channels == 2

    def gains(self, index: int) -> tuple[float, float]:
        """Amplitude factors (left, right) of a lane's strip besides its curves, 0 where it is not heard."""
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

    def _sent(self, start: int, count: int) -> Sound:
        """What all lanes send to the reverb, both sides of stereo averaged, float32[count]."""
        total = np.zeros(count, dtype=np.float64)
        for track in self._tracks:
            if track.send:
                total += mono_of(track.with_volume(start, count)) * track.send
        return total.astype(np.float32)


class TakeSamples:
    """Gives a take's samples by id at 48 kHz, resampled once; None for a take that is not there.

    Safe in any thread.
    """

    def __init__(self, takes: TakeLibrary) -> None:
        self._takes = takes
        self._made: dict[str, Sound] = {}
        self._lock = threading.Lock()

    def __call__(self, take_id: str) -> Sound | None:
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
    never panned is its take on both channels, and the mono stems of `sounddesk render` and these agree. Applied to
    the left and the right of a stereo take the same factors are its balance.
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

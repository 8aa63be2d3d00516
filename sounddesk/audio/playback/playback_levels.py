"""Levels of what is heard: of each lane, and the loudness of the master."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sounddesk.audio.metering.loudness import LoudnessMeter
from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.audio.timeline_mix import Stereo
from sounddesk.domain.timeline import PROJECT_RATE_HZ

MASTER: Final = ""
# Filtering costs per call more than per sample.
_LOUDNESS_FRAMES: Final = 4096


@dataclass(frozen=True, kw_only=True)
class LaneLevel:
    """Of the left and the right channel, linear: the largest absolute sample, and the root mean square."""

    peaks: tuple[float, float]
    rms: tuple[float, float]

    @property
    def peak(self) -> float:
        """Of the louder channel."""
        return max(self.peaks)


class _Sums:
    """Peaks and sums of squares of both channels, added up block by block."""

    def __init__(self, sound: Stereo) -> None:
        self.peaks = np.abs(sound).max(axis=0, initial=0.0)
        self.squares = np.einsum("nc,nc->c", sound, sound) if self.peaks.any() else np.zeros(2)

    def add(self, other: _Sums) -> None:
        self.peaks = np.maximum(self.peaks, other.peaks)
        self.squares = self.squares + other.squares

    def level(self, frames: int) -> LaneLevel:
        left, right = (float(each) for each in self.peaks)
        rms = np.sqrt(self.squares / frames)
        return LaneLevel(peaks=(left, right), rms=(float(rms[0]), float(rms[1])))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    """`until`: the ring's counter behind it. `levels`: by lane. `master`: float32[n, 2]."""

    until: int
    levels: dict[str, _Sums]
    master: Stereo


class PlaybackLevels:
    """Blocks are measured when they are mixed and shown when they are heard, so that meters and ears agree.

    Used by the thread that mixes; `take` and `loudness` by any thread under the lock of `Playback`.
    """

    def __init__(self) -> None:
        self._pending: deque[_Block] = deque()
        self._shown: dict[str, _Sums] = {}
        self._frames = 0
        self._meter = LoudnessMeter(sample_rate_hz=PROJECT_RATE_HZ)
        self._unmeasured: list[Stereo] = []
        self.loudness: LoudnessReading | None = None

    def mixed(self, lanes: Sequence[str], stems: Sequence[Stereo], master: Stereo, *, until: int) -> None:
        """Note a block that will be heard before the ring's counter reaches `until`."""
        levels = {lane: _Sums(sound) for lane, sound in zip((*lanes, MASTER), (*stems, master), strict=True)}
        self._pending.append(_Block(until=until, levels=levels, master=master))

    def heard(self, read: int) -> None:
        """The ring was read up to `read`."""
        while self._pending and self._pending[0].until <= read:
            block = self._pending.popleft()
            self._frames += len(block.master)
            for lane, sums in block.levels.items():
                if lane in self._shown:
                    self._shown[lane].add(sums)
                else:
                    self._shown[lane] = sums
            self._unmeasured.append(block.master)
        if sum(map(len, self._unmeasured)) >= _LOUDNESS_FRAMES:
            self._meter.push(np.concatenate(self._unmeasured))
            self._unmeasured = []
            self.loudness = self._meter.reading()

    def taken_back(self, written: int) -> None:
        """What was mixed behind `written` will not be heard."""
        while self._pending and self._pending[-1].until > written:
            self._pending.pop()

    def start_anew(self) -> None:
        """Forget what was not heard yet, and measure loudness from here on."""
        self._pending.clear()
        self._unmeasured = []
        self._meter.reset()
        self.loudness = None

    def take(self) -> dict[str, LaneLevel]:
        """Levels by object id since the last call; `MASTER` is the mix."""
        shown, frames = self._shown, self._frames
        self._shown, self._frames = {}, 0
        return {lane: sums.level(frames) for lane, sums in shown.items()}

"""Samples on their way from the thread that mixes to the sound server's callback."""

from __future__ import annotations

from typing import Final

import numpy as np

from sounddesk.audio.timeline_mix import Stereo

SIZE: Final = 1 << 14
RAMP: Final = 240

_DOWN: Final = (1.0 - np.arange(1, RAMP + 1, dtype=np.float32) / RAMP)[:, None]
_UP: Final = np.ascontiguousarray(1.0 - _DOWN)


class PlaybackRing:
    """A ring of stereo frames with one writer and one reader.

    Each counter is set by one side only and read by the other, so the callback needs no lock. Where the writer is late,
    what was heard last fades out over 5 ms and what comes next fades in, so that a dropout does not click.

    Attributes:
        written, read: frames put in and taken out since the beginning, at most `SIZE` apart.
    """

    def __init__(self) -> None:
        self.written = 0
        self.read = 0
        self._samples = np.zeros((SIZE, 2), dtype=np.float32)
        # A dropout: the last frame before it, how far that has fallen to silence, how far what comes next has risen.
        self._starved = False
        self._held = np.zeros(2, dtype=np.float32)
        self._fallen = RAMP
        self._risen = 0
        self._drop_until = 0
        self._fading = False
        self._faded = 0

    # ------------------------------------------------------------------ the writer's side

    @property
    def ahead(self) -> int:
        """Frames that will be heard before the next one written."""
        return self.written - max(self.read, self._drop_until)

    def write(self, block: Stereo) -> None:
        """Put float32[n, 2] in; the writer minds that there is room."""
        self._samples[(self.written + np.arange(len(block))) % SIZE] = block
        self.written += len(block)

    def rewind(self, written: int) -> None:
        """Take back what was put in after `written`, to write it anew. It must be further ahead than a callback."""
        self.written = written

    def fade_out(self) -> None:
        """Let what is heard fade, and drop what was put in until now."""
        self._drop_until = self.written
        self._faded = 0
        self._fading = True

    def clear(self, read: int) -> None:
        """While no callback runs: go on from `read`, in silence."""
        self.read, self._fading, self._starved = read, False, False
        self._held[:] = 0.0

    # ------------------------------------------------------------------ the callback's side

    @property
    def fading(self) -> bool:
        return self._fading

    def read_into(self, out: Stereo) -> None:
        """Fill float32[n, 2] with the next frames."""
        frames = len(out)
        read = self.read
        ready = max(0, min(frames, self.written - read))
        first = read % SIZE
        head = min(ready, SIZE - first)
        out[:head] = self._samples[first : first + head]
        out[head:ready] = self._samples[: ready - head]
        if self._starved and ready:
            count = min(ready, RAMP - self._risen)
            out[:count] *= _UP[self._risen : self._risen + count]
            self._fall(out[:ready])
            self._risen += count
            self._starved = self._risen < RAMP
        if ready < frames:
            self._held[:] = out[ready - 1] if ready else self._held
            self._fallen = 0 if ready else self._fallen
            self._risen = 0
            self._starved = True
            out[ready:] = 0.0
            self._fall(out[ready:])
        if self._fading:
            # A callback may be shorter than the ramp, which then goes on in the next one.
            count = min(frames, RAMP - self._faded)
            out[:count] *= _DOWN[self._faded : self._faded + count]
            out[count:] = 0.0
            self._faded += count
            if self._faded >= RAMP:
                self._fading = self._starved = False
                self._held[:] = 0.0
                self.read = max(self._drop_until, read)
                return
        self.read = read + ready

    def _fall(self, out: Stereo) -> None:
        """Add what is left of the fall from the last frame before a dropout."""
        count = min(len(out), RAMP - self._fallen)
        out[:count] += self._held * _DOWN[self._fallen : self._fallen + count]
        self._fallen += count

"""Playing a timeline: a thread fills a ring of samples, the sound server's callback empties it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.timeline_mix import PROJECT_RATE_HZ
from sounddesk.audio.timeline_mix import TimelineMix

_log = logging.getLogger(__name__)

_BLOCK: Final = 512
_RING: Final = 1 << 14
_AHEAD: Final = 6144
_RAMP: Final = 240


class Playback:
    """Plays a `TimelineMix`; all methods may be called from any thread.

    A change of the mix, a start, a stop and a jump are each faded over a few milliseconds, so that none clicks. Without
    a sound device the position moves all the same, by the clock, and `problem` says why nothing is heard.

    Attributes:
        problem: why nothing is heard; empty where all is well.
        peaks: largest absolute sample of the last blocks, by lane, master last; read and cleared by `take_peaks`.
    """

    def __init__(self) -> None:
        self.problem = ""
        self.device: str | int | None = None
        self._ring = np.zeros((_RING, 2), dtype=np.float32)
        # Written by one thread each, read by the other: no lock in the callback.
        self._written = 0
        self._read = 0
        self._fade_out = False
        self._faded = 0
        self._lock = threading.Lock()
        self._mix: TimelineMix | None = None
        self._old_mix: TimelineMix | None = None
        self._next_frame = 0
        self._origin = (0, 0)
        self._loop: tuple[int, int] | None = None
        self._fade_in_left = 0
        self._end: int | None = None
        self._playing = False
        self._stream: Any = None
        self._clock_start: tuple[float, int] | None = None
        self._peaks: dict[str, tuple[float, float]] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._fill, name="playback", daemon=True)
        self._wake = threading.Event()
        self._thread.start()

    # ------------------------------------------------------------------ control

    @property
    def is_playing(self) -> bool:
        return self._playing

    def set_mix(self, mix: TimelineMix) -> None:
        """Play this state from now on; while playing the two are crossfaded over one block."""
        with self._lock:
            self._old_mix = self._mix if self._playing else None
            self._mix = mix

    def play(self, *, from_frame: int, until_frame: int | None = None) -> None:
        """Start at a frame; stop by itself at `until_frame`."""
        self.stop()
        with self._lock:
            self._next_frame = from_frame
            self._end = until_frame
            self._fade_in_left = _RAMP
            self._written = self._read
            self._origin = (self._read, from_frame)
            self._playing = True
        self._wake.set()
        self._open_stream()

    def stop(self) -> None:
        """Fade out and stop."""
        if not self._playing:
            return
        if self._stream is not None:
            self._faded = 0
            self._fade_out = True
            deadline_s = time.monotonic() + 0.2
            while self._fade_out and time.monotonic() < deadline_s:
                time.sleep(0.002)
        frame = self.frame
        with self._lock:
            self._playing = False
            self._next_frame = frame
            self._clock_start = None
            self._fade_out = False
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(Exception):
                stream.abort()
                stream.close()

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Repeat a range of frames; None plays on."""
        with self._lock:
            self._loop = loop if loop is not None and loop[1] - loop[0] >= _BLOCK else None

    @property
    def frame(self) -> int:
        """The frame that is heard now."""
        if not self._playing:
            return self._next_frame
        if self._clock_start is not None:
            started_s, first = self._clock_start
            frame = first + int((time.monotonic() - started_s) * PROJECT_RATE_HZ)
        else:
            read, first = self._origin
            frame = first + self._read - read
        loop = self._loop
        if loop is not None and frame >= loop[1]:
            frame = loop[0] + (frame - loop[0]) % (loop[1] - loop[0])
        return frame

    def take_peaks(self) -> dict[str, tuple[float, float]]:
        """Peak and mean square of what was mixed since the last call, by object id; '' is the master."""
        with self._lock:
            peaks, self._peaks = self._peaks, {}
        return peaks

    def close(self) -> None:
        """Stop and end the thread."""
        self.stop()
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=2.0)

    # ------------------------------------------------------------------ the filler's thread

    def _fill(self) -> None:
        while not self._closing:
            self._wake.wait(timeout=0.02 if self._playing else None)
            if not self._playing:
                self._wake.clear()
                continue
            if self._clock_start is None and self._written - self._read >= _AHEAD:
                time.sleep(0.004)
                continue
            if self._clock_start is not None:
                time.sleep(_BLOCK / PROJECT_RATE_HZ)
            with self._lock:
                if not self._playing or self._mix is None:
                    continue
                if self._end is not None and self._next_frame >= self._end + _AHEAD:
                    continue
                block = self._next_block(self._mix)
                place = (self._written + np.arange(len(block))) % _RING
                self._ring[place] = block
                self._written += len(block)

    def _next_block(self, mix: TimelineMix) -> np.ndarray:
        count = _BLOCK
        if self._loop is not None and self._next_frame < self._loop[1]:
            count = min(count, self._loop[1] - self._next_frame)
        stems = mix.stems(self._next_frame, count)
        block = mix.master(stems, count)
        if self._old_mix is not None:
            old, self._old_mix = self._old_mix.render(self._next_frame, count), None
            turn = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None]
            block = old + (block - old) * turn
        for last in (self._end, None if self._loop is None else self._loop[1]):
            # Down to silence before the end of the range, or the jump there would click.
            if last is not None and self._next_frame <= last:
                left = last - np.arange(self._next_frame, self._next_frame + count)
                block = block * np.clip(left / _RAMP, 0.0, 1.0).astype(np.float32)[:, None]
        if self._end is not None and self._next_frame > self._end:
            block = np.zeros_like(block)
        if self._fade_in_left > 0:
            done = _RAMP - self._fade_in_left
            ramp = np.clip((np.arange(count) + done) / _RAMP, 0.0, 1.0).astype(np.float32)
            block = block * ramp[:, None]
            self._fade_in_left = max(0, self._fade_in_left - count)
        for object_id, stem in zip((*mix.object_ids, ""), (*stems, block), strict=True):
            peak, square = self._peaks.get(object_id, (0.0, 0.0))
            self._peaks[object_id] = (
                max(peak, float(np.abs(stem).max(initial=0.0))),
                max(square, float(np.mean(np.square(stem))) if stem.size else 0.0),
            )
        self._next_frame += count
        if self._loop is not None and self._next_frame == self._loop[1]:
            self._next_frame = self._loop[0]
            self._fade_in_left = _RAMP
        return block

    # ------------------------------------------------------------------ the sound server's thread

    def _callback(self, out: np.ndarray, frames: int, _time: Any, _status: Any) -> None:
        ready = min(frames, self._written - self._read)
        first = self._read % _RING
        head = min(ready, _RING - first)
        out[:head] = self._ring[first : first + head]
        out[head:ready] = self._ring[: ready - head]
        out[ready:] = 0.0
        if self._fade_out:
            # A callback may be shorter than the ramp, which then goes on in the next one.
            ramp = np.clip(1.0 - (self._faded + np.arange(frames)) / _RAMP, 0.0, 1.0)
            out *= ramp[:, None].astype(np.float32)
            self._faded += frames
            if self._faded >= _RAMP:
                self._read = self._written
                self._fade_out = False
                return
        self._read += ready

    def _open_stream(self) -> None:
        try:
            import sounddevice

            stream = sounddevice.OutputStream(
                samplerate=PROJECT_RATE_HZ,
                channels=2,
                dtype="float32",
                device=self.device,
                callback=self._callback,
                latency="low",
            )
            stream.start()
        except Exception as error:  # noqa: BLE001  # PortAudio missing, no device, device lost: all play on silently
            self.problem = f"no sound: {_first_line(error)}"
            _log.warning("no audio device: %s", error)
            self._clock_start = (time.monotonic(), self._next_frame)
            return
        self.problem = ""
        self._stream = stream

    def check_device(self) -> None:
        """Notice a device that was lost while playing; the position then moves on by the clock."""
        if self._playing and self._stream is not None and not self._stream.active:
            frame = self.frame
            stream, self._stream = self._stream, None
            with contextlib.suppress(Exception):
                stream.close()
            self.problem = "no sound: the audio device is gone"
            self._clock_start = (time.monotonic(), frame)


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text[:120]

"""Playing a timeline: a thread fills a ring of samples, the sound server's callback empties it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.metering.loudness import LoudnessReading
from sounddesk.audio.playback.device_rate import DeviceRateReader
from sounddesk.audio.playback.playback_levels import LaneLevel
from sounddesk.audio.playback.playback_levels import PlaybackLevels
from sounddesk.audio.playback.playback_ring import RAMP
from sounddesk.audio.playback.playback_ring import PlaybackRing
from sounddesk.audio.playback.thread_priority import raise_thread_priority
from sounddesk.audio.timeline_mix import Stereo
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.timeline import PROJECT_RATE_HZ

_log = logging.getLogger(__name__)

_BLOCK: Final = 512
# Mixed ahead, whatever the device's buffer.
_AHEAD: Final = 6144
# What may already be on its way to the device when an edit comes: more than any callback asks for at once.
_COMMITTED: Final = 1536
# Seconds that the device has in its own buffer. The mixing thread and the callback wait for Python's lock and for a
# processor: with 8 ms ('low' of PortAudio) two busy cores made the sound stall.
BUFFERS_S: Final = {"small": 0.02, "normal": 0.1, "large": 0.25}
_LOOK_AGAIN_S: Final = 2.0
# PortAudio's paInvalidSampleRate.
_INVALID_SAMPLE_RATE: Final = -9997


class Playback:
    """Plays a `TimelineMix`; all methods may be called from any thread and return at once.

    A change of the mix, a start, a stop and a jump are each faded over a few milliseconds, so that none clicks. The
    sound device stays open from the first start on. Without one, or where it was lost, the position moves all the same
    by the clock, `problem` says why nothing is heard, and the next start tries again; a device that was lost while
    playing is looked for every two seconds.

    Attributes:
        problem: why nothing is heard; empty where it is.
        dropouts: how often the sound broke off since the beginning, because it was mixed or asked for too late.
    """

    def __init__(self) -> None:
        self.problem = ""
        self.dropouts = 0
        self._device: str | None = None
        self._buffer_s = BUFFERS_S["normal"]
        self._latency = 0
        self._largest_callback = 0
        self._ring = PlaybackRing()
        self._levels = PlaybackLevels()
        self._lock = threading.Lock()
        self._mix: TimelineMix | None = None
        self._old_mix: TimelineMix | None = None
        self._next_frame = 0
        # (ring counter, frame) where the frames played began to follow each other: the start, and each wrap of a loop.
        self._runs: tuple[tuple[int, int], ...] = ((0, 0),)
        self._loop: tuple[int, int] | None = None
        self._end: int | None = None
        # Frames of the timeline per frame heard; negative backwards.
        self._speed = 1
        self._fade_in_left = 0
        self._playing = False
        self._stream: Any = None
        # Between the ring and a device that does not take the project's rate.
        self._converter: DeviceRateReader | None = None
        self._clock_start: tuple[float, int] | None = None
        # When to look for a device that was lost; None for one that never was there.
        self._look_again_s: float | None = None
        self._closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="playback", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ control

    @property
    def is_playing(self) -> bool:
        return self._playing

    def set_device(self, name: str) -> None:
        """The output to play on from the next start; empty for the system's default."""
        self.stop()
        self._device = name or None
        self._close_stream()

    def set_buffer(self, name: str) -> None:
        """How much the device has in its own buffer from the next start on: a key of `BUFFERS_S`. Raises: KeyError."""
        self.stop()
        self._buffer_s = BUFFERS_S[name]
        self._close_stream()

    @property
    def is_behind(self) -> bool:
        """Whether what was mixed ahead is used up so far that other work had better wait for a moment."""
        return (
            self._playing and self._clock_start is None and self._stream is not None and self._ring.ahead < _AHEAD // 2
        )

    def set_mix(self, mix: TimelineMix) -> None:
        """Play this state from now on; while playing, what is heard and the new state are crossfaded over one block."""
        with self._lock:
            if self._playing and self._old_mix is None:
                self._old_mix = self._mix
            self._mix = mix

    def play(self, *, from_frame: int, until_frame: int, speed: int = 1) -> None:
        """Start at a frame; from `until_frame` on there is silence.

        Args:
            speed: 2 and more is faster, and higher, as a tape; negative is backwards, down to frame 0. Other speeds
                than 1 do not loop.

        Raises:
            ValueError: the speed is 0.
        """
        if speed == 0:
            raise ValueError("speed is 0: call stop()")
        self.stop()
        # The filler's thread opens the device, which can take a good part of a second.
        with self._lock:
            self._next_frame = from_frame
            self._end = until_frame
            self._speed = speed
            self._fade_in_left = RAMP
            self._runs = ((self._ring.written, from_frame),)
            self._levels.start_anew()
            self._playing = True
        self._wake.set()

    def stop(self) -> None:
        """Stop; what is heard fades out."""
        frame = self.frame
        with self._lock:
            if not self._playing:
                return
            self._playing = False
            self._next_frame = frame
            self._old_mix = None
            self._clock_start = None
            self._ring.fade_out()

    def set_loop(self, loop: tuple[int, int] | None) -> None:
        """Repeat a range of frames; None plays on."""
        with self._lock:
            self._loop = loop if loop is not None and loop[1] - loop[0] >= 2 * RAMP else None

    @property
    def frame(self) -> int:
        """The frame that is heard now."""
        if not self._playing:
            return self._next_frame
        heard = self._heard()
        began, frame = next((run for run in reversed(self._runs) if run[0] <= heard), self._runs[0])
        return max(0, frame + max(0, heard - began) * self._speed)

    def take_levels(self) -> dict[str, LaneLevel]:
        """Levels of what was heard since the last call, by object id; '' is the master."""
        with self._lock:
            return self._levels.take()

    @property
    def loudness(self) -> LoudnessReading | None:
        """Of the master, since the last start; None at its beginning."""
        return self._levels.loudness

    def reset_loudness(self) -> None:
        """Measure from here on."""
        with self._lock:
            self._levels.start_anew()

    def close(self) -> None:
        """Stop, end the thread and give the device back."""
        self.stop()
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._close_stream()

    # ------------------------------------------------------------------ the filler's thread

    def _heard(self) -> int:
        """How far the ring has been heard; without a device, how far it would have been by the clock."""
        clock = self._clock_start
        if clock is None:
            return self._ring.read - self._latency
        return clock[1] + int((time.monotonic() - clock[0]) * PROJECT_RATE_HZ)

    def _fill(self) -> None:
        raise_thread_priority()
        while not self._closing:
            if not self._playing:
                self._wake.wait()
                self._wake.clear()
                continue
            self._check_stream()
            if not self._is_room():
                time.sleep(0.004)
            with self._lock:
                self._levels.heard(self._heard())
                if self._playing and self._mix is not None:
                    if self._old_mix is not None:
                        self._rewind()
                    if self._is_room():
                        self._ring.write(self._next_block(self._mix))

    def _is_room(self) -> bool:
        if self._clock_start is not None:
            return self._ring.written - self._heard() < _BLOCK
        return self._ring.ahead < _AHEAD

    def _rewind(self) -> None:
        """Take back what was mixed ahead of an edit, so that it is heard within 50 ms instead of 130."""
        until = self._ring.read + max(_COMMITTED, 2 * self._largest_callback)
        back = self._ring.written - until
        # Not over a start or a wrap, whose ramp has been written.
        if self._clock_start is None and back > 0 and until >= self._runs[-1][0] + RAMP and self._fade_in_left == 0:
            self._ring.rewind(until)
            self._levels.taken_back(until)
            self._next_frame -= back * self._speed

    def _next_block(self, mix: TimelineMix) -> Stereo:
        start, count, speed = self._next_frame, _BLOCK, self._speed
        loop = self._loop if speed == 1 else None
        if loop is not None and start < loop[1]:
            count = min(count, loop[1] - start)
        span = count * abs(speed)
        first = start if speed > 0 else start - span
        stems = [at_speed(stem, speed) for stem in mix.stems(first, span)]
        block = mix.master(stems, count)
        if self._old_mix is not None:
            old, self._old_mix = at_speed(self._old_mix.render(first, span), speed), None
            turn = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None]
            block = old + (block - old) * turn
        frames = start + np.arange(count) * speed
        gain = np.ones(count, dtype=np.float32)
        # Down to silence before an end or a wrap, up from it after a start or a wrap: a jump would click.
        if self._end is not None:
            gain *= np.clip((self._end - frames) / (RAMP * max(1, speed)), 0.0, 1.0)
        if speed < 0:
            gain *= np.clip(frames / (RAMP * -speed), 0.0, 1.0)
        if loop is not None and start < loop[1]:
            gain *= np.clip((loop[1] - frames) / RAMP, 0.0, 1.0)
        if self._fade_in_left > 0:
            gain *= np.clip((np.arange(count) + RAMP - self._fade_in_left) / RAMP, 0.0, 1.0)
            self._fade_in_left = max(0, self._fade_in_left - count)
        block = block * gain[:, None]
        until = self._ring.written + count
        self._levels.mixed(mix.channel_ids, stems, block, until=until)
        self._next_frame = start + count * speed
        if loop is not None and self._next_frame == loop[1]:
            self._next_frame = loop[0]
            self._fade_in_left = RAMP
            # As many as a full ring can hold of the shortest loop.
            self._runs = (*self._runs[-40:], (until, loop[0]))
        return block

    # ------------------------------------------------------------------ the sound server's thread

    def _callback(self, out: np.ndarray, frames: int, _time: Any, status: Any) -> None:
        if not self._largest_callback:
            raise_thread_priority()
        self._largest_callback = max(self._largest_callback, frames)
        # Either the ring was not filled in time, or the device was not asked for in time.
        begun = self._playing and not self._ring.fading and self._ring.written > self._runs[0][0]
        if begun and (self._ring.written - self._ring.read < frames or (status and status.output_underflow)):
            self.dropouts += 1
        (self._converter or self._ring).read_into(out)

    # ------------------------------------------------------------------ the device

    def _check_stream(self) -> None:
        """Open the device where it is not; go on by the clock where it cannot be had or was lost."""
        if self._clock_start is not None:
            if self._look_again_s is not None and time.monotonic() >= self._look_again_s:
                self._find_again()
            return
        if self._stream is not None:
            if not self._stream.active:
                self._close_stream()
                self._go_by_the_clock("the audio device is gone")
                self._look_again_s = time.monotonic() + _LOOK_AGAIN_S
            return
        # Nothing empties the ring yet, and what lies in it from before is not to be heard.
        self._ring.clear(self._runs[0][0])
        self.problem = ""
        try:
            self._stream = self._open_stream()
        except Exception as error:  # noqa: BLE001  # PortAudio missing, no device, device busy: all play on silently
            _log.warning("no audio device: %s", error)
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            # PortAudio calls a machine without any device 'Error querying device -1'.
            self._go_by_the_clock("no audio device was found: connect one" if "device -1" in text else text[:120])

    def _find_again(self) -> None:
        """Go on by the device that was lost, where it is there again; else look again later."""
        self._look_again_s = time.monotonic() + _LOOK_AGAIN_S
        try:
            stream = self._open_stream()
        except Exception as error:  # noqa: BLE001  # the same as where it is first opened
            _log.debug("the audio device is still gone: %s", error)
            return
        frame = self.frame
        with self._lock:
            self._stream, self.problem, self._look_again_s = stream, "", None
            self._ring.clear(self._ring.written)
            self._clock_start = None
            self._next_frame, self._fade_in_left = frame, RAMP
            self._runs = ((self._ring.written, frame),)

    def _open_stream(self) -> Any:
        import sounddevice

        def opened() -> Any:
            try:
                self._converter = None
                return opened_at(PROJECT_RATE_HZ)
            except sounddevice.PortAudioError as error:
                if _INVALID_SAMPLE_RATE not in error.args:
                    raise
            rate = round(sounddevice.query_devices(self._device, "output")["default_samplerate"])
            self._converter = DeviceRateReader(self._ring, sample_rate_hz=rate)
            return opened_at(rate)

        def opened_at(sample_rate_hz: int) -> Any:
            stream = sounddevice.OutputStream(
                samplerate=sample_rate_hz,
                channels=2,
                dtype="float32",
                device=self._device,
                callback=self._callback,
                latency=self._buffer_s,
            )
            self._largest_callback = 0
            stream.start()
            # What was read from the ring is heard so much later.
            self._latency = round(min(stream.latency, 1.0) * PROJECT_RATE_HZ)
            return stream

        try:
            return opened()
        except sounddevice.PortAudioError:
            # PortAudio lists devices once: one that was plugged in, or a server that came back, is not among them.
            look_for_devices()
            return opened()

    def _go_by_the_clock(self, why: str) -> None:
        with self._lock:
            self.problem = f"no sound: {why}"
            # Nobody empties the ring now: what lies in it goes by as if it was heard.
            self._latency = 0
            heard = self._ring.read
            self._ring.clear(self._ring.written)
            if self._playing:
                self._clock_start = (time.monotonic(), heard)

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(Exception):
                stream.close()


def at_speed(sound: Stereo, speed: int) -> Stereo:
    """Sound as a tape gives it at a speed, float32[n // |speed|, 2]: the mean of what passes, backwards if negative."""
    if speed == 1:
        return sound
    step = abs(speed)
    passed = sound if step == 1 else sound.reshape(-1, step, 2).mean(axis=1, dtype=np.float32)
    return passed if speed > 0 else passed[::-1]


def look_for_devices() -> None:
    """Have PortAudio list the devices anew, as `sounddevice` itself does at its import. Ends every open stream."""
    import sounddevice

    sounddevice._terminate()
    sounddevice._initialize()


def output_names() -> list[str]:
    """Names of the outputs that can be chosen; empty where PortAudio or any device is missing."""
    try:
        import sounddevice

        return [str(device["name"]) for device in sounddevice.query_devices() if device["max_output_channels"] >= 2]
    except Exception as error:  # noqa: BLE001  # the same as above
        _log.info("no audio devices: %s", error)
        return []

"""Turns any recording into the form the data set uses: mono, trimmed, level kept; 16 kHz by default."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter
from scipy.signal import sosfilt

from sounddesk.domain.errors import BadInputError

SAMPLE_RATE_HZ: Final = 16_000
LONGEST_S: Final = 20.0
SHORTEST_S: Final = 0.08
QUIETEST_PEAK: Final = 1e-3

_FRAME_S = 0.01
_BELOW_LOUDEST_DB = 50.0
_FLOOR_DB = -70.0
_LEAD_S = 0.01
_TAIL_S = 0.05
_FADE_S = 0.005
_RUMBLE_HZ = 20.0


class RecordingError(BadInputError, ValueError):
    """A recording that cannot be decoded, or that holds no sound."""


@dataclass(frozen=True, kw_only=True)
class CleanRecording:
    """Mono samples within [-1, 1], their sample rate and that of the source in Hz."""

    samples: NDArray[np.float32]
    source_rate_hz: int
    sample_rate_hz: int = SAMPLE_RATE_HZ

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz


def clean_recording(
    encoded: bytes,
    *,
    name: str,
    section_s: tuple[float, float] | None = None,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
) -> CleanRecording:
    """Decodes and cleans one recording.

    ``section_s`` keeps only that part of the source (start and end in seconds).
    Raises: RecordingError, naming the file, when it is unreadable, silent or too short.
    """
    mono, rate = _decode(encoded, name=name)
    if section_s is not None:
        mono = mono[round(section_s[0] * rate) : round(section_s[1] * rate)]
    if len(mono) < SHORTEST_S * rate:
        raise RecordingError(f"{name} lasts {len(mono) / rate:.2f} s; at least {SHORTEST_S} s are needed")
    # A constant offset or rumble below hearing would count as level everywhere after this.
    high_pass = butter(2, _RUMBLE_HZ, btype="highpass", fs=rate, output="sos")
    mono = np.asarray(sosfilt(high_pass, mono - mono.mean()), dtype=np.float32)
    mono = np.asarray(soxr.resample(mono, rate, sample_rate_hz, quality="VHQ"), dtype=np.float32)
    mono = _fade_ends(_trim(mono, sample_rate_hz)[: round(LONGEST_S * sample_rate_hz)], sample_rate_hz)
    peak = float(np.abs(mono).max(initial=0.0))
    if peak < QUIETEST_PEAK or len(mono) < SHORTEST_S * sample_rate_hz:
        raise RecordingError(f"{name} holds no sound: its peak is {peak:.5f}")
    if peak > 1.0:
        # Lossy sources overshoot full scale; writing them as they are would clip.
        mono *= 0.999 / peak
    return CleanRecording(samples=mono, source_rate_hz=int(rate), sample_rate_hz=sample_rate_hz)


def join_recordings(encoded: list[bytes], *, name: str) -> bytes:
    """Recordings one after the other as one mono file; raises `RecordingError` if rates differ."""
    decoded = [_decode(part, name=name) for part in encoded]
    rates = {rate for _, rate in decoded}
    if len(rates) != 1:
        raise RecordingError(f"{name} joins recordings of different sample rates: {sorted(rates)} Hz")
    return encode_rendered(np.concatenate([part for part, _ in decoded]), sample_rate_hz=rates.pop())


def encode_flac(recording: CleanRecording) -> bytes:
    """The recording as 16-bit FLAC."""
    target = io.BytesIO()
    soundfile.write(target, recording.samples, recording.sample_rate_hz, format="FLAC", subtype="PCM_16")
    return target.getvalue()


def encode_rendered(samples: NDArray[np.float32], *, sample_rate_hz: int) -> bytes:
    """Samples as a 32-bit float AU file, for sources that are rendered instead of read.

    A WAV of this kind would carry the time of writing, so its bytes would never repeat.
    """
    target = io.BytesIO()
    soundfile.write(target, samples, sample_rate_hz, format="AU", subtype="FLOAT")
    return target.getvalue()


def _decode(encoded: bytes, *, name: str) -> tuple[NDArray[np.float32], int]:
    """All channels averaged, and the sample rate in Hz."""
    try:
        samples, rate = soundfile.read(io.BytesIO(_without_id3(encoded)), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise RecordingError(f"{name} cannot be decoded as audio: {error}") from error
    return np.nan_to_num(samples.mean(axis=1)), int(rate)


def _without_id3(encoded: bytes) -> bytes:
    """MP3 from its first frame on: behind a tag and padding it is not always recognised."""
    if not encoded.startswith(b"ID3"):
        return encoded
    # The length of the tag: four bytes of seven bits each, not counting the ten of its header.
    start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(encoded[6:10], (21, 14, 7, 0), strict=True))
    # A frame begins with eleven set bits.
    frame = re.compile(rb"\xff[\xe0-\xff]").search(encoded, start)
    return encoded if frame is None else encoded[frame.start() :]


def _trim(mono: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Cuts silence at both ends: frames 50 dB below the loudest, or below -70 dB."""
    frame = round(_FRAME_S * rate)
    count = len(mono) // frame
    if count == 0:
        return mono
    energy = np.square(mono[: count * frame].reshape(count, frame)).mean(axis=1)
    level_db = 10.0 * np.log10(energy + 1e-12)
    loud = np.flatnonzero(level_db > max(level_db.max() - _BELOW_LOUDEST_DB, _FLOOR_DB))
    if len(loud) == 0:
        return mono[:0]
    first = loud[0] * frame - round(_LEAD_S * rate)
    last = (loud[-1] + 1) * frame + round(_TAIL_S * rate)
    return mono[max(first, 0) : last]


def _fade_ends(mono: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Five milliseconds at both ends, so that a cut never clicks."""
    mono = mono.copy()
    fade = min(round(_FADE_S * rate), len(mono) // 2)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    mono[:fade] *= ramp
    mono[len(mono) - fade :] *= ramp[::-1]
    return mono

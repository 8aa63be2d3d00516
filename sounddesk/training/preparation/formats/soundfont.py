"""Renders short phrases from the recorded notes of a SoundFont 2 file.

Only the recordings themselves are used: a note is one sample played at its recorded
pitch, held by its loop if it must last longer than it was recorded. Generators,
modulators and effects of the format are left out on purpose, so that what comes out is
as close to the microphone as the file allows.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.closing import Closing

_SAMPLE_HEADER = struct.Struct("<20sIIIIIBbHH")
_RELEASE_S = 0.12
# A loop shorter than this sounds like a buzz when it is repeated for long.
_SHORTEST_HELD_LOOP_FRAMES = 16


class SoundFontError(BadInputError, ValueError):
    """A file that is no SoundFont, an unknown note, or a phrase that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class _Sample:
    start: int
    end: int
    loop_start: int
    loop_end: int
    sample_rate_hz: int


@dataclass(frozen=True, kw_only=True)
class Note:
    """One note of a phrase: a sample by name, its length and how fast it dies away.

    ``duration_s`` None plays the recording once to its end. ``decay_s`` is the time in
    which the level falls by 60 dB, for instruments that are struck or plucked and whose
    recordings are loops.
    """

    sample: str
    duration_s: float | None = None
    decay_s: float | None = None


def parse_phrase(text: str) -> list[Note]:
    """Reads ``NAME[@SECONDS[~DECAY]]`` joined by `` + ``; raises `SoundFontError` if a number is wrong."""
    notes = []
    for part in text.split(" + "):
        name, _, length = part.strip().partition("@")
        duration, _, decay = length.partition("~")
        try:
            notes.append(
                Note(
                    sample=name,
                    duration_s=float(duration) if duration else None,
                    decay_s=float(decay) if decay else None,
                )
            )
        except ValueError:
            raise SoundFontError(f"note {part!r} has a length that is no number; write 'NAME@1.5~2'") from None
    return notes


class SoundFont(Closing):
    """A SoundFont 2 file, mapped and read on demand; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            self._file.close()
            raise SoundFontError(f"{path.name} is empty") from error
        self._name = path.name
        if self._map[:4] != b"RIFF" or self._map[8:12] != b"sfbk":
            self.close()
            raise SoundFontError(f"{path.name} is not a SoundFont 2 file")
        chunks = self._chunks()
        if b"smpl" not in chunks or b"shdr" not in chunks:
            self.close()
            raise SoundFontError(f"{path.name} holds no samples")
        self._pcm_start = chunks[b"smpl"][0]
        self._samples = self._headers(*chunks[b"shdr"])

    def names(self) -> list[str]:
        """Names of all recorded notes, sorted."""
        return sorted(self._samples)

    def render(self, notes: list[Note]) -> tuple[NDArray[np.float32], int]:
        """The notes one after the other and their sample rate in Hz.

        Raises: SoundFontError, for an unknown note or notes of different sample rates.
        """
        parts = [self._render_note(note) for note in notes]
        rates = {rate for _, rate in parts}
        if len(rates) != 1:
            raise SoundFontError(f"a phrase needs notes of one sample rate, not of {sorted(rates)} Hz")
        return np.concatenate([part for part, _ in parts]), rates.pop()

    def close(self) -> None:
        if hasattr(self, "_map"):
            self._map.close()
        self._file.close()

    def _render_note(self, note: Note) -> tuple[NDArray[np.float32], int]:
        sample = self._samples.get(note.sample)
        if sample is None:
            raise SoundFontError(f"{self._name} has no sample {note.sample!r}")
        rate = sample.sample_rate_hz
        pcm = self._pcm(sample.start, sample.end)
        wanted = len(pcm) if note.duration_s is None else round(note.duration_s * rate)
        loop = self._pcm(sample.loop_start, sample.loop_end)
        if wanted > len(pcm) and len(loop) >= _SHORTEST_HELD_LOOP_FRAMES:
            head = self._pcm(sample.start, sample.loop_end)
            turns = -(-(wanted - len(head)) // len(loop))
            pcm = np.concatenate([head, *([loop] * max(turns, 0))])
        pcm = pcm[:wanted].copy()
        if note.decay_s is not None:
            pcm *= 10.0 ** (-3.0 * np.arange(len(pcm), dtype=np.float32) / (note.decay_s * rate))
        if note.duration_s is not None:
            release = min(len(pcm), round(_RELEASE_S * rate))
            pcm[len(pcm) - release :] *= np.linspace(1.0, 0.0, release, dtype=np.float32)
        return pcm, rate

    def _pcm(self, start: int, end: int) -> NDArray[np.float32]:
        raw = self._map[self._pcm_start + 2 * start : self._pcm_start + 2 * end]
        return np.frombuffer(raw, dtype="<i2").astype(np.float32) / 32768.0

    def _chunks(self) -> dict[bytes, tuple[int, int]]:
        """Start and length in bytes of every chunk inside the file's lists."""
        found: dict[bytes, tuple[int, int]] = {}
        position = 12
        while position + 8 <= len(self._map):
            (length,) = struct.unpack_from("<I", self._map, position + 4)
            inner, end = position + 12, position + 8 + length
            while self._map[position : position + 4] == b"LIST" and inner + 8 <= end:
                (inner_length,) = struct.unpack_from("<I", self._map, inner + 4)
                found.setdefault(self._map[inner : inner + 4], (inner + 8, inner_length))
                inner += 8 + inner_length + (inner_length & 1)
            position = end + (length & 1)
        return found

    def _headers(self, start: int, length: int) -> dict[str, _Sample]:
        samples: dict[str, _Sample] = {}
        for offset in range(start, start + length - _SAMPLE_HEADER.size + 1, _SAMPLE_HEADER.size):
            raw, first, last, loop_start, loop_end, rate, *_ = _SAMPLE_HEADER.unpack_from(self._map, offset)
            name = raw.split(b"\0", 1)[0].decode("latin-1").strip()
            if rate and last > first and name not in samples:
                samples[name] = _Sample(
                    start=first, end=last, loop_start=loop_start, loop_end=loop_end, sample_rate_hz=rate
                )
        return samples

"""One file of an export while it grows: level, grid, dither, loudness, and at the end its metadata."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sounddesk.audio.files.file_tags import FileFacts
from sounddesk.audio.files.file_tags import bext_of
from sounddesk.audio.files.file_tags import tail_chunks
from sounddesk.audio.files.file_tags import write_comments
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import bits_of
from sounddesk.audio.files.pcm import full_scale
from sounddesk.audio.files.sound_writers import LibsndfileWriter
from sounddesk.audio.files.sound_writers import SoundWriter
from sounddesk.audio.files.sound_writers import WavWriter
from sounddesk.audio.files.sound_writers import clip_to_range
from sounddesk.audio.files.sound_writers import sync_file
from sounddesk.audio.metering.loudness import LoudnessMeter
from sounddesk.audio.metering.loudness import LoudnessReading

Columns = tuple[Waveform, ...]


class SoundSink:
    """Takes columns in steps of the file's grid, as `Grid.columns` makes them.

    Attributes:
        clipped_samples: cut off at full scale so far.
        reading: loudness of what was written, after `finish`.
    """

    def __init__(self, path: Path, facts: FileFacts, *, gains: tuple[float, ...] | None = None) -> None:
        """`gains`: amplitude per channel where the file is one mono sound in all of them; None where it is not."""
        plan = facts.plan
        rate = plan.settings.sample_rate_hz
        self.clipped_samples = 0
        self.reading: LoudnessReading | None = None
        self._path = path
        self._facts = facts
        self._grid = plan.format.grid
        self._head = b""
        self._writer: SoundWriter
        if plan.format.suffix == ".wav":
            self._head = bext_of(facts, None)
            self._writer = WavWriter(
                path,
                file_format=plan.format,
                sample_rate_hz=rate,
                channels=plan.n_channels,
                frames=plan.rate_frames(facts.file),
                head=self._head,
            )
        else:
            self._writer = LibsndfileWriter(
                path, file_format=plan.format, sample_rate_hz=rate, channels=plan.n_channels
            )
        # One channel tells the loudness of all where they differ by a factor only: half the work for a stem.
        self._metered: int | None = None
        power = 1.0
        if gains is not None:
            sizes = [abs(gain) for gain in gains]
            self._metered = sizes.index(max(sizes))
            loudest = sizes[self._metered]
            power = sum(size * size for size in sizes) / loudest**2 if loudest else 1.0
        self._meter = LoudnessMeter(
            sample_rate_hz=rate,
            channels=plan.n_channels if gains is None else 1,
            full_scale=full_scale(self._grid),
            power=power,
        )

    def write(self, columns: Columns) -> None:
        """Write a block; `columns` belong to the sink from now on."""
        self.clipped_samples += clip_to_range(columns, grid=self._grid)
        if self._metered is not None:
            self._meter.push(columns[self._metered])
        else:
            self._meter.push(np.stack(columns, axis=1))
        self._writer.write(columns)

    def finish(self) -> None:
        """Write metadata and flush everything to the disk."""
        self.reading = self._meter.reading()
        if self._head:
            self._writer.finish(head=bext_of(self._facts, self.reading), tail=tail_chunks(self._facts))
            return
        self._writer.finish()
        write_comments(self._path, self._facts, self.reading)
        sync_file(self._path)

    def close(self) -> None:
        self._writer.close()


class Grid:
    """Turns samples into the steps of a format; one for each file, because each has a dither of its own.

    Args:
        key: seeds the dither: the same file gets the same one again.
    """

    def __init__(self, grid: Any, *, dither: bool, key: str) -> None:
        self._scale = np.float32(full_scale(grid))
        self._rounds = bits_of(grid) is not None
        self._dither = (
            np.random.Generator(np.random.SFC64(zlib.crc32(key.encode(errors="replace"))))
            if (dither and grid == "PCM_16")
            else None
        )

    def columns(self, mono: Waveform, gains: Sequence[float]) -> Columns:
        """One mono sound at a gain per channel; equal gains give the same array twice."""
        made: dict[float, Waveform] = {}
        for gain in gains:
            if gain not in made:
                made[gain] = self._rounded(mono * (np.float32(gain) * self._scale))
        return tuple(made[gain] for gain in gains)

    def each(self, channels: Sequence[npt.NDArray[np.floating[Any]]]) -> Columns:
        """Channels that are sounds of their own."""
        return tuple(self._rounded((channel * self._scale).astype(np.float32)) for channel in channels)

    def _rounded(self, steps: Waveform) -> Waveform:
        if self._dither is not None:
            # TPDF of two steps' width: the sum of two even ones; it makes the rounding error independent of the sound.
            steps += self._triangular(len(steps))
        if self._rounds:
            np.rint(steps, out=steps)
        return steps

    def _triangular(self, count: int) -> Waveform:
        assert self._dither is not None
        # 16 random bits each are plenty for less than a step, and four come out of one draw.
        draws = self._dither.integers(0, 2**64, size=-(-count // 2), dtype=np.uint64).view(np.uint16)
        pairs = draws.reshape(-1, 2).astype(np.float32)
        return np.asarray(((pairs[:, 0] - pairs[:, 1]) / np.float32(65536.0))[:count])

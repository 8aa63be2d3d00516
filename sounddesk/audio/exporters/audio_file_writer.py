"""One file of an export while it grows: its range, its loudness, and at the end its metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sounddesk.audio.files.pcm import full_scale
from sounddesk.audio.files.sample_format import Channels
from sounddesk.audio.files.sample_format import clip_to_range
from sounddesk.audio.formats.audio_format import AudioFormat
from sounddesk.audio.formats.audio_metadata import AudioMetadata
from sounddesk.audio.metering.loudness import LoudnessMeter
from sounddesk.audio.metering.loudness import LoudnessReading


class AudioFileWriter:
    """Writes blocks of channels in steps of the file's format, as `SampleFormat` makes them.

    Attributes:
        clipped_samples: cut off at full scale so far.
        reading: loudness of what was written, after `finish`.
    """

    def __init__(
        self,
        path: Path,
        audio_format: AudioFormat,
        metadata: AudioMetadata,
        *,
        frames: int,
        gains: tuple[float, ...] | None = None,
    ) -> None:
        """`gains`: amplitude per channel where the file is one mono sound in all of them; None where it is not."""
        self.clipped_samples = 0
        self.reading: LoudnessReading | None = None
        self._subtype = audio_format.subtype
        self._writer = audio_format.open_writer(path, audio_format, metadata, frames)
        # One channel tells the loudness of all where they differ by a factor only: half the work for a stem.
        self._metered: int | None = None
        power = 1.0
        if gains is not None:
            sizes = [abs(gain) for gain in gains]
            self._metered = sizes.index(max(sizes))
            loudest = sizes[self._metered]
            power = sum(size * size for size in sizes) / loudest**2 if loudest else 1.0
        self._meter = LoudnessMeter(
            sample_rate_hz=metadata.sample_rate_hz,
            channels=metadata.n_channels if gains is None else 1,
            full_scale=full_scale(self._subtype),
            power=power,
        )

    def write(self, channels: Channels) -> None:
        """Write a block; `channels` belong to the writer from now on."""
        self.clipped_samples += clip_to_range(channels, subtype=self._subtype)
        if self._metered is not None:
            self._meter.push(channels[self._metered])
        else:
            self._meter.push(np.stack(channels, axis=1))
        self._writer.write(channels)

    def finish(self) -> None:
        """Write metadata and flush everything to the disk."""
        self.reading = self._meter.reading()
        self._writer.finish(self.reading)

    def close(self) -> None:
        self._writer.close()

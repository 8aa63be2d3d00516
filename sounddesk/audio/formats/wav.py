"""WAV of 16, 24 and 32 bit float, with broadcast extension, cue points, loops and iXML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import cast

from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.audio.formats.audio_format import AudioFormat

if TYPE_CHECKING:
    from sounddesk.audio.files.pcm import Waveform
    from sounddesk.audio.files.pcm import WavFormat
    from sounddesk.audio.formats.audio_metadata import AudioMetadata
    from sounddesk.audio.metering.loudness import LoudnessReading


class WavFormatWriter:
    """A WAV file with its chunks; `bext` stands before the samples and is filled in at the end."""

    def __init__(self, path: Path, audio_format: AudioFormat, metadata: AudioMetadata, frames: int) -> None:
        from sounddesk.audio.files.block_writers import WavWriter
        from sounddesk.audio.formats.wav_metadata import bext_of

        self._format = audio_format
        self._metadata = metadata
        self._writer = WavWriter(
            path,
            subtype=audio_format.subtype,
            sample_rate_hz=metadata.sample_rate_hz,
            channels=metadata.n_channels,
            frames=frames,
            head=bext_of(metadata, audio_format, None),
        )

    def write(self, channels: Sequence[Waveform]) -> None:
        self._writer.write(channels)

    def finish(self, reading: LoudnessReading) -> None:
        from sounddesk.audio.formats.wav_metadata import bext_of
        from sounddesk.audio.formats.wav_metadata import tail_chunks

        self._writer.finish(head=bext_of(self._metadata, self._format, reading), tail=tail_chunks(self._metadata))

    def close(self) -> None:
        self._writer.close()


for order, (name, label, subtype, bits) in enumerate(
    (
        ("wav24", "WAV, 24 bit", "PCM_24", 24),
        ("wav16", "WAV, 16 bit", "PCM_16", 16),
        ("wav32f", "WAV, 32 bit float", "FLOAT", 32),
    ),
    start=10,
):
    AUDIO_FORMATS.register(
        AudioFormat(
            name=name,
            label=label,
            suffix=".wav",
            subtype=cast("WavFormat", subtype),
            bytes_per_sample=bits / 8,
            bits_text=f"{bits}bit",
            open_writer=WavFormatWriter,
            order=order,
        )
    )

"""FLAC of 16 and 24 bit, with Vorbis comments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.audio.formats.audio_format import AudioFormat
from sounddesk.audio.formats.audio_format import FormatWriter

if TYPE_CHECKING:
    from sounddesk.audio.formats.audio_metadata import AudioMetadata


def open_flac(path: Path, audio_format: AudioFormat, metadata: AudioMetadata, _frames: int) -> FormatWriter:
    """A FLAC file, new."""
    from sounddesk.audio.formats.vorbis_comments import CommentedWriter

    return CommentedWriter(path, metadata, container="FLAC", subtype=audio_format.subtype)


for order, bits in enumerate((24, 16), start=20):
    AUDIO_FORMATS.register(
        AudioFormat(
            name=f"flac{bits}",
            label=f"FLAC, {bits} bit",
            suffix=".flac",
            subtype="PCM_24" if bits == 24 else "PCM_16",
            bytes_per_sample=bits / 8,
            bits_text=f"{bits}bit",
            open_writer=open_flac,
            order=order,
        )
    )

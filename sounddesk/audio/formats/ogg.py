"""OGG Vorbis, with comments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final

from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.audio.formats.audio_format import AudioFormat
from sounddesk.audio.formats.audio_format import FormatWriter

if TYPE_CHECKING:
    from sounddesk.audio.formats.audio_metadata import AudioMetadata

# As libsndfile counts: 0 is the best, 1 the smallest.
_COMPRESSION: Final = 0.3


def open_ogg(path: Path, _audio_format: AudioFormat, metadata: AudioMetadata, _frames: int) -> FormatWriter:
    """An OGG Vorbis file, new."""
    from sounddesk.audio.formats.vorbis_comments import CommentedWriter

    return CommentedWriter(path, metadata, container="OGG", subtype="VORBIS", compression_level=_COMPRESSION)


AUDIO_FORMATS.register(
    AudioFormat(
        name="ogg",
        label="OGG Vorbis",
        suffix=".ogg",
        subtype="FLOAT",
        bytes_per_sample=1.0,
        bits_text="ogg",
        open_writer=open_ogg,
        lossless=False,
        order=30,
    )
)

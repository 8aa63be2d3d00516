"""FLAC and OGG Vorbis files with their comments; markers as CHAPTERxxx."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.audio.files.block_writers import LibsndfileWriter
from sounddesk.audio.files.block_writers import sync_file
from sounddesk.audio.files.riff_chunks import xml_text
from sounddesk.audio.formats.audio_metadata import AudioMetadata

if TYPE_CHECKING:
    from sounddesk.audio.files.pcm import Waveform
    from sounddesk.audio.metering.loudness import LoudnessReading

_MOST_CHAPTERS = 999


class CommentedWriter:
    """A file that libsndfile writes, with Vorbis comments.

    Args:
        container, subtype: as libsndfile names them, e.g. 'FLAC' and 'PCM_24'.
        compression_level: 0 (best) to 1 (smallest) of a lossy subtype; None for the subtype's own.
    """

    def __init__(
        self,
        path: Path,
        metadata: AudioMetadata,
        *,
        container: str,
        subtype: str,
        compression_level: float | None = None,
    ) -> None:
        self._path = path
        self._metadata = metadata
        self._writer = LibsndfileWriter(
            path,
            container=container,
            subtype=subtype,
            sample_rate_hz=metadata.sample_rate_hz,
            channels=metadata.n_channels,
            compression_level=compression_level,
        )

    def write(self, channels: Sequence[Waveform]) -> None:
        self._writer.write(channels)

    def finish(self, reading: LoudnessReading) -> None:
        self._writer.finish()
        write_comments(self._path, self._metadata, reading)
        sync_file(self._path)

    def close(self) -> None:
        self._writer.close()


def write_comments(path: Path, metadata: AudioMetadata, reading: LoudnessReading) -> None:
    """Vorbis comments into a complete FLAC or OGG file."""
    import mutagen

    tags = {
        "TITLE": metadata.title,
        "ALBUM": metadata.project,
        "DATE": metadata.created.strftime("%Y-%m-%d"),
        "DESCRIPTION": metadata.description,
        "ENCODED-BY": metadata.software,
        "LICENSE": "; ".join(metadata.licences),
        "TIME_REFERENCE": str(metadata.time_reference),
        **metadata.own,
    }
    for number, marker in enumerate(metadata.markers[:_MOST_CHAPTERS], start=1):
        tags[f"CHAPTER{number:03d}"] = _clock(max(0.0, marker.time_s))
        tags[f"CHAPTER{number:03d}NAME"] = marker.label
    for key, level in (("LOUDNESS_LUFS", reading.integrated_lufs), ("TRUE_PEAK_DBTP", reading.true_peak_dbtp)):
        if level is not None and math.isfinite(level):
            tags[key] = f"{level:.2f}"
    opened = mutagen.File(path)
    if opened.tags is None:
        opened.add_tags()
    for key, value in tags.items():
        text = xml_text(value).replace("\0", "")
        if text:
            opened[key] = text
    try:
        opened.save()
    except mutagen.MutagenError as error:
        # mutagen wraps what the system says.
        if error.args and isinstance(error.args[0], OSError):
            raise error.args[0] from None
        raise


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{seconds - whole // 60 * 60:06.3f}"

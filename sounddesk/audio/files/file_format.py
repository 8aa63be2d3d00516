"""The kinds of sound file that can be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from typing import Literal

from sounddesk.audio.files.pcm import WavFormat

FormatName = Literal["wav16", "wav24", "wav32f", "flac16", "flac24", "ogg"]

SAMPLE_RATES_HZ: Final = (44_100, 48_000, 88_200, 96_000)


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """One kind of sound file.

    Attributes:
        name: as presets and the command line say it.
        label: as a person reads it.
        suffix: with the dot.
        grid: the sample values it holds; FLOAT for OGG Vorbis, which holds none exactly.
        lossless: samples come back as they were written.
    """

    name: FormatName
    label: str
    suffix: str
    grid: WavFormat
    lossless: bool = True

    @property
    def bytes_per_sample(self) -> float:
        """At most; compressed files are smaller."""
        return {"PCM_16": 2.0, "PCM_24": 3.0, "FLOAT": 4.0}[self.grid] if self.lossless else 1.0


FORMATS: Final[dict[str, FileFormat]] = {
    each.name: each
    for each in (
        FileFormat(name="wav24", label="WAV, 24 bit", suffix=".wav", grid="PCM_24"),
        FileFormat(name="wav16", label="WAV, 16 bit", suffix=".wav", grid="PCM_16"),
        FileFormat(name="wav32f", label="WAV, 32 bit float", suffix=".wav", grid="FLOAT"),
        FileFormat(name="flac24", label="FLAC, 24 bit", suffix=".flac", grid="PCM_24"),
        FileFormat(name="flac16", label="FLAC, 16 bit", suffix=".flac", grid="PCM_16"),
        FileFormat(name="ogg", label="OGG Vorbis", suffix=".ogg", grid="FLOAT", lossless=False),
    )
}


def file_format(name: str) -> FileFormat:
    """The format of that name. Raises: ValueError, listing those there are."""
    if name not in FORMATS:
        raise ValueError(f"format is {name!r}: choose one of {', '.join(FORMATS)}")
    return FORMATS[name]

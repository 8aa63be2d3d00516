"""Audio formats that can be written, by name.

A format is a module of this package that registers its entry; menus, help texts, checks of settings and one contract
test follow from it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final
from typing import Protocol

from sounddesk.domain.registry import Registry

if TYPE_CHECKING:
    from sounddesk.audio.files.pcm import Waveform
    from sounddesk.audio.files.pcm import WavFormat
    from sounddesk.audio.formats.audio_metadata import AudioMetadata
    from sounddesk.audio.metering.loudness import LoudnessReading

SAMPLE_RATES_HZ: Final = (22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)


class FormatWriter(Protocol):
    """One file while it grows, block by block.

    A block is a sequence of channels, float32[n] each, in whole steps of the format's `subtype` within its range; in
    samples where the subtype is FLOAT.
    """

    def write(self, channels: Sequence[Waveform]) -> None: ...

    def finish(self, reading: LoudnessReading) -> None:
        """Write metadata, with the loudness of what was written, and flush everything to the disk."""

    def close(self) -> None:
        """Let the file go, complete or not. Harmless when called again."""


@dataclass(frozen=True, kw_only=True)
class AudioFormat:
    """One kind of sound file.

    Attributes:
        name: as presets, projects and the command line say it.
        label: as a person reads it.
        suffix: with the dot.
        subtype: the sample values that the writer is given; FLOAT for lossy formats, which hold none exactly.
        bytes_per_sample: at most; compressed files are smaller.
        bits_text: for the field {bits} of file names.
        open_writer: makes the file at a path, new: (path, format, metadata, number of frames).
        lossless: samples come back as they were written.
        sample_rates_hz: those that it can have.
        order: place in menus and help texts, smaller first.
    """

    name: str
    label: str
    suffix: str
    subtype: WavFormat
    bytes_per_sample: float
    bits_text: str
    open_writer: Callable[[Path, AudioFormat, AudioMetadata, int], FormatWriter]
    lossless: bool = True
    sample_rates_hz: tuple[int, ...] = SAMPLE_RATES_HZ
    order: int = 100


AUDIO_FORMATS: Final[Registry[AudioFormat]] = Registry("format", package="sounddesk.audio.formats")


def audio_formats() -> tuple[AudioFormat, ...]:
    """All formats, in the order of menus and help texts."""
    return tuple(sorted(AUDIO_FORMATS, key=operator.attrgetter("order")))


def sample_rates_hz() -> tuple[int, ...]:
    """Every rate that some format can have, lowest first."""
    return tuple(sorted({rate for each in AUDIO_FORMATS for rate in each.sample_rates_hz}))

"""Metadata of a sound file, independent of the format that stores it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from sounddesk.domain.timecode import TimecodeRate


@dataclass(frozen=True, kw_only=True)
class MarkerPoint:
    """A marker: seconds from the start of the file, and the nearest frame at the file's rate."""

    time_s: float
    frame: int
    label: str


@dataclass(frozen=True, kw_only=True)
class AudioMetadata:
    """Facts about one file.

    Attributes:
        sample_rate_hz, n_channels: of the file.
        dithered: whether dither was added to it.
        title: of the sound.
        project, scene, take: what it belongs to; '' where there is no such thing.
        description: where it comes from, in one line.
        software: that wrote it, with its version.
        reference: a unique identifier of 32 characters after EBU R 99.
        created: local time.
        time_reference: frames since midnight at which the file begins.
        timecode_rate: how frames of the picture are counted.
        markers: within the file, in the order of time.
        loop: first and last frame, both included, of a seamless loop; None without one.
        sources: sample rate (Hz), number of channels and model of each take in it.
        licences: of those models' weights.
        own: facts of our own by key; the keys are valid XML names and Vorbis comments.
    """

    sample_rate_hz: int
    n_channels: int
    dithered: bool = False
    title: str = ""
    project: str = ""
    scene: str = ""
    take: str = ""
    description: str = ""
    software: str = "sounddesk"
    reference: str = ""
    created: dt.datetime
    time_reference: int = 0
    timecode_rate: TimecodeRate = field(default_factory=lambda: TimecodeRate.of(25))
    markers: tuple[MarkerPoint, ...] = ()
    loop: tuple[int, int] | None = None
    sources: tuple[tuple[int, int, str], ...] = ()
    licences: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)

"""Recordings of the user's own library: what a file says of itself, and the events that it was cut into."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

_SHA256: Final = re.compile("[0-9a-f]{64}")

Behaviour = Literal["one-shot", "repeating", "continuous", "silent"]
"""How a recording sounds over time; the first three are also the words for a kind of object."""


@dataclass(frozen=True, kw_only=True)
class RecordingTags:
    """What a file says of itself besides its samples; '' where it says nothing.

    Attributes:
        description: of `bext`, iXML's note, or a comment.
        originator, originator_reference: of `bext`.
        keywords: titles, scenes, takes, artists and genres, one a line.
        cat_id: of the Universal Category System, by the file's name or iXML.
        licence: as the file words it.
    """

    description: str = ""
    originator: str = ""
    originator_reference: str = ""
    keywords: str = ""
    cat_id: str = ""
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class SoundFormat:
    """Length and shape of a recording's samples."""

    frames: int
    sample_rate_hz: int
    channels: int
    encoding: str

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate_hz


@dataclass(frozen=True, kw_only=True)
class SoundEvent:
    """One event of a recording: a bark, a step, a closing door; or a stretch of a texture.

    Attributes:
        start_s, end_s: from the start of the file.
        peak_db, level_db: RMS of its loudest hundredth of a second, and of all of it, in dBFS; channels averaged.
        texture: a stretch of a sound that goes on evenly.
    """

    start_s: float
    end_s: float
    peak_db: float
    level_db: float
    texture: bool = False

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A file of the library, as it was when it was scanned.

    Attributes:
        id: within its library.
        sha256: of the file's bytes.
        licence: the user's word on it, else the file's, else that of the folder.
        commercial: whether the licence allows commercial use; None where that is not known.
        missing: it was not there at the last scan.
        problem: why it cannot be used; '' where it can.
    """

    id: int
    path: Path
    format: SoundFormat
    tags: RecordingTags
    behaviour: Behaviour
    sha256: str
    licence: str = ""
    commercial: bool | None = None
    starred: bool = False
    missing: bool = False
    problem: str = ""

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, kw_only=True)
class FoundEvent:
    """An event of a recording as a search found it; a higher score fits better."""

    recording: Recording
    event: SoundEvent
    event_id: int
    score: float = 0.0


def recordings_of(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The facts of the recordings that a take is made of or began from; none for other takes, or where they are odd."""
    found = recipe.get("recordings")
    return [dict(each) for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def forbidden_line(recording: Mapping[str, Any]) -> str:
    """What is told of a recording, by its facts, whose licence forbids paid work.

    Example:
        >>> forbidden_line({"file": "dog.wav", "licence": "", "commercial": False})
        'the licence of dog.wav (unknown) forbids paid work'
    """
    return f"the licence of {recording.get('file', '')} ({recording.get('licence') or 'unknown'}) forbids paid work"


def names_of_recordings(recipes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """File names, without folders, of the recordings that takes with these recipes are made of, by their hash.

    What is no hash is left out: recipes come from anybody.

    Example:
        >>> found = names_of_recordings([{"recordings": [{"file": "dog.wav", "sha256": 16 * "12ab"}]}, {"seed": 1}])
        >>> list(found.values())
        ['dog.wav']
    """
    found = [each for recipe in recipes for each in recordings_of(recipe)]
    pairs = [(each.get("sha256"), each.get("file")) for each in found]
    return {
        sha256: file.replace("\\", "/").rpartition("/")[2]
        for sha256, file in pairs
        if isinstance(sha256, str) and isinstance(file, str) and _SHA256.fullmatch(sha256)
    }

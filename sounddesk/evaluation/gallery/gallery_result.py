"""Result of a gallery: each take, how picture and sound were classified, and which kinds fail."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

import numpy as np

from sounddesk.audio.metering.loudness import Levels
from sounddesk.evaluation.metrics.confusion import ConfusedKind
from sounddesk.evaluation.metrics.confusion import confusion_rows
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import PictureFolder
from sounddesk.evaluation.rendered_figures import RenderedFigures

PAGE_FILE: Final = "index.html"
FIGURES_FILE: Final = "gallery.json"
SPECTROGRAM_RANGE_DB: Final = 75.0

Outcome = Literal["right", "silent", "picture", "sound", "wrong"]

Ranking = tuple[tuple[str, float], ...]
"""Kinds with a figure each, best first."""


@dataclass(frozen=True, kw_only=True)
class HeardSound:
    """A sound of the gallery and what the classifier says of it.

    Attributes:
        kind: what it ought to be.
        heard: the three most probable of all kinds that the classifier knows; empty for a silent sound.
        probability: that it is `kind`; 0 for a silent sound.
        sound_file, spectrogram_file: relative to the page.
    """

    kind: str
    heard: Ranking
    probability: float
    levels: Levels
    sound_file: str
    spectrogram_file: str

    @property
    def heard_as(self) -> str | None:
        """The most probable kind; None for a silent sound."""
        return self.heard[0][0] if self.heard else None

    @property
    def is_right(self) -> bool:
        return self.heard_as == self.kind

    def to_json(self) -> dict[str, Any]:
        return {
            "sound": self.sound_file,
            "spectrogram": self.spectrogram_file,
            "right": self.is_right,
            "probability": self.probability,
            "heard": [{"kind": kind, "probability": share} for kind, share in self.heard],
            "peak_dbfs": _finite(self.levels.peak_dbfs),
            "lufs": _finite(self.levels.lufs),
        }


@dataclass(frozen=True, kw_only=True)
class GalleryTake:
    """A take of one cut-out on a background, made through its mask.

    Attributes:
        number: from 1, among the takes of its kind.
        cut_out: FOLDER/NAME of the picture.
        size: width and height of the composed image in pixels.
        seed: of the take.
        sound: what came out.
        seen: the three kinds whose text vectors are nearest to the condition, with the cosine; empty where the
            bundle's conditions are not in its text encoder's space.
        own_cosine: to the text vector of the kind itself; None where `seen` is empty.
        picture_file, overlay_file, mask_file: relative to the page.
        notes: of the engine.
    """

    number: int
    cut_out: str
    size: tuple[int, int]
    seed: int
    sound: HeardSound
    seen: Ranking
    own_cosine: float | None
    picture_file: str
    overlay_file: str
    mask_file: str
    notes: tuple[str, ...]

    @property
    def seen_as(self) -> str | None:
        """The kind whose text embedding is nearest to the condition; None where conditions are no text embeddings."""
        return self.seen[0][0] if self.seen else None

    @property
    def outcome(self) -> Outcome:
        """'right', 'silent', or where it failed: the 'picture' was taken for another kind, or only the 'sound' was.

        'wrong' where a bundle does not let one tell.
        """
        if self.sound.is_right:
            return "right"
        if not self.sound.heard:
            return "silent"
        if self.seen_as is None:
            return "wrong"
        return "sound" if self.seen_as == self.sound.kind else "picture"

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "cut_out": self.cut_out,
            "seed": self.seed,
            "outcome": self.outcome,
            **self.sound.to_json(),
            "seen": [{"kind": kind, "cosine": cosine} for kind, cosine in self.seen],
            "own_cosine": self.own_cosine,
            "picture": self.picture_file,
            "overlay": self.overlay_file,
            "mask": self.mask_file,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class GalleryRecording:
    """A real recording of the kind, to compare with."""

    name: str
    sound: HeardSound

    def to_json(self) -> dict[str, Any]:
        return {"recording": self.name, **self.sound.to_json()}


@dataclass(frozen=True, kw_only=True)
class GalleryKind:
    """All takes of a kind, and a real recording where there is one."""

    name: str
    caption: str
    takes: tuple[GalleryTake, ...]
    recording: GalleryRecording | None

    @property
    def right(self) -> int:
        return sum(take.sound.is_right for take in self.takes)

    @property
    def mean_probability(self) -> float:
        """Of the kind itself, over its takes."""
        return float(np.mean([take.sound.probability for take in self.takes]))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.name,
            "caption": self.caption,
            "right": self.right,
            "mean_probability": self.mean_probability,
            "takes": [take.to_json() for take in self.takes],
            "recording": None if self.recording is None else self.recording.to_json(),
        }


def worst_first(kinds: Sequence[GalleryKind]) -> tuple[GalleryKind, ...]:
    """Kinds by the share of right takes, then by the mean probability of the right kind, lowest first."""
    return tuple(sorted(kinds, key=lambda kind: (kind.right / len(kind.takes), kind.mean_probability, kind.name)))


@dataclass(frozen=True, kw_only=True, eq=False)
class GalleryResult(RenderedFigures):
    """Figures of one gallery.

    Attributes:
        place: the folder that it was written to.
        sample_rate_hz: of all sounds in it.
        known_kinds: how many kinds the classifier chooses among.
        kinds: worst first.
        without_picture: kinds that were wanted and have no usable picture.
    """

    place: Path
    sample_rate_hz: int
    known_kinds: int
    kinds: tuple[GalleryKind, ...]
    without_picture: tuple[str, ...]
    pictures: PictureFolder

    @property
    def page(self) -> Path:
        return self.place / PAGE_FILE

    @property
    def takes(self) -> list[GalleryTake]:
        return [take for kind in self.kinds for take in kind.takes]

    @property
    def heard_right(self) -> Proportion:
        """Takes that the classifier takes for their own kind, of all that it knows."""
        return Proportion(hits=sum(take.sound.is_right for take in self.takes), trials=len(self.takes))

    @property
    def seen_right(self) -> Proportion | None:
        """Takes whose condition is nearest to their own kind; None where conditions are no text embeddings."""
        seen = [take for take in self.takes if take.seen]
        hits = sum(take.seen_as == take.sound.kind for take in seen)
        return Proportion(hits=hits, trials=len(seen)) if seen else None

    @property
    def recordings_right(self) -> Proportion | None:
        """Real recordings that the classifier takes for their own kind: what can be expected of it; None without."""
        sounds = [kind.recording.sound for kind in self.kinds if kind.recording is not None]
        return Proportion(hits=sum(sound.is_right for sound in sounds), trials=len(sounds)) if sounds else None

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """How many takes ended how."""
        return Counter(take.outcome for take in self.takes)

    @property
    def heard_confusion(self) -> tuple[ConfusedKind, ...]:
        """What the classifier takes the takes for."""
        return confusion_rows((take.sound.kind, take.sound.heard_as) for take in self.takes)

    @property
    def seen_confusion(self) -> tuple[ConfusedKind, ...]:
        """What the conditions of the pictures are nearest to."""
        return confusion_rows((take.sound.kind, take.seen_as) for take in self.takes if take.seen)

    def line(self) -> str:
        """The result in one line."""
        seen, real, outcomes = self.seen_right, self.recordings_right, self.outcomes
        parts = [f"gallery: {self.heard_right.text()} of the takes heard as their kind among all {self.known_kinds}"]
        if seen is not None:
            parts.append(
                f"{seen.hits} of {seen.trials} pictures seen as their kind; failed {outcomes.get('picture', 0)} by the "
                f"picture, {outcomes.get('sound', 0)} by the sound"
            )
        if real is not None:
            parts.append(f"{real.hits} of {real.trials} real recordings heard right")
        parts.append(
            f"{outcomes.get('silent', 0)} silent takes, {len(self.kinds)} kinds, {len(self.without_picture)} without a "
            f"picture, {self.settings_text()}"
        )
        return f"{'; '.join(parts)}: {self.page}"

    def to_json(self) -> dict[str, Any]:
        seen, real = self.seen_right, self.recordings_right
        return {
            "measure": "gallery",
            **self.settings_json(),
            "known_kinds": self.known_kinds,
            "heard_right": self.heard_right.to_json(),
            "seen_right": None if seen is None else seen.to_json(),
            "recordings_right": None if real is None else real.to_json(),
            "outcomes": dict(sorted(self.outcomes.items())),
            "confusion": [row.to_json() for row in self.heard_confusion],
            "confusion_of_pictures": [row.to_json() for row in self.seen_confusion],
            "kinds": [kind.to_json() for kind in self.kinds],
            "without_picture": list(self.without_picture),
            "folder": self.pictures.to_json(),
        }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

"""What can be made of a sound that is there: a variation, a part made anew, a longer sound, a loop. Free of torch.

All but the variation are one thing to the networks: a stretch that is made anew while the rest stays. An extension is a
stretch behind the end; a loop is one across the seam of the sound turned by half, so that end and start meet inside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import ClassVar
from typing import Final

import numpy as np

from sounddesk.engine.specs import MAX_SECONDS
from sounddesk.engine.types import Waveform

LEAST_RANGE_S: Final = 0.05
LEAST_LOOP_S: Final = 0.3
DEFAULT_STRENGTH: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Variation:
    """The whole sound made anew by `strength`: 0 is a copy through the codec, 1 a new sound."""

    word: ClassVar[str] = "varied"  # what a take is called that it made; likewise below
    added_s: ClassVar[float] = 0.0
    strength: float = DEFAULT_STRENGTH


@dataclass(frozen=True, kw_only=True)
class Regeneration:
    """Only these seconds made anew; the rest stays, bit by bit."""

    word: ClassVar[str] = "repaired"
    added_s: ClassVar[float] = 0.0
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Extension:
    """The sound goes on for so many seconds behind its end."""

    word: ClassVar[str] = "extended"
    seconds: float

    @property
    def added_s(self) -> float:
        return self.seconds


@dataclass(frozen=True, kw_only=True)
class Looping:
    """The end leads into the start: so many seconds across the seam, half of them on either side, are made anew.

    Of a sound shorter than three times that it is a third.
    """

    word: ClassVar[str] = "looped"
    added_s: ClassVar[float] = 0.0
    seam_s: float = 1.0


SoundEdit = Variation | Regeneration | Extension | Looping

"""Each has the `word` for what it makes and, in `added_s`, by how much longer that is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedSound:
    """A sound as the networks get it.

    Attributes:
        waveform: float32[n].
        stretch: samples from and up to which it is made anew; None for all of it.
        turned: by how many samples its start was moved to its end.
    """

    waveform: Waveform
    stretch: tuple[int, int] | None = None
    turned: int = 0

    def turned_back(self, made: Waveform) -> Waveform:
        """What was made of it, beginning where the sound did."""
        return np.roll(made, self.turned) if self.turned else made


def check_edit(edit: SoundEdit, *, seconds: float) -> None:
    """Refuse what cannot be done with a sound of this length. Raises: ValueError."""
    match edit:
        case Variation(strength=strength):
            if not 0.0 <= strength <= 1.0:
                raise ValueError(f"strength is {strength:g}: choose from 0 (a copy) to 1 (a new sound)")
        case Regeneration(start_s=start_s, end_s=end_s):
            if not 0.0 <= start_s < end_s <= seconds + 1e-6 or end_s - start_s < LEAST_RANGE_S:
                raise ValueError(
                    f"range to regenerate is {start_s:g}-{end_s:g} s of {seconds:.2f} s: choose one inside, of at "
                    f"least {LEAST_RANGE_S:g} s"
                )
        case Extension(seconds=more_s):
            if not (more_s >= LEAST_RANGE_S and seconds + more_s <= MAX_SECONDS):
                raise ValueError(
                    f"extension is {more_s:g} s of a sound of {seconds:.2f} s: choose at least {LEAST_RANGE_S:g} s, "
                    f"and at most {MAX_SECONDS:g} s in all"
                )
        case Looping(seam_s=seam_s):
            if not seam_s >= LEAST_RANGE_S:
                raise ValueError(f"seam is {seam_s:g} s: choose at least {LEAST_RANGE_S:g} s")
            if seconds < LEAST_LOOP_S:
                raise ValueError(f"sound lasts {seconds:.2f} s: a loop needs at least {LEAST_LOOP_S:g} s")


def prepared(waveform: Waveform, edit: SoundEdit, *, sample_rate_hz: int) -> PreparedSound:
    """The sound float32[n] as the networks are to get it; the edit was checked.

    Example:
        >>> ramp = np.arange(4, dtype=np.float32)
        >>> turned = prepared(ramp, Looping(), sample_rate_hz=4)
        >>> turned.waveform.tolist(), turned.stretch, turned.turned_back(turned.waveform).tolist()
        ([2.0, 3.0, 0.0, 1.0], (1, 3), [0.0, 1.0, 2.0, 3.0])
    """
    n = len(waveform)
    match edit:
        case Variation():
            return PreparedSound(waveform=waveform)
        case Regeneration(start_s=start_s, end_s=end_s):
            stretch = (round(start_s * sample_rate_hz), min(n, round(end_s * sample_rate_hz)))
            return PreparedSound(waveform=waveform, stretch=stretch)
        case Extension(seconds=more_s):
            more = np.zeros(round(more_s * sample_rate_hz), dtype=np.float32)
            return PreparedSound(waveform=np.concatenate([waveform, more]), stretch=(n, n + len(more)))
        case Looping(seam_s=seam_s):
            turned, half = n // 2, max(1, round(min(seam_s * sample_rate_hz, n / 3) / 2))
            seam = n - turned
            return PreparedSound(waveform=np.roll(waveform, -turned), stretch=(seam - half, seam + half), turned=turned)


def edit_facts(edit: SoundEdit) -> dict[str, Any]:
    """What was done, for a recipe; JSON-ready."""
    match edit:
        case Variation(strength=strength):
            return {"strength": strength}
        case Regeneration(start_s=start_s, end_s=end_s):
            return {"regenerated_s": [start_s, end_s]}
        case Extension(seconds=more_s):
            return {"extended_s": more_s}
        case Looping(seam_s=seam_s):
            return {"loop_seam_s": seam_s}


def strength_words(strength: float) -> str:
    """What a strength does to a sound, in a few words.

    Example:
        >>> strength_words(0.0), strength_words(1.0)
        ('a copy through the model', 'a new sound')
    """
    for most, words in (
        (0.0, "a copy through the model"),
        (0.25, "hardly changed"),
        (0.45, "the same event, another texture"),
        (0.65, "a close relative"),
        (0.99, "its course in time, other details"),
    ):
        if strength <= most:
            return words
    return "a new sound"

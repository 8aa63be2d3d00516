"""Objects of a scene: named things in the image with a mask and sound settings."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sounddesk.domain.mask import BoolMask
from sounddesk.domain.mask import check_not_empty
from sounddesk.domain.seeds import check_seed

MAX_GAIN_DB: Final = 60.0


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneObject:
    """A named thing in the image.

    Attributes:
        name: as the user gave it; any text that is not blank.
        mask: bool[H, W] at image size, not empty.
        hint: words that steer which sound of the object is meant, e.g. 'siren'.
        seed: 0 to 2**63 - 1, of the object's first take.
        gain_db: -60 to 60; `muted` is the way to silence.
        pan: -1 (left) to 1 (right), 0 is the centre.
        muted: left out of the mix.

    Raises:
        ValueError: naming the value and the remedy.
    """

    name: str
    mask: BoolMask
    seed: int
    hint: str | None = None
    gain_db: float = 0.0
    pan: float = 0.0
    muted: bool = False

    def __post_init__(self) -> None:
        check_object_name(self.name)
        check_not_empty(self.mask, name=self.name)
        check_seed(self.seed)
        check_gain_db(self.gain_db)
        if not -1.0 <= self.pan <= 1.0:
            raise ValueError(f"pan of {self.name!r} is {self.pan:g}: choose from -1 (left) to 1 (right)")


def check_object_name(name: str) -> None:
    """Refuse a blank name.

    Raises:
        ValueError: nothing but white space.
    """
    if not name.strip():
        raise ValueError(f"object name {name!r} is blank: give it a name")


def check_gain_db(gain_db: float) -> None:
    """Refuse a gain that is no number or beyond 60 dB either way.

    Raises:
        ValueError: with the value and the remedy.
    """
    if not math.isfinite(gain_db) or abs(gain_db) > MAX_GAIN_DB:
        raise ValueError(f"gain is {gain_db:g} dB: choose from {-MAX_GAIN_DB:g} dB to {MAX_GAIN_DB:g} dB")


def check_unique_names(names: Iterable[str]) -> None:
    """Refuse a blank name or the same name twice (apart from white space around it and Unicode form).

    'dog' and 'Dog' are two names.

    Raises:
        ValueError: naming the doubled one.
    """
    seen = set()
    for name in names:
        check_object_name(name)
        key = unicodedata.normalize("NFC", name.strip())
        if key in seen:
            raise ValueError(f"object name {name!r} is given twice: give each object a name of its own")
        seen.add(key)

"""Objects of a scene: named things in the image with a mask and sound settings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Final
from typing import Literal

from sounddesk.domain.automation import Curve
from sounddesk.domain.automation import check_curve
from sounddesk.domain.levels import FADER_BOTTOM_DB
from sounddesk.domain.levels import check_gain_db
from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.object_names import MOST_GUESSES
from sounddesk.domain.object_names import NamedBy
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.seeds import check_seed
from sounddesk.domain.tiled_mask import TiledMask

# Strips of older versions have no such keys, and neither have strips that do not use them.
_OMITTED: Final = {"omit_default": True}
# Names of the sounds that stand for several objects or for what they leave over.
BLEND_NAME: Final = "blend"
AMBIENCE_NAME: Final = "ambience"

ObjectKind = Literal["object", "ambience", "blend"]


@dataclass(frozen=True, kw_only=True)
class MixerStrip:
    """One channel of the mixer.

    Attributes:
        gain_db: fader, -60 to 60; -60 is the bottom and silent.
        pan: -1 (left) to 1 (right), 0 is the centre.
        muted, soloed: as in any DAW; while a strip is soloed only soloed ones are heard.
        inverted: polarity reversed.
        volume_curve: gain in dB over the timeline, on top of the fader; empty for none.
        pan_curve: the pan over the timeline, in place of `pan`; empty for none.
        equalizer: in front of the fader.
        send_db: how much goes to the reverb, behind the fader; -60 is nothing.
        group_id: of the group whose fader moves this one, too; empty for none.

    Raises:
        ValueError: naming the value and the remedy.
    """

    gain_db: float = 0.0
    pan: float = 0.0
    muted: bool = False
    soloed: bool = False
    inverted: bool = False
    volume_curve: Curve = field(default=(), metadata=_OMITTED)
    pan_curve: Curve = field(default=(), metadata=_OMITTED)
    equalizer: Equalizer = field(default_factory=Equalizer, metadata=_OMITTED)
    send_db: float = field(default=FADER_BOTTOM_DB, metadata=_OMITTED)
    group_id: str = field(default="", metadata=_OMITTED)

    def __post_init__(self) -> None:
        check_gain_db(self.gain_db)
        check_gain_db(self.send_db)
        check_curve(self.volume_curve, kind="volume")
        check_curve(self.pan_curve, kind="pan")
        if not -1.0 <= self.pan <= 1.0:
            raise ValueError(f"pan is {self.pan:g}: choose from -1 (left) to 1 (right)")


@dataclass(frozen=True, kw_only=True)
class SceneObject:
    """A named thing in the image, with one lane on the timeline and one strip in the mixer.

    Attributes:
        id: unique within the project, never used again.
        name: any text that is not blank.
        named_by: 'user' typed or chose the name, so nothing else changes it; 'number' for 'object 3', which a guess may
            replace; 'guess' of a recogniser.
        guesses: what it may be, most confident first; up to three.
        guess: index of the guess whose name it has, perhaps with a number behind it; None where it has none's.
        kind: 'object'; 'ambience' stands for what the others leave over; 'blend' for several objects together.
        mask: at image size. Empty while nothing is painted, and for a blend, which is made from the union of its
            members' masks; an ambience with an empty mask stands for what the objects leave over.
        members: of a blend, ids of objects.
        colour: '#rrggbb' of overlay, lane and strip.
        visible: overlay drawn on the canvas.
        locked: mask, name and sound settings cannot be changed.
        hint: words that steer which sound of the object is meant, e.g. 'siren'; empty for none.
        negative_hint: words for what it must not sound like; empty for none.
        seconds: length of its takes; None for the project's.
        seed: of its next take, 0 to 2**63 - 1.
        seed_locked: the next take uses `seed` again instead of a fresh one.

    Raises:
        ValueError: naming the value and the remedy.
    """

    id: str
    name: str
    mask: TiledMask
    seed: int
    kind: ObjectKind = "object"
    members: tuple[str, ...] = ()
    colour: str = "#e6a23c"
    visible: bool = True
    locked: bool = False
    hint: str = ""
    negative_hint: str = ""
    seconds: float | None = None
    seed_locked: bool = False
    strip: MixerStrip = field(default_factory=MixerStrip)
    named_by: NamedBy = "user"
    guesses: tuple[NameGuess, ...] = ()
    guess: int | None = None

    def __post_init__(self) -> None:
        check_object_name(self.name)
        check_seed(self.seed)
        if len(self.guesses) > MOST_GUESSES:
            raise ValueError(f"{self.name!r} has {len(self.guesses)} guesses: give at most {MOST_GUESSES}")
        if self.guess is not None and not 0 <= self.guess < len(self.guesses):
            raise ValueError(f"guess of {self.name!r} is {self.guess}: it has {len(self.guesses)}, counted from 0")
        if self.kind not in ("object", "ambience", "blend"):
            raise ValueError(f"kind of {self.name!r} is {self.kind!r}: choose 'object', 'ambience' or 'blend'")
        if not re.fullmatch(r"#[0-9a-f]{6}", self.colour):
            raise ValueError(f"colour of {self.name!r} is {self.colour!r}: give it as '#rrggbb'")
        if self.seconds is not None and not 1.0 <= self.seconds <= 60.0:
            raise ValueError(f"length of {self.name!r} is {self.seconds:g} s: choose from 1 s to 60 s")

    @property
    def proposed_prompt(self) -> str:
        """Words for its sound by the guess whose name it has; empty where it has none's."""
        return "" if self.guess is None else self.guesses[self.guess].prompt


def check_object_name(name: str) -> None:
    """Refuse a blank name.

    Raises:
        ValueError: nothing but white space.
    """
    if not name.strip():
        raise ValueError(f"object name {name!r} is blank: give it a name")


def name_key(name: str) -> str:
    """Two names with equal keys are the same name: white space around and the Unicode form do not count."""
    return unicodedata.normalize("NFC", name.strip())


def check_unique_names(names: Iterable[str]) -> None:
    """Refuse a blank name or the same name twice (apart from white space around it and Unicode form).

    'dog' and 'Dog' are two names.

    Raises:
        ValueError: naming the doubled one.
    """
    seen = set()
    for name in names:
        check_object_name(name)
        key = name_key(name)
        if key in seen:
            raise ValueError(f"object name {name!r} is given twice: give each object a name of its own")
        seen.add(key)


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or 'wanted 2', 'wanted 3' and so on, whichever no name in `taken` has."""
    used = {name_key(name) for name in taken}
    number, name = 1, wanted
    while name_key(name) in used:
        number += 1
        name = f"{wanted} {number}"
    return name

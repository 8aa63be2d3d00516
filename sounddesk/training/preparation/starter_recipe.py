"""Reads the curated table of kinds: what sounds how, and where it is found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Literal
from typing import cast
from typing import get_args

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.text_formats import read_yaml
from sounddesk.training.preparation.picture_cutting import Cut

Repeat = Literal["one-shot", "repeating", "continuous"]
Role = Literal["recording", "picture", "background"]

# One picture of the same thing per emoji set, found by its code points.
_EMOJI_SETS = {"fluent": "{lower}.webp", "noto": "{lower}", "twemoji": "{lower}.svg", "openmoji": "{upper}.svg"}
_IMAGENET_CLASSES = 1000
_RANGE = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+))?")
_SECTION = re.compile(r"^(?P<member>.+)#(?P<start>[\d.]+)-(?P<end>[\d.]+)$")
_BOX = re.compile(r"^(?P<member>.+?)(?:#(?P<box>[\d.]+,[\d.]+,[\d.]+,[\d.]+))?(?:\|(?P<cut>[a-z]+))?$")


class StarterRecipeError(BadInputError, ValueError):
    """The table of kinds is wrong; the message names the kind and the key."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One entry of the table: a member, or a pattern of members, of one source.

    ``section_s`` keeps a part of a recording (start and end in seconds); ``box`` a part of
    a picture (left, top, right, bottom as shares); ``optional`` entries may be missing in
    the source, as not every emoji set has every picture.
    """

    source: str
    member: str
    section_s: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    cut: Cut | None = None
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class KindRecipe:
    """One kind of sounding thing: what is said about it and where it comes from.

    ``train_pictures`` came later and are only trained on. Were they among ``pictures``, the
    fifth that is held out would be drawn anew: figures before and after would come from
    other test pictures, and a picture that a model was trained on could become one.
    ``imagenet_classes`` are numbers among ImageNet's 1,000 classes (ILSVRC 2012, in their
    usual order): what the published image encoder calls a thing of this kind.
    """

    kind: str
    caption: str
    alt_captions: tuple[str, ...]
    group: str
    repeat: Repeat
    imagenet_classes: tuple[int, ...]
    recordings: tuple[Reference, ...]
    pictures: tuple[Reference, ...]
    train_pictures: tuple[Reference, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BackgroundRecipe:
    """Where backgrounds come from, and which of them are never trained on."""

    pictures: tuple[Reference, ...]
    test: tuple[str, ...]


def load_kinds(path: Path) -> list[KindRecipe]:
    """Reads the table of kinds in its order; raises `StarterRecipeError` naming what is wrong."""
    raw = read_yaml(path)
    if not isinstance(raw, dict) or not raw:
        raise StarterRecipeError(f"{path.name} must map kinds to what they are made of")
    return [_kind(str(name), entry) for name, entry in raw.items()]


def load_backgrounds(path: Path) -> BackgroundRecipe:
    """Reads the table of backgrounds; raises `StarterRecipeError` naming what is wrong."""
    raw = read_yaml(path)
    if not isinstance(raw, dict) or "pictures" not in raw:
        raise StarterRecipeError(f"{path.name} must have the key 'pictures'")
    return BackgroundRecipe(pictures=tuple(_pictures("backgrounds", raw["pictures"])), test=tuple(raw.get("test", ())))


def _kind(name: str, entry: Mapping[str, Any]) -> KindRecipe:
    try:
        repeat = entry["repeat"]
        if repeat not in get_args(Repeat):
            raise StarterRecipeError(f"kind {name!r}: repeat is {repeat!r}; use one of {', '.join(get_args(Repeat))}")
        recipe = KindRecipe(
            kind=name,
            caption=str(entry["caption"]),
            alt_captions=tuple(map(str, entry["alt_captions"])),
            group=str(entry["group"]),
            repeat=cast(Repeat, repeat),
            imagenet_classes=_classes(name, str(entry.get("imagenet_classes", ""))),
            recordings=tuple(_recordings(name, entry["recordings"])),
            pictures=tuple(_pictures(name, entry["pictures"])),
            train_pictures=tuple(_pictures(name, entry.get("train_pictures", {}))),
            test=tuple(map(str, entry.get("test", ()))),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise StarterRecipeError(f"kind {name!r} lacks {error}") from error
    if not recipe.recordings or not recipe.pictures:
        raise StarterRecipeError(f"kind {name!r} needs at least one recording and one picture")
    if twice := set(recipe.pictures) & set(recipe.train_pictures):
        members = ", ".join(sorted(f"{reference.source}:{reference.member}" for reference in twice))
        raise StarterRecipeError(f"kind {name!r} lists {members} twice; keep it under pictures or under train_pictures")
    return recipe


def _classes(kind: str, text: str) -> tuple[int, ...]:
    """Numbers and ranges, both ends among them: '151-268, 273'."""
    found: list[int] = []
    for part in filter(None, map(str.strip, text.split(","))):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise StarterRecipeError(
                f"kind {kind!r}: imagenet_classes has {part!r}; write numbers and ranges, '151-268, 273'"
            )
        found += range(int(match["first"]), int(match["last"] or match["first"]) + 1)
    if not all(0 <= number < _IMAGENET_CLASSES for number in found):
        raise StarterRecipeError(f"kind {kind!r}: imagenet_classes must lie in 0 to {_IMAGENET_CLASSES - 1}")
    return tuple(found)


def _recordings(kind: str, entries: Mapping[str, Sequence[object]]) -> list[Reference]:
    found = []
    for source, members in entries.items():
        for member in map(str, members):
            section = _SECTION.match(member)
            if section is None:
                found.append(Reference(source=str(source), member=member))
                continue
            start_s, end_s = float(section["start"]), float(section["end"])
            if end_s <= start_s:
                raise StarterRecipeError(f"kind {kind!r}: {member!r} ends before it starts")
            found.append(Reference(source=str(source), member=section["member"], section_s=(start_s, end_s)))
    return found


def _pictures(kind: str, entries: Mapping[str, Sequence[object]]) -> list[Reference]:
    found = []
    for source, members in entries.items():
        for member in map(str, members):
            if source == "emoji":
                found += _emoji(member)
            else:
                found.append(_picture(kind, str(source), member))
    return found


def _picture(kind: str, source: str, text: str) -> Reference:
    match = _BOX.match(text)
    if match is None:
        raise StarterRecipeError(f"kind {kind!r}: {text!r} cannot be read; write 'MEMBER#left,top,right,bottom|cut'")
    cut = match["cut"]
    if cut is not None and cut not in get_args(Cut):
        raise StarterRecipeError(f"kind {kind!r}: {text!r} asks for the cut {cut!r}; use {', '.join(get_args(Cut))}")
    box: tuple[float, float, float, float] | None = None
    if match["box"]:
        left, top, right, bottom = map(float, match["box"].split(","))
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise StarterRecipeError(
                f"kind {kind!r}: the box of {text!r} must be shares, left < right and top < bottom"
            )
        box = (left, top, right, bottom)
    return Reference(source=source, member=match["member"], box=box, cut=cast("Cut | None", cut))


def _emoji(code: str) -> list[Reference]:
    return [
        Reference(source=source, member=template.format(lower=code.lower(), upper=code.upper()), optional=True)
        for source, template in _EMOJI_SETS.items()
    ]

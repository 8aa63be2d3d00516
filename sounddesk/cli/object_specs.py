"""How objects are named on the command line: NAME@WHERE, split at the last '@'."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.mask import Box
from sounddesk.domain.scene import free_name
from sounddesk.domain.selection import Click
from sounddesk.domain.selection import ObjectSpec
from sounddesk.domain.selection import Selection
from sounddesk.domain.selection import split_mask_reference
from sounddesk.engine.prompters.phrase import read_phrase
from sounddesk.storage.path_text import PathError
from sounddesk.storage.path_text import path_of

POINTS_HELP: Final = "NAME@X,Y[;X,Y...]"
BOX_HELP: Final = "NAME@LEFT,TOP,RIGHT,BOTTOM[;X,Y...]"
MASK_HELP: Final = "NAME@FILE[#PART]"
SAY_HELP: Final = "[NAME@]WORDS"

# Coordinates have at most nine digits before the point, so that no text becomes an absurd number.
_NUMBER: Final = r"\d{1,9}(?:\.\d*)?"
_POINT: Final = re.compile(rf"(?P<minus>-?)(?P<x>{_NUMBER}),(?P<y>{_NUMBER})", re.ASCII)
_BOX: Final = re.compile(
    rf"(?P<left>{_NUMBER}),(?P<top>{_NUMBER}),(?P<right>{_NUMBER}),(?P<bottom>{_NUMBER})", re.ASCII
)


def parse_points(text: str) -> ObjectSpec:
    """'dog@420,310;-380,200' -> two clicks; the leading minus marks one that takes a place away.

    Raises:
        BadInputError: not of that form, or no click says where the object is.
    """
    name, where = _split(text, example="dog@420,310")
    clicks = _clicks(where.split(";"), text=text)
    if not any(click.positive for click in clicks):
        raise BadInputError(f"{text!r} only takes places away: add a click on the object, e.g. {name}@420,310;-380,200")
    return ObjectSpec(name=name, selection=Selection(how="clicks", clicks=clicks))


def parse_box(text: str) -> ObjectSpec:
    """'car@10,20,300,240' or, with clicks as well, 'car@10,20,300,240;150,100;-20,30'.

    Raises:
        BadInputError: not of that form, or the box has no area.
    """
    name, where = _split(text, example="car@10,20,300,240")
    first, *rest = where.split(";")
    match = _BOX.fullmatch(_without_blanks(first))
    if match is None:
        raise BadInputError(f"{text!r} has no box: write {name}@LEFT,TOP,RIGHT,BOTTOM in pixels")
    left, top, right, bottom = (float(match[side]) for side in ("left", "top", "right", "bottom"))
    # Outwards, so that every pixel that the user's box touches is in.
    box = Box(left=math.floor(left), top=math.floor(top), right=math.ceil(right), bottom=math.ceil(bottom))
    if box.width < 1 or box.height < 1:
        raise BadInputError(f"the box of {name!r} has no area ({first}): give left, top, right, bottom in this order")
    return ObjectSpec(name=name, selection=Selection(how="box", box=box, clicks=_clicks(rest, text=text)))


def parse_said(text: str, *, taken: Sequence[str] = ()) -> ObjectSpec:
    """'the dog on the left' or, with a name of its own, 'rex@the dog on the left'.

    Args:
        taken: names that others have: without one of its own the object is called what it is, 'dog' or 'dog 2'.

    Raises:
        BadInputError: it names no thing.
    """
    name, at, words = text.rpartition("@")
    words = words.strip()
    try:
        thing = read_phrase(words).thing
    except ValueError as error:
        raise BadInputError(str(error)) from error
    if at and not name.strip():
        raise BadInputError(f"{text!r} has no name before the '@': write it like rex@the dog on the left")
    own = name.strip() if at else free_name(thing, taken)
    return ObjectSpec(name=own, selection=Selection(how="words", words=words))


def parse_mask(text: str) -> ObjectSpec:
    """'sea@sea.png', or 'sea@ids.png#3' for one of a file's masks; where the file's path holds an '@' itself, the
    split that names an existing file counts.

    Raises:
        BadInputError: not of that form.
    """
    _split(text, example="sea@sea.png")
    places = [i for i, character in enumerate(text) if character == "@" and text[:i].strip()]
    at = next((i for i in reversed(places) if _is_mask_file(text[i + 1 :])), places[-1])
    file = path_of(text[at + 1 :])
    return ObjectSpec(name=text[:at].strip(), selection=Selection(how="mask_file", mask_file=str(file)))


def _is_mask_file(text: str) -> bool:
    try:
        return split_mask_reference(str(path_of(text)))[0].is_file()
    except PathError:
        return False


def parse_hint(text: str, *, names: Sequence[str]) -> tuple[str, str]:
    """'car=siren' -> ('car', 'siren'); names may hold '=', so the longest known name counts.

    Raises:
        BadInputError: no known object's name, or no words after it.
    """
    for name in sorted(names, key=len, reverse=True):
        if text.startswith(f"{name}="):
            hint = text[len(name) + 1 :].strip()
            if not hint:
                raise BadInputError(f"the hint of {name!r} is empty: write --hint '{name}=siren'")
            return name, hint
    known = ", ".join(repr(name) for name in names) or "none"
    raise BadInputError(f"hint {text!r} names no object: write NAME=WORDS with NAME one of {known}")


def _split(text: str, *, example: str) -> tuple[str, str]:
    name, _, where = text.rpartition("@")
    if not name.strip() or not where.strip():
        raise BadInputError(f"{text!r} does not say which object is where: write it like {example}")
    return name.strip(), where.strip()


def _clicks(parts: Sequence[str], *, text: str) -> tuple[Click, ...]:
    clicks = []
    for part in parts:
        match = _POINT.fullmatch(_without_blanks(part))
        if match is None:
            raise BadInputError(
                f"{part!r} in {text!r} is not a click: write X,Y in pixels, or -X,Y to take a place away"
            )
        x, y = math.floor(float(match["x"])), math.floor(float(match["y"]))
        clicks.append(Click(x=x, y=y, positive=not match["minus"]))
    return tuple(clicks)


def _without_blanks(text: str) -> str:
    return "".join(text.split())

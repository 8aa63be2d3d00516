"""How objects are named on the command line: NAME@WHERE, split at the last '@'."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.cli.exit_codes import BadInputError

POINTS_HELP: Final = "NAME@X,Y[;X,Y...]; a leading minus takes a place away: dog@420,310;-380,200"
BOX_HELP: Final = "NAME@LEFT,TOP,RIGHT,BOTTOM[;X,Y...], box and clicks in pixels"
MASK_HELP: Final = "NAME@FILE, an image whose bright pixels are the object"

_NUMBER: Final = r"\d+(?:\.\d+)?"
_POINT: Final = re.compile(rf"(?P<minus>-?)(?P<x>{_NUMBER}),(?P<y>{_NUMBER})")
_BOX: Final = re.compile(rf"(?P<left>{_NUMBER}),(?P<top>{_NUMBER}),(?P<right>{_NUMBER}),(?P<bottom>{_NUMBER})")


@dataclass(frozen=True, kw_only=True)
class Click:
    """One click in image pixels; `positive` is False where it takes a place away from the object."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, kw_only=True)
class ObjectSpec:
    """One object as written by the user: clicks, a box with or without clicks, or a mask file."""

    name: str
    clicks: tuple[Click, ...] = ()
    box: tuple[float, float, float, float] | None = None
    mask_file: Path | None = None


def parse_points(text: str) -> ObjectSpec:
    """'dog@420,310;-380,200' -> two clicks, the second negative.

    Raises:
        BadInputError: not of that form, or no click says where the object is.
    """
    name, where = _split(text, example="dog@420,310")
    clicks = _clicks(where.split(";"), text=text)
    if not any(click.positive for click in clicks):
        raise BadInputError(f"{text!r} only takes places away: add a click on the object, e.g. {name}@420,310;-380,200")
    return ObjectSpec(name=name, clicks=clicks)


def parse_box(text: str) -> ObjectSpec:
    """'car@10,20,300,240' or 'car@10,20,300,240;150,100;-20,30'.

    Raises:
        BadInputError: not of that form, or the box has no area.
    """
    name, where = _split(text, example="car@10,20,300,240")
    first, *rest = where.split(";")
    match = _BOX.fullmatch(first.strip().replace(" ", ""))
    if match is None:
        raise BadInputError(f"{text!r} has no box: write {name}@LEFT,TOP,RIGHT,BOTTOM in pixels")
    left, top, right, bottom = (float(match[side]) for side in ("left", "top", "right", "bottom"))
    if right <= left or bottom <= top:
        raise BadInputError(f"the box of {name!r} has no area ({first}): give left, top, right, bottom in this order")
    return ObjectSpec(name=name, box=(left, top, right, bottom), clicks=_clicks(rest, text=text))


def parse_mask(text: str) -> ObjectSpec:
    """'sea@sea.png'; where a file name holds an '@' itself, the split that names an existing file counts.

    Raises:
        BadInputError: not of that form.
    """
    _split(text, example="sea@sea.png")
    places = [i for i, character in enumerate(text) if character == "@" and i > 0]
    at = next((i for i in reversed(places) if Path(text[i + 1 :]).expanduser().is_file()), places[-1])
    return ObjectSpec(name=text[:at].strip(), mask_file=Path(text[at + 1 :]).expanduser())


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
    raise BadInputError(f"hint {text!r} names no object: write NAME=WORDS with one of {known}")


def check_inside(spec: ObjectSpec, *, width: int, height: int) -> None:
    """Refuse clicks and boxes outside an image of `width` x `height` pixels.

    Raises:
        BadInputError: with the place and the image's size.
    """
    for click in spec.clicks:
        if click.x >= width or click.y >= height:
            raise BadInputError(
                f"the click {click.x:g},{click.y:g} of {spec.name!r} is outside the image "
                f"({width} x {height} pixels): choose x from 0 to {width - 1} and y from 0 to {height - 1}"
            )
    if spec.box is not None and (spec.box[2] > width or spec.box[3] > height):
        corners = ",".join(f"{side:g}" for side in spec.box)
        raise BadInputError(
            f"the box {corners} of {spec.name!r} reaches outside the image: "
            f"stay within 0,0,{width},{height}"
        )


def check_names(names: Sequence[str]) -> None:
    """Refuse the same object name twice.

    Raises:
        BadInputError: with the name.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadInputError(
                f"the object name {name!r} is used twice: give each object its own name, "
                f"or write several clicks as {name}@X,Y;X,Y"
            )
        seen.add(name)


def _split(text: str, *, example: str) -> tuple[str, str]:
    name, at, where = text.rpartition("@")
    if not at or not name.strip() or not where.strip():
        raise BadInputError(f"{text!r} does not say which object is where: write it like {example}")
    return name.strip(), where.strip()


def _clicks(parts: Sequence[str], *, text: str) -> tuple[Click, ...]:
    clicks = []
    for part in parts:
        match = _POINT.fullmatch(part.strip().replace(" ", ""))
        if match is None or not (math.isfinite(float(match["x"])) and math.isfinite(float(match["y"]))):
            raise BadInputError(f"{part!r} in {text!r} is not a click: write X,Y in pixels, or -X,Y to take a place away")
        clicks.append(Click(x=float(match["x"]), y=float(match["y"]), positive=not match["minus"]))
    return tuple(clicks)

"""A phrase that points at one thing of a picture: what it is, and where among those that look like it."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from typing import Literal
from typing import TypeVar

from sounddesk.engine.segmenters.protocol import Box

Place = Literal["left", "right", "top", "bottom", "middle", "biggest", "smallest"]

Thing = TypeVar("Thing")

_WORDS: Final[dict[str, Place]] = {
    "left": "left",
    "leftmost": "left",
    "right": "right",
    "rightmost": "right",
    "top": "top",
    "topmost": "top",
    "upper": "top",
    "bottom": "bottom",
    "lower": "bottom",
    "middle": "middle",
    "centre": "middle",
    "center": "middle",
    "biggest": "biggest",
    "largest": "biggest",
    "smallest": "smallest",
}
_ORDINALS: Final = {"first": 0, "second": 1, "third": 2, "fourth": 3, "1st": 0, "2nd": 1, "3rd": 2, "4th": 3}
_PLACE: Final = "|".join(sorted(_WORDS, key=len, reverse=True))
# 'on the left', 'at the top right', 'in the lower left corner', 'from the left'.
_WHERE: Final = re.compile(
    rf"\b(?:on|at|in|to|from|towards?)\s+(?:the\s+)?(?:far\s+|very\s+)?((?:(?:{_PLACE})[\s-]*)+)(?:side|half|corner|edge)?",
    re.IGNORECASE,
)
_ADJECTIVE: Final = re.compile(rf"\b({_PLACE})(?:[\s-]*most)?\b", re.IGNORECASE)
_ORDINAL: Final = re.compile(rf"\b({'|'.join(_ORDINALS)})\b", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"^(?:the|a|an|that|this|my)(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """What a phrase asks for.

    Attributes:
        thing: words for the thing alone, 'dog'.
        places: where it is among its like, in the order in which they were said.
        nth: which one counted from the first place, from 0.
    """

    thing: str
    places: tuple[Place, ...] = ()
    nth: int = 0


def read_phrase(text: str) -> Phrase:
    """Take a phrase apart.

    Raises:
        ValueError: no thing is left.

    Example:
        >>> read_phrase("the dog on the left")
        Phrase(thing='dog', places=('left',), nth=0)
        >>> read_phrase("second red car from the right")
        Phrase(thing='red car', places=('right',), nth=1)
    """
    rest = text.strip().rstrip(".!")
    places: list[Place] = []
    for pattern in (_WHERE, _ADJECTIVE):
        for match in pattern.finditer(rest):
            places += [_WORDS[word.lower()] for word in re.findall(_PLACE, match[1], re.IGNORECASE)]
        rest = pattern.sub(" ", rest)
    nth = 0
    found = _ORDINAL.search(rest)
    if found is not None and places:
        nth = _ORDINALS[found[1].lower()]
        rest = _ORDINAL.sub(" ", rest, count=1)
    thing = " ".join(rest.split()).strip(" -,;:")
    while _ARTICLE.match(thing):
        thing = _ARTICLE.sub("", thing)
    if not re.search(r"\w", thing):
        raise ValueError(f"{text!r} names no thing: say what it is, e.g. 'the dog on the left'")
    return Phrase(thing=thing, places=tuple(dict.fromkeys(places)), nth=nth)


def pick(
    things: Sequence[Thing], phrase: Phrase, *, box: Callable[[Thing], Box], size: tuple[int, int]
) -> Thing | None:
    """The one that a phrase means by its place; the first of `things` where it says none.

    Args:
        things: those that look like it, the likeliest first.
        box: (left, top, right, bottom) in pixels.
        size: (width, height) of the image.

    Returns:
        None where there are fewer of them than the phrase counts.
    """
    if not things or not phrase.places:
        return things[0] if things else None

    def distance(thing: Thing) -> float:
        left, top, right, bottom = box(thing)
        x, y = (left + right) / 2 / size[0], (top + bottom) / 2 / size[1]
        area = (right - left) * (bottom - top) / (size[0] * size[1])
        by_place = {
            "left": x,
            "right": 1 - x,
            "top": y,
            "bottom": 1 - y,
            "middle": ((x - 0.5) ** 2 + (y - 0.5) ** 2) ** 0.5,
            "biggest": 1 - area,
            "smallest": area,
        }
        return sum(by_place[place] for place in phrase.places)

    ordered = sorted(things, key=distance)
    return ordered[phrase.nth] if phrase.nth < len(ordered) else None

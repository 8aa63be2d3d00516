"""Objects without a prompt, for the starter's segmenter: grids of clicks on its decoder alone, the best drawn finely.

The decoder answers a click in a fifth of the time that a mask with its own edges takes, so all clicks are asked of it
and only what may be an object is drawn. The first object comes after a quarter of the first grid.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.proposals import LEAST_SHARE
from sounddesk.engine.segmenters.proposals import MOST_SHARE
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask

Decode = Callable[[Sequence[Point]], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
"""Clicks in image pixels, each by itself -> logits float32[n, k, S, S] of the squashed image, scores float32[n, k]."""

Draw = Callable[[Point, npt.NDArray[np.float32]], Candidate | None]
"""A click in image pixels and one of the answers to it, logits float32[S, S] -> its mask; None where it is empty."""

_PER_SIDE: Final = 8
# Asked after it, for what is too small to lie under one of those (decision 132).
_FINER_PER_SIDE: Final = 11
# At once; a search that is stopped ends after so many.
_BATCH: Final = 16
# Of two guesses that overlap more, the better one stays. With less, a thing is lost to the group that it stands in.
_MOST_OVERLAP: Final = 0.7
# What runs along the image's border is seldom an object: taken from the score, times the share of the border.
_BORDER_COST: Final = 0.5
# Finely drawn at most; each takes some 0.1 s.
_MOST_DRAWN: Final = 28
# How many are drawn before the best of them is given; the first is not kept waiting.
_LOOKAHEAD: Final = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class _Guess:
    """A mask bool[S, S] over the squashed image, the logits it comes from, and how much it looks like an object."""

    click: Point
    mask: BoolMask
    logits: npt.NDArray[np.float32]
    score: float


def search_objects(
    encoded: EncodedImage,
    *,
    decode: Decode,
    draw: Draw,
    cancel: CancelToken | None = None,
) -> Iterator[Candidate]:
    """Objects, the most promising first as far as is known by then, none twice.

    Args:
        encoded: the image.
        decode: what clicks lead to, roughly.
        draw: one of these answers, finely.
        cancel: asked before each batch of clicks and each drawing.

    Raises:
        Cancelled: through `cancel`.
    """
    guesses: list[_Guess] = []
    drawn: list[_Guess] = []
    clicks = _grid(encoded) + _cells(encoded, _FINER_PER_SIDE)
    for start in range(0, len(clicks), _BATCH):
        _check(cancel)
        guesses += _guesses(clicks[start : start + _BATCH], decode, width=encoded.width, height=encoded.height)
        if start == 0:
            yield from _drawn_best(guesses, drawn, draw, most=1, cancel=cancel)
    waiting: list[Candidate] = []
    for candidate in _drawn_best(guesses, drawn, draw, most=_MOST_DRAWN, cancel=cancel):
        waiting.append(candidate)
        if len(waiting) > _LOOKAHEAD:
            yield _take_best(waiting)
    while waiting:
        yield _take_best(waiting)


def _grid(encoded: EncodedImage) -> list[Point]:
    """Middles of the grid's cells, in image pixels: first every second one of every second row, then the others."""
    every = _cells(encoded, _PER_SIDE)
    first = [index for index in range(len(every)) if index // _PER_SIDE % 2 == index % _PER_SIDE % 2 == 1]
    return [every[index] for index in first] + [each for index, each in enumerate(every) if index not in first]


def _cells(encoded: EncodedImage, per_side: int) -> list[Point]:
    """Middles of a grid's cells, in image pixels, row by row."""
    steps = [(index + 0.5) / per_side for index in range(per_side)]
    return [(across * encoded.width, down * encoded.height) for down in steps for across in steps]


def _guesses(clicks: Sequence[Point], decode: Decode, *, width: int, height: int) -> list[_Guess]:
    """What the clicks lead to: the part that each click is on, where it has a sensible size."""
    logits, scores = decode(clicks)
    side = logits.shape[-1]
    found = []
    for click, masks, marks in zip(clicks, logits, scores, strict=True):
        column = min(side - 1, int(click[0] / width * side))
        row = min(side - 1, int(click[1] / height * side))
        for answer, mask, score in zip(masks, masks > 0, marks, strict=True):
            if not mask[row, column]:
                continue
            _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
            part = parts == parts[row, column]
            share = float(part.mean())
            if LEAST_SHARE <= share <= MOST_SHARE:
                found.append(_Guess(click=click, mask=part, logits=answer, score=float(score) - _border_cost(part)))
    return found


def _drawn_best(
    guesses: Sequence[_Guess],
    drawn: list[_Guess],
    draw: Draw,
    *,
    most: int,
    cancel: CancelToken | None,
) -> Iterator[Candidate]:
    """The best guesses that are unlike those drawn before, drawn finely; they are added to `drawn`."""
    for guess in sorted(guesses, key=lambda each: -each.score):
        if len(drawn) >= most:
            return
        if any(overlap(guess.mask, known.mask) > _MOST_OVERLAP for known in drawn):
            continue
        drawn.append(guess)
        _check(cancel)
        candidate = draw(guess.click, guess.logits)
        if candidate is not None:
            yield candidate.with_score(max(0.0, candidate.score - _border_cost(candidate.mask)))


def _border_cost(mask: BoolMask) -> float:
    return _BORDER_COST * float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean())


def _take_best(waiting: list[Candidate]) -> Candidate:
    """The one with the highest score, taken out; of equal ones the first."""
    best = max(range(len(waiting)), key=lambda index: waiting[index].score)
    return waiting.pop(best)


def _check(cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.raise_if_cancelled()

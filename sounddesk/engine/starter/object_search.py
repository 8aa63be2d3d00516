"""Objects without a prompt, for the starter's segmenter: a grid of clicks on its decoder alone, the best drawn finely.

The decoder answers a click in a fifth of the time that a mask with its own edges takes, so all clicks are asked of it
and only what may be an object is drawn. The first object comes after a quarter of the clicks.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.proposals import LEAST_SHARE
from sounddesk.engine.segmenters.proposals import MOST_SHARE
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask

Decode = Callable[[Sequence[Point]], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
"""Clicks in image pixels, each by itself -> logits float32[n, k, S, S] of the squashed image, scores float32[n, k]."""

_PER_SIDE: Final = 8
# At once; a search that is stopped ends after so many.
_BATCH: Final = 16
# Of two guesses that overlap more, the better one stays. Chosen on the tune photographs, as the next one.
_MOST_OVERLAP: Final = 0.4
# What runs along the image's border is seldom an object: taken from the score, times the share of the border.
_BORDER_COST: Final = 0.5
# Finely drawn at most; each takes some 0.2 s.
_MOST_DRAWN: Final = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class _Guess:
    """A mask bool[S, S] over the squashed image, and how much it looks like an object."""

    click: Point
    mask: BoolMask
    score: float


def search_objects(
    encoded: EncodedImage,
    *,
    decode: Decode,
    predict: Callable[[Prompt], tuple[Candidate, ...]],
    cancel: CancelToken | None = None,
) -> Iterator[Candidate]:
    """Objects, the most promising first as far as is known by then, none twice.

    Args:
        encoded: the image.
        decode: what clicks lead to, roughly.
        predict: what one click leads to, finely.
        cancel: asked before each batch of clicks and each drawing.

    Raises:
        Cancelled: through `cancel`.
    """
    guesses: list[_Guess] = []
    drawn: list[_Guess] = []
    clicks = _grid(encoded)
    for start in range(0, len(clicks), _BATCH):
        _check(cancel)
        guesses += _guesses(clicks[start : start + _BATCH], decode, width=encoded.width, height=encoded.height)
        if start == 0:
            yield from _drawn_best(guesses, drawn, predict, most=1, cancel=cancel)
    yield from _drawn_best(guesses, drawn, predict, most=_MOST_DRAWN, cancel=cancel)


def _grid(encoded: EncodedImage) -> list[Point]:
    """Middles of the grid's cells, in image pixels: first every second one of every second row, then the others."""
    cells = [(row, column) for row in range(_PER_SIDE) for column in range(_PER_SIDE)]
    cells.sort(key=lambda cell: cell[0] % 2 == 0 or cell[1] % 2 == 0)
    return [
        ((column + 0.5) / _PER_SIDE * encoded.width, (row + 0.5) / _PER_SIDE * encoded.height) for row, column in cells
    ]


def _guesses(clicks: Sequence[Point], decode: Decode, *, width: int, height: int) -> list[_Guess]:
    """What the clicks lead to: the part that each click is on, where it has a sensible size."""
    logits, scores = decode(clicks)
    side = logits.shape[-1]
    found = []
    for click, masks, marks in zip(clicks, logits, scores, strict=True):
        column = min(side - 1, int(click[0] / width * side))
        row = min(side - 1, int(click[1] / height * side))
        for mask, score in zip(masks > 0, marks, strict=True):
            if not mask[row, column]:
                continue
            _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
            part = parts == parts[row, column]
            share = float(part.mean())
            if LEAST_SHARE <= share <= MOST_SHARE:
                border = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]).mean()
                found.append(_Guess(click=click, mask=part, score=float(score) - _BORDER_COST * float(border)))
    return found


def _drawn_best(
    guesses: Sequence[_Guess],
    drawn: list[_Guess],
    predict: Callable[[Prompt], tuple[Candidate, ...]],
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
        try:
            candidates = predict(Prompt.click(*guess.click))
        except EmptySelectionError:
            continue
        like = max(candidates, key=lambda each: overlap(_squashed(each.mask, len(guess.mask)), guess.mask))
        yield replace(like, score=min(1.0, max(0.0, guess.score)))


def _squashed(mask: BoolMask, side: int) -> BoolMask:
    """The mask on the cells of a guess."""
    small: BoolMask = cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) >= 0.5
    return small


def _check(cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.raise_if_cancelled()

"""Which objects a grid of clicks finds, in which order, on a decoder that answers by where it was clicked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.starter.object_search import search_objects

SIDE = 40
IMAGE = EncodedImage(image=np.zeros((80, 80, 3), np.uint8), sha256="", segmenter="", features=None)
Square = tuple[int, int, int, int]


class Things:
    """Squares (left, top, right, bottom) in cells with a score each; a click on one is answered by it."""

    def __init__(self, things: dict[Square, float], *, fine: dict[Square, float] | None = None) -> None:
        self.things = things
        self.fine = fine or things
        self.drawn: list[Square] = []
        self.asked = 0

    def decode(self, clicks: Sequence[Point]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        logits = np.full((len(clicks), len(self.things), SIDE, SIDE), -5, np.float32)
        for index in range(len(clicks)):
            for answer, (left, top, right, bottom) in enumerate(self.things):
                logits[index, answer, top:bottom, left:right] = 5
        self.asked += len(clicks)
        return logits, np.tile(np.array(list(self.things.values()), np.float32), (len(clicks), 1))

    def draw(self, click: Point, guess: npt.NDArray[np.float32]) -> Candidate | None:
        rows, columns = np.flatnonzero((guess > 0).any(axis=1)), np.flatnonzero((guess > 0).any(axis=0))
        square = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        assert guess[int(click[1] / 2), int(click[0] / 2)] > 0
        self.drawn.append(square)
        if self.fine[square] < 0:
            return None
        probability = np.kron(guess > 0, np.ones((2, 2), bool)).astype(np.float32)
        return Candidate(mask=probability > 0.5, probability=probability, score=self.fine[square])

    def found(self) -> list[Square]:
        candidates = list(search_objects(IMAGE, decode=self.decode, draw=self.draw))
        squares = []
        for each in candidates:
            rows, columns = np.flatnonzero(each.mask.any(axis=1)), np.flatnonzero(each.mask.any(axis=0))
            squares.append((columns[0] // 2, rows[0] // 2, (columns[-1] + 1) // 2, (rows[-1] + 1) // 2))
        return squares


LEFT, RIGHT, LOW = (2, 2, 14, 14), (22, 2, 34, 14), (2, 22, 14, 34)


def test_what_is_drawn_decides_the_order_after_the_first() -> None:
    things = Things({LEFT: 0.9, RIGHT: 0.8, LOW: 0.7}, fine={LEFT: 0.5, RIGHT: 0.3, LOW: 0.6})
    assert things.found() == [LEFT, LOW, RIGHT]
    assert things.drawn == [LEFT, RIGHT, LOW]


def test_the_first_comes_after_a_quarter_of_the_clicks() -> None:
    things = Things({LEFT: 0.9, RIGHT: 0.8})
    next(search_objects(IMAGE, decode=things.decode, draw=things.draw))
    assert things.asked == 16


def test_a_finer_grid_finds_what_lies_between_the_clicks_of_the_first() -> None:
    small = (4, 4, 7, 7)
    assert Things({LEFT: 0.9, small: 0.8}).found() == [LEFT, small]


def test_a_part_and_its_thing_are_two_and_the_same_thing_is_one() -> None:
    part, almost = (2, 2, 14, 8), (2, 2, 14, 13)
    assert set(Things({LEFT: 0.9, part: 0.8, almost: 0.7}).found()) == {LEFT, part}


def test_what_runs_along_the_border_comes_last_and_what_vanishes_when_drawn_is_left_out() -> None:
    floor = (0, 30, 40, 40)
    assert Things({floor: 0.8, LEFT: 0.7, RIGHT: 0.75}, fine={floor: 0.8, LEFT: 0.7, RIGHT: -1}).found() == [
        LEFT,
        floor,
    ]

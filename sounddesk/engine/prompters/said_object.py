"""From a phrase to a mask: a prompter finds what looks like the thing, its place says which, a segmenter draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sounddesk.domain.naming import as_utf8
from sounddesk.engine.prompters.phrase import Phrase
from sounddesk.engine.prompters.phrase import pick
from sounddesk.engine.prompters.phrase import read_phrase
from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import PromptError
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.tasks import CancelToken

LIKE: Final = 0.5
"""What has less than this share of the best score is not taken for one of the things that a place chooses among."""


def find_said(
    encoded: EncodedImage, text: str, *, prompter: Prompter, segmenter: Segmenter, cancel: CancelToken | None = None
) -> Candidate:
    """The mask of what a phrase means.

    Args:
        encoded: by `segmenter`.
        text: such as 'the dog on the left'.

    Raises:
        PromptError: the phrase names no thing.
        EmptySelectionError: nothing looks like it, or there are fewer than it counts.
        Cancelled: through `cancel`.
    """
    try:
        phrase = read_phrase(as_utf8(text))
    except ValueError as error:
        raise PromptError(str(error)) from error
    found = prompter.find(encoded.image, phrase.thing, cancel=cancel)
    chosen = choose(found, phrase, size=(encoded.width, encoded.height))
    if chosen is None:
        raise EmptySelectionError(
            f"{prompter.name} finds nothing that looks like {text!r}: say it in other words, or click on it"
        )
    if cancel is not None:
        cancel.raise_if_cancelled()
    return draw(encoded, chosen, segmenter)


def choose(found: Sequence[FoundThing], phrase: Phrase, *, size: tuple[int, int]) -> FoundThing | None:
    """Which of the things found a phrase means: among those that look like it by its place, else the likeliest."""
    things = sorted(found, key=lambda each: -each.score)
    like = [each for each in things if each.score >= LIKE * things[0].score]
    return pick(like, phrase, box=lambda each: each.box, size=size)


def draw(encoded: EncodedImage, thing: FoundThing, segmenter: Segmenter) -> Candidate:
    """The mask of a thing that was found: its own where that is final, else the segmenter's."""
    sketch = thing.probability
    if sketch is not None and thing.is_final:
        return Candidate(mask=sketch >= 0.5, probability=sketch, score=thing.score)
    if thing.click is None or sketch is None:
        return segmenter.predict(encoded, Prompt(box=thing.box))[0].with_score(thing.score)
    candidates = segmenter.predict(encoded, Prompt.click(*thing.click))
    like = max(candidates, key=lambda each: overlap(each.mask, sketch >= 0.5))
    return like.with_score(thing.score)

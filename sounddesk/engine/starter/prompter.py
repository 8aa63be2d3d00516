"""Things by words with the starter alone: what its segmenter suggests as objects, told apart by what it recognises.

Each suggestion is cut out and looked at by the published classes and by the kinds, and the words say which of these
count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from sounddesk.domain.bounded_cache import BoundedCache
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_classes import component_class
from sounddesk.engine.bundles.guarded_loading import loading_component
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.models.text_encoder import TextEncoder
from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import box_of_mask
from sounddesk.engine.starter.recogniser import StarterRecogniser
from sounddesk.engine.starter.segmenter import StarterSegmenter
from sounddesk.engine.starter.word_match import read_class_names
from sounddesk.engine.starter.word_match import read_people_classes
from sounddesk.engine.starter.word_match import same_names
from sounddesk.engine.starter.word_match import shows_people
from sounddesk.engine.starter.word_match import spoken_for
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import SHIPPED_BUNDLE

NAME: Final = "the starter's recognition"
# Suggestions that are looked at, of those that come first.
MOST_LOOKED_AT: Final = 22
# Of two suggestions, the smaller lies in the larger where they share more of it.
_INSIDE: Final = 0.6
# What looks less like it than this share of the part is no whole of it.
_LIKE_A_PART: Final = 0.5
# How much it counts that something looks like an object at all: its score to this power, times how much it looks like
# the thing (decision 159).
_OBJECT_POWER: Final = 2.0
_LEAST_OBJECT: Final = 0.05
# Below it a class's probability says nothing more.
_LEAST_PROBABILITY: Final = 1e-6


def thing_score(like: float, *, object_score: float) -> float:
    """How surely something is the thing that was said, 0 to 1.

    Args:
        like: how much it looks like the thing, 0 to 1.
        object_score: how much it looks like an object at all, as the segmenter has it.

    Example:
        >>> [round(thing_score(0.8, object_score=score), 3) for score in (1.0, 0.5)]
        [0.8, 0.2]
    """
    return like * min(1.0, max(_LEAST_OBJECT, object_score)) ** _OBJECT_POWER


def wholes(found: Sequence[FoundThing]) -> list[FoundThing]:
    """Things without their own parts, the likeliest first.

    A dog's head looks like a dog, often more so than the dog. Of suggestions that lie in each other the largest stays
    that looks at least half as much like it as the best of them, with the best one's score.
    """
    groups: list[list[FoundThing]] = []
    for each in sorted(found, key=lambda one: -one.score):
        group = next((known for known in groups if _within(known[0], each)), None)
        if group is None:
            groups.append([each])
        elif each.score >= _LIKE_A_PART * group[0].score:
            group.append(each)
    return [replace(max(group, key=_area), score=group[0].score) for group in groups]


def _within(one: FoundThing, other: FoundThing) -> bool:
    """Whether the smaller of two suggestions lies in the other."""
    assert one.probability is not None
    assert other.probability is not None
    masks = one.probability >= 0.5, other.probability >= 0.5
    common = np.count_nonzero(masks[0] & masks[1])
    return bool(common > _INSIDE * min(np.count_nonzero(mask) for mask in masks))


def _area(thing: FoundThing) -> int:
    assert thing.probability is not None
    return int(np.count_nonzero(thing.probability >= 0.5))


@dataclass(frozen=True, kw_only=True, eq=False)
class _LookedAt:
    """A suggested object, and what it may be.

    Attributes:
        drawn: its mask, and how much it looks like an object.
        sure: float64[kinds], how likely each kind is its name.
        class_probs: float64[classes].
    """

    drawn: Candidate
    sure: npt.NDArray[np.float64]
    class_probs: npt.NDArray[np.float64]


class StarterPrompter:
    """`Prompter` on the bundle's own segmenter, recogniser and text encoder."""

    def __init__(self, segmenter: StarterSegmenter, recogniser: StarterRecogniser, text_encoder: TextEncoder) -> None:
        self._segmenter = segmenter
        self._recogniser = recogniser
        self._text_encoder = text_encoder
        self._class_names = read_class_names()
        self._seen = BoundedCache[str, tuple[_LookedAt, ...]](max_items=1)

    @classmethod
    def from_bundle(cls, named: str | Path | Bundle) -> StarterPrompter:
        """With the eyes of a bundle, or the starter's where it has none. Raises: EngineError."""
        bundle = named if isinstance(named, Bundle) else find_bundle(named)
        recogniser = StarterRecogniser.from_bundle(bundle)
        if recogniser is None:
            bundle = find_bundle(SHIPPED_BUNDLE)
            recogniser = StarterRecogniser.from_bundle(bundle)
        if recogniser is None:
            raise EngineError("no bundle here recognises objects: install sounddesk again")
        bundle.verify_components(("text_encoder",))
        with loading_component(bundle, "text_encoder") as folder:
            class_name = bundle.manifest.component("text_encoder").class_name
            text_encoder = component_class("text_encoder", class_name, folder).load(folder)
        return cls(StarterSegmenter.from_bundle(bundle), recogniser, text_encoder)

    @property
    def name(self) -> str:
        return NAME

    def _named(self, thing: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """Which kinds and which published classes are a thing, ones and zeros; None where its words are no name."""
        kinds, classes = same_names(thing, self._recogniser.kinds), same_names(thing, self._class_names)
        if kinds.any() or classes.any():
            return kinds, classes
        if shows_people(thing):
            people = read_people_classes()
            return kinds, np.array([name in people for name in self._class_names], dtype=np.float64)
        return None

    @cached_property
    def _class_vectors(self) -> Tensor:
        """Unit vectors of the classes' names: needed for words that are no name."""
        return self._text_encoder.encode(list(self._class_names))

    def _likeness(self, thing: str, seen: Sequence[_LookedAt]) -> list[float]:
        """How much each suggestion looks like a thing, 0 to 1; beside the best of them where its words are no name."""
        named = self._named(thing)
        if named is not None:
            kinds, classes = named
            return [min(1.0, max(float((kinds * each.sure).max()), float(classes @ each.class_probs))) for each in seen]
        weights = spoken_for(self._text_encoder.encode([thing])[0], self._class_vectors)
        spoken = np.array([weights @ np.log(each.class_probs + _LEAST_PROBABILITY) for each in seen])
        return [float(like) for like in np.exp(spoken - spoken.max(initial=-np.inf))]

    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> Sequence[FoundThing]:
        seen = self._looked_at(image, cancel)
        found = [
            FoundThing(
                box=box_of_mask(each.drawn.mask),
                score=thing_score(like, object_score=each.drawn.score),
                probability=each.drawn.probability,
            )
            for each, like in zip(seen, self._likeness(thing, seen), strict=True)
        ]
        return wholes(found)

    def _looked_at(self, image: RgbImage, cancel: CancelToken | None) -> tuple[_LookedAt, ...]:
        """What the image holds, and what it may be; kept for the last image, of which more may be asked."""
        encoded = self._segmenter.encode(image)
        known: tuple[_LookedAt, ...] | None = self._seen.get(encoded.sha256)
        if known is not None:
            return known
        found = []
        for drawn in islice(self._segmenter.propose(encoded, cancel=cancel), MOST_LOOKED_AT):
            if cancel is not None:
                cancel.raise_if_cancelled()
            opinions = self._recogniser.opinions(image, drawn.mask)
            found.append(
                _LookedAt(
                    drawn=drawn,
                    sure=self._recogniser.confidences(opinions),
                    class_probs=opinions.class_probs,
                )
            )
        self._seen.put(encoded.sha256, tuple(found))
        return tuple(found)

"""Things by words with the starter alone: what its segmenter sees as objects, told apart by what it recognises.

A grid of clicks on the segmenter's decoder gives sketches of objects. Each is cut out and looked at by the published
classes and by the kinds, and the words say which of these count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
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
from sounddesk.engine.segmenters.protocol import box_of_mask
from sounddesk.engine.starter.recogniser import StarterRecogniser
from sounddesk.engine.starter.segmenter import StarterSegmenter
from sounddesk.engine.starter.word_match import near_names
from sounddesk.engine.starter.word_match import read_class_names
from sounddesk.engine.starter.word_match import same_names
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import SHIPPED_BUNDLE

NAME: Final = "the starter's recognition"
# Sketches that are looked at, the most object-like first.
MOST_SKETCHES: Final = 24
# Of two sketches, the smaller lies in the larger where they share more of it. Chosen on six tune photographs (0.33 mean
# overlap by words; 0.29 without wholes), as the next one.
_INSIDE: Final = 0.6
# What looks less like it than this share of the part is no whole of it.
_LIKE_A_PART: Final = 0.5


def wholes(found: Sequence[FoundThing]) -> list[FoundThing]:
    """Things without their own parts, the likeliest first.

    A dog's head looks like a dog, often more so than the dog. Of sketches that lie in each other the largest stays that
    looks at least half as much like it as the best of them, with the best one's score.
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
    """Whether the smaller of two sketches lies in the other."""
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
    """A sketch of an object, and what it may be.

    Attributes:
        share: float32[H, W], how much each pixel belongs to it.
        sure: float64[kinds], how likely each kind is its name.
        class_probs: float64[classes].
    """

    share: FloatMask
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

    def _names_for(self, thing: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """How much each kind and each published class stands for a thing, 0 to 1."""
        kinds, classes = same_names(thing, self._recogniser.kinds), same_names(thing, self._class_names)
        if kinds.any() or classes.any():
            return kinds, classes
        near = near_names(self._text_encoder.encode([thing])[0], self._name_vectors)
        return near[: len(kinds)], near[len(kinds) :]

    @cached_property
    def _name_vectors(self) -> Tensor:
        """Unit vectors of the kinds and, behind them, the classes: needed for words that are neither."""
        return self._text_encoder.encode([*self._recogniser.kinds, *self._class_names])

    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> Sequence[FoundThing]:
        kinds, classes = self._names_for(thing)
        found = []
        for each in self._looked_at(image, cancel):
            score = min(1.0, max(float((kinds * each.sure).max()), float(classes @ each.class_probs)))
            box = box_of_mask(each.share >= 0.5)
            # Its box is a better prompt than the click: 0.62 against 0.58 of the best sketches of photographs.
            found.append(FoundThing(box=box, score=score, probability=each.share))
        return wholes(found)

    def _looked_at(self, image: RgbImage, cancel: CancelToken | None) -> tuple[_LookedAt, ...]:
        """What the image holds, and what it may be; kept for the last image, of which more may be asked."""
        encoded = self._segmenter.encode(image)
        known: tuple[_LookedAt, ...] | None = self._seen.get(encoded.sha256)
        if known is not None:
            return known
        height, width = image.shape[:2]
        found = []
        for sketch in self._segmenter.sketch_objects(encoded, limit=MOST_SKETCHES, cancel=cancel):
            if cancel is not None:
                cancel.raise_if_cancelled()
            share = cv2.resize(sketch.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
            inside = share >= 0.5
            if not inside.any():
                continue
            opinions = self._recogniser.opinions(image, inside)
            found.append(
                _LookedAt(
                    share=share.astype(np.float32),
                    sure=self._recogniser.confidences(opinions),
                    class_probs=opinions.class_probs,
                )
            )
        self._seen.put(encoded.sha256, tuple(found))
        return tuple(found)

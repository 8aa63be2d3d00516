"""The paper's test set (appendix B.2): so many hours, equally many of each of the most frequent categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sounddesk.evaluation.protocols.registry import PublishedClip
from sounddesk.evaluation.sound_metrics.class_labels import EXCLUDED
from sounddesk.evaluation.sound_metrics.class_labels import class_names
from sounddesk.evaluation.sound_metrics.class_labels import class_places

CATEGORIES: Final = 8
_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class BalancedSplit:
    """A test set and what is left to train on; no video is on both sides.

    Attributes:
        hours: of each category among all clips, the most frequent first; what belongs to none of them is 'other'.
        test_hours: of each category in the test set.
    """

    test: tuple[PublishedClip, ...]
    train: tuple[PublishedClip, ...]
    hours: Mapping[str, float]
    test_hours: Mapping[str, float]


def balanced_split(clips: Sequence[PublishedClip], *, hours: float, seed: int) -> BalancedSplit:
    """Draw `hours` evenly over the eight most frequent categories.

    A clip's category is the most frequent of its labels; voices and music are none. Where a category has too few
    clips, the test set has all of them and stays smaller. The paper does not say how its categories were made of
    AudioSet's labels.
    """
    named = [[name for label in clip.labels if (name := _name(label)) is not None] for clip in clips]
    counts = Counter(name for names in named for name in names)
    top = [name for name, _ in counts.most_common(CATEGORIES)]
    category = [next((name for name in top if name in names), "other") for names in named]
    rng = np.random.default_rng(seed)
    wanted_s = hours * 3600 / max(1, len(top))
    videos: set[str] = set()
    for name in top:
        found_s = 0.0
        members = [place for place, each in enumerate(category) if each == name]
        for place in rng.permutation(members):
            if found_s + _seconds(clips[place]) > wanted_s + 1e-6:
                break
            videos.add(clips[place].video)
            found_s += _seconds(clips[place])
    test = [place for place, clip in enumerate(clips) if clip.video in videos]
    chosen = set(test)
    return BalancedSplit(
        test=tuple(clips[place] for place in test),
        train=tuple(clip for place, clip in enumerate(clips) if place not in chosen),
        hours=_hours(clips, category, [*top, "other"]),
        test_hours=_hours([clips[place] for place in test], [category[place] for place in test], [*top, "other"]),
    )


def _hours(clips: Sequence[PublishedClip], category: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    total = dict.fromkeys(names, 0.0)
    for clip, name in zip(clips, category, strict=True):
        total[name] += _seconds(clip) / 3600
    return {name: value for name, value in total.items() if value > 0}


def _seconds(clip: PublishedClip) -> float:
    return _SECONDS if clip.start_s is None or clip.end_s is None else max(0.0, clip.end_s - clip.start_s)


def _name(label: str) -> str | None:
    """The class's name; None for voices, music and labels that AudioSet does not have."""
    place = class_places().get(label if label.startswith("/") else label.strip().casefold())
    if place is None or class_names()[place].casefold() in EXCLUDED:
        return None
    return class_names()[place]

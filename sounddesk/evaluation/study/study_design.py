"""What listeners are asked about: samples of clips and systems, controls among them, in an order for each listener."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from typing import Final
from typing import Literal

import numpy as np

from sounddesk.domain.limits import Count
from sounddesk.domain.limits import Range
from sounddesk.evaluation.evaluation_clip import EvaluationClip

LEVELS: Final = 5
CONTROL: Final = "noise control"
"""What stands for the system of a sample that is noise."""

Criterion = Literal["OVL", "RET", "REI", "REO"]
QUESTIONS: Final[Mapping[Criterion, str]] = {
    "OVL": "How good is the sound as a whole?",
    "RET": "How well does the sound fit the text?",
    "REI": "How well does the sound fit the picture?",
    "REO": "How well does the sound fit the outlined object?",
}
"""The paper's criteria (appendix C), each answered from 1 to 5."""
ENDS: Final[Mapping[Criterion, tuple[str, str]]] = {
    "OVL": ("bad", "excellent"),
    "RET": ("not at all", "perfectly"),
    "REI": ("not at all", "perfectly"),
    "REO": ("not at all", "perfectly"),
}
"""What 1 and 5 mean."""


@dataclass(frozen=True, kw_only=True)
class StudySample:
    """One sound that is rated.

    Attributes:
        number: from 1; files are called by it, and it tells nothing.
        system: whose sound it is; never told to a listener.
        criteria: what is asked: RET with a text, REI with a picture, REO with an outlined object.
    """

    number: int
    clip: str
    system: str
    text: str
    has_picture: bool
    has_object: bool

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        asked: list[Criterion] = ["OVL"]
        asked += ["RET"] if self.text else []
        asked += ["REI"] if self.has_picture else []
        asked += ["REO"] if self.has_object else []
        return tuple(asked)


@dataclass(frozen=True, kw_only=True)
class StudyTerms:
    """What holds for a whole study.

    Attributes:
        least_seconds: how long a listener has to stay with a sample; the server refuses answers before.
        per_listener: how many samples a listener gets beside all controls; 0 for all.
        seed: of samples and orders.
    """

    title: str
    least_seconds: Annotated[float, Range(0, 3600)] = 90.0
    per_listener: Count = 0
    seed: Count = 0


def choose_clips(
    clips: Sequence[EvaluationClip], *, count: int, seed: int, object_share: float = 0.5
) -> list[tuple[EvaluationClip, bool]]:
    """Draw clips, `object_share` of them with their object outlined as far as there are enough masks.

    Returns:
        Each clip and whether its object is outlined, in the order of the manifest.
    """
    rng = np.random.default_rng(seed)
    with_mask = [place for place, clip in enumerate(clips) if clip.mask is not None]
    outlined = {int(each) for each in rng.permutation(with_mask)[: round(count * object_share)]}
    others = [int(each) for each in rng.permutation(len(clips)) if int(each) not in outlined]
    chosen = sorted(outlined | set(others[: max(0, count - len(outlined))]))
    return [(clips[place], place in outlined) for place in chosen]


def order_for(samples: Sequence[StudySample], terms: StudyTerms, *, listener: int) -> list[int]:
    """Numbers of the samples that a listener rates, in her order: another one for each listener, always the same.

    Every listener gets all controls, spread over the whole and never first. Where she does not get all samples, those
    that come next in a circle over listeners are hers, so that all are rated equally often.
    """
    rng = np.random.default_rng((terms.seed, listener))
    real = [each.number for each in samples if each.system != CONTROL]
    controls = [each.number for each in samples if each.system == CONTROL]
    if terms.per_listener and terms.per_listener < len(real):
        # One fixed shuffle of all, so that a stretch of it holds different clips and systems.
        circle = np.random.default_rng(terms.seed).permutation(real)
        start = listener * terms.per_listener
        real = [int(circle[(start + step) % len(circle)]) for step in range(terms.per_listener)]
    order = [int(each) for each in rng.permutation(real)]
    places = sorted(rng.choice(np.arange(1, len(order) + 1), size=len(controls), replace=len(controls) > len(order)))
    for shift, (place, control) in enumerate(zip(places, rng.permutation(controls), strict=True)):
        order.insert(int(place) + shift, int(control))
    return order

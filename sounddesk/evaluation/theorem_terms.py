"""The terms of theorem 3.1 that can be measured: how far masks and attention are from the true mask, scene by scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.evaluation_scenes import EvaluationScene

Shares = npt.NDArray[np.float64]
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class TheoremTerms:
    """Of one object, or means over objects.

    Attributes:
        mask_error: epsilon_sam, l1 distance of the segmenter's mask m from the true one p, as shares of patches.
        contrastive: epsilon_contrast, KL(p || u) of the attention u: the InfoNCE loss less the best possible one.
        attention_error: l1 distance of u from p; lemma F.1 bounds its mean by sqrt(2 epsilon_contrast).
        attention_to_mask: l1 distance of u from m, what is replaced at test time.
    """

    mask_error: float
    contrastive: float
    attention_error: float
    attention_to_mask: float

    @property
    def bound(self) -> float:
        """Lemma F.1: the largest mean attention error that this contrastive loss allows."""
        # A divergence of nothing may be rounded to a little less.
        return float(np.sqrt(2.0 * max(0.0, self.contrastive)))

    @classmethod
    def mean(cls, terms: Sequence[TheoremTerms]) -> TheoremTerms:
        rows = [asdict(term) for term in terms]
        return cls(**{entry.name: float(np.mean([row[entry.name] for row in rows])) for entry in fields(cls)})


def distances(*, true: Shares, mask: Shares, attention: Shares) -> TheoremTerms:
    """The terms of one object from shares of patches, each summing to 1."""
    inside = true > 0
    divergence = np.sum(true[inside] * (np.log(true[inside]) - np.log(np.maximum(attention[inside], _TINY))))
    return TheoremTerms(
        mask_error=float(np.abs(mask - true).sum()),
        contrastive=float(divergence),
        attention_error=float(np.abs(attention - true).sum()),
        attention_to_mask=float(np.abs(attention - mask).sum()),
    )


def theorem_terms(session: EngineSession, scene: EvaluationScene, captions: Sequence[str]) -> list[TheoremTerms]:
    """The terms of every object of a scene, its mask found by GrabCut in the object's box."""
    attention = session.attention_maps(scene.composed.image, list(captions))
    found = []
    for mask, row in zip(scene.composed.masks, attention, strict=True):
        candidate = box_mask(scene.composed.image, mask)
        grid = session.patch_grid
        found.append(
            distances(
                true=_shares(patch_coverage(mask.astype(np.float32), grid=grid)),
                mask=_shares(patch_coverage(candidate.astype(np.float32), grid=grid)),
                attention=_shares(row),
            )
        )
    return found


def box_mask(image: RgbImage, mask: BoolMask | FloatMask) -> BoolMask:
    """What GrabCut finds in the box around a mask, bool[H, W]; the whole box where it finds nothing."""
    segmenter = GrabCutSegmenter()
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (float(cols[0]), float(rows[0]), float(cols[-1] + 1), float(rows[-1] + 1))
    try:
        return segmenter.predict(segmenter.encode(image), Prompt(box=box))[0].mask
    except EmptySelectionError:
        whole = np.zeros(mask.shape, dtype=np.bool_)
        whole[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] = True
        return whole


def _shares(values: npt.NDArray[np.floating]) -> Shares:
    exact = values.astype(np.float64)
    return exact / exact.sum()

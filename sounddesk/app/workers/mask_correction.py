"""Clicks on a mask that is there already: what adds takes nothing away, and what removes adds nothing.

A segmenter takes the mask as a hint and may answer with something else altogether: of a bicycle with a second wheel,
the second wheel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sounddesk.domain.mask import BoolMask
from sounddesk.domain.tiled_mask import TiledMask

if TYPE_CHECKING:
    from sounddesk.engine.segmenters.protocol import Prompt


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskCorrection:
    """Joins the answer to clicks with the mask that they correct.

    Attributes:
        adds: whether the clicks add to it; otherwise they remove from it.
        hint: bool[H, W], the mask as the segmenter was given it.
        base: the same with soft edges; None where only pixels are asked for, as by a preview.
    """

    adds: bool
    hint: BoolMask
    base: TiledMask | None = None

    @classmethod
    def of(cls, prompt: Prompt, base: TiledMask | None) -> MaskCorrection | None:
        """What clicks of one kind on a mask do; None where there is none, and for clicks of both kinds.

        Those of both kinds are weighed by the segmenter alone.
        """
        if prompt.mask_hint is None or len(set(prompt.labels)) != 1:
            return None
        return cls(adds=prompt.labels[0], hint=prompt.mask_hint, base=base)

    def of_pixels(self, found: BoolMask) -> BoolMask:
        """bool[H, W] with the correction."""
        return np.asarray(self.hint | found if self.adds else self.hint & found)

    def of_mask(self, found: TiledMask) -> TiledMask:
        """The mask with the correction."""
        base = self.base or TiledMask.from_array(self.hint)
        combine = np.maximum if self.adds else np.minimum
        return TiledMask.from_array(combine(base.to_array(), found.to_array()))

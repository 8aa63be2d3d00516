"""A smaller and a larger reading of a click where the network sees but one thing: the same answer, cut elsewhere.

Where the network is sure is mostly a part (a head, a jacket), and what it does not rule out mostly what belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.drawn_mask import tidied
from sounddesk.engine.starter.region import grown_region
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt

# Probabilities at which the answer is cut for a part and for a group, chosen on the validation photographs, whose
# figures are therefore a little too good (decision 66).
_CUTS: Final = (0.97, 0.02)


def with_derived_scales(
    drawn: Sequence[DrawnMask], prompt: FittedPrompt, *, most: int, same: float, image_size: int
) -> list[DrawnMask]:
    """The masks, and up to `most` of them in all by cutting the best one where it is surer and less sure.

    Args:
        drawn: best first, tidied.
        prompt: the single click.
        most: how many masks in all.
        same: a derived mask that overlaps a known one by more than this is left out, and so is one that would be cut
            off by its region.
        image_size: of the encoder, in pixels.
    """
    found = list(drawn)
    best = found[0]
    for cut in _CUTS:
        shifted = replace(best, logits=best.logits - np.float32(np.log(cut / (1 - cut))))
        other = tidied(shifted, prompt, image_size=image_size)
        mask = other.logits > 0
        alike = [overlap(mask, each.logits > 0) for each in found if each.region == best.region]
        if len(found) >= most or not mask.any() or max(alike) > same or grown_region(best.region, mask) != best.region:
            continue
        # As good as the best one says it is itself, as far as they agree.
        found.append(replace(other, score=best.score * alike[0]))
    return found

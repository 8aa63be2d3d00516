"""Prompts as the starter's network meets them: in encoder pixels, in the order of its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import box_of_mask
from sounddesk.engine.segmenters.protocol import sample_polyline
from sounddesk.engine.types import BoolMask

# A sure pixel of a mask hint, in logits.
_HINT_LOGIT: Final = 6.0
# A scribble becomes clicks so far apart, in shares of the image's longer side.
_SCRIBBLE_STEP: Final = 1 / 16


@dataclass(frozen=True, kw_only=True, eq=False)
class PromptSteps:
    """A prompt, and the steps in which it is answered, each from the answer before.

    Attributes:
        points: clicks (x, y) in encoder pixels, less the half pixel that SAM's prompt encoder adds.
        labels: one per click, 1 on the object and 0 off it.
        box: (left, top, right, bottom) likewise.
        hint: logits float32[S, S] that stand for the answer before the first step.
        counts: number of clicks that are known at each step; the last is all of them.
    """

    points: tuple[Point, ...]
    labels: tuple[int, ...]
    box: tuple[float, float, float, float] | None
    hint: npt.NDArray[np.float32] | None
    counts: tuple[int, ...]


def prompt_steps(prompt: Prompt, *, width: int, height: int, image_size: int, mask_side: int) -> PromptSteps:
    """The steps of a prompt on an image of `width` x `height` px that the encoder sees squashed to a square.

    A box or a hint comes first, else the clicks up to the first positive one; then click by click; scribbles last, all
    at once. A lone hint gets its bounding box.
    """
    across, down = image_size / width, image_size / height
    points = [(x * across - 0.5, y * down - 0.5) for x, y in prompt.points]
    labels = [int(label) for label in prompt.labels]
    clicks = len(points)
    for scribbles, label in ((prompt.positive_scribbles, 1), (prompt.negative_scribbles, 0)):
        for scribble in scribbles:
            sampled = sample_polyline(scribble, step=max(width, height) * _SCRIBBLE_STEP)
            points += [(x * across - 0.5, y * down - 0.5) for x, y in sampled]
            labels += [label] * len(sampled)
    box, hint = prompt.box, None
    if prompt.mask_hint is not None:
        hint = _hint_logits(prompt.mask_hint, side=mask_side)
        if box is None and 1 not in labels and prompt.mask_hint.any():
            box = box_of_mask(prompt.mask_hint)
    if box is not None:
        first = 0
    elif hint is not None:
        # The hint needs at least one click beside it to be a prompt; take all clicks as its corrections.
        first = clicks or len(points)
    else:
        first = labels.index(1) + 1
    counts = sorted({first, *range(first, clicks + 1), len(points)})
    fitted = (
        None
        if box is None
        else tuple(edge * scale - 0.5 for edge, scale in zip(box, (across, down, across, down), strict=True))
    )
    return PromptSteps(
        points=tuple(points),
        labels=tuple(labels),
        box=fitted,  # type: ignore[arg-type]
        hint=hint,
        counts=tuple(counts),
    )


def _hint_logits(hint: BoolMask, *, side: int) -> npt.NDArray[np.float32]:
    share = cv2.resize(hint.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return ((share * 2 - 1) * _HINT_LOGIT).astype(np.float32)

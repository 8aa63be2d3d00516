"""Prompts as the starter's network meets them: in encoder pixels, all clicks at once."""

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
class FittedPrompt:
    """A prompt on the squashed image, and the clicks that the mask has to obey.

    Attributes:
        points: clicks (x, y) in encoder pixels, less the half pixel that SAM's prompt encoder adds.
        labels: one per click, 1 on the object and 0 off it.
        box: (left, top, right, bottom) likewise.
        hint: logits float32[S, S] that stand for the answer before.
        positive: the clicks on the object in image pixels, points of scribbles among them.
        negative: likewise, those off it.
    """

    points: tuple[Point, ...]
    labels: tuple[int, ...]
    box: tuple[float, float, float, float] | None
    hint: npt.NDArray[np.float32] | None
    positive: tuple[Point, ...]
    negative: tuple[Point, ...]

    @property
    def is_single_click(self) -> bool:
        """One click and nothing else: what it means is open."""
        return len(self.points) == 1 and self.box is None and self.hint is None

    @property
    def is_lone_box(self) -> bool:
        return self.box is not None and not self.points and self.hint is None

    @property
    def key(self) -> tuple[object, ...]:
        """The same for two prompts that say the same to the network."""
        return self.points, self.labels, self.box, None if self.hint is None else self.hint.tobytes()


def fit_prompt(prompt: Prompt, *, width: int, height: int, image_size: int, mask_side: int) -> FittedPrompt:
    """A prompt on an image of `width` x `height` px that the encoder sees squashed to a square.

    Clicks are sorted, so that another order is not another prompt, not even by rounding. A lone hint gets its bounding
    box.
    """
    across, down = image_size / width, image_size / height
    clicks = list(zip(prompt.points, prompt.labels, strict=True))
    for scribbles, label in ((prompt.positive_scribbles, True), (prompt.negative_scribbles, False)):
        for scribble in scribbles:
            sampled = sample_polyline(scribble, step=max(width, height) * _SCRIBBLE_STEP)
            clicks += [(point, label) for point in sampled]
    clicks = sorted(set(clicks), key=lambda click: (not click[1], click[0]))
    box, hint = prompt.box, None
    if prompt.mask_hint is not None:
        hint = _hint_logits(prompt.mask_hint, side=mask_side)
        if box is None and not any(label for _, label in clicks) and prompt.mask_hint.any():
            box = box_of_mask(prompt.mask_hint)
    fitted = (
        None
        if box is None
        else tuple(edge * scale - 0.5 for edge, scale in zip(box, (across, down, across, down), strict=True))
    )
    return FittedPrompt(
        points=tuple((x * across - 0.5, y * down - 0.5) for (x, y), _ in clicks),
        labels=tuple(int(label) for _, label in clicks),
        box=fitted,  # type: ignore[arg-type]
        hint=hint,
        positive=tuple(point for point, label in clicks if label),
        negative=tuple(point for point, label in clicks if not label),
    )


def _hint_logits(hint: BoolMask, *, side: int) -> npt.NDArray[np.float32]:
    # Bytes are averaged ten times as fast as floats.
    share = cv2.resize(hint.view(np.uint8) * np.uint8(255), (side, side), interpolation=cv2.INTER_AREA)
    return ((share.astype(np.float32) * (2 / 255) - 1) * _HINT_LOGIT).astype(np.float32)

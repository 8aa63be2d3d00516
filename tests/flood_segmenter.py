"""A segmenter that floods: whole, quick and exact, with the image's encoding held back as long as a test wants."""

from __future__ import annotations

import threading

import numpy as np
from scipy import ndimage

from sounddesk.engine.segmenters.choice import SegmenterChoice
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.registry import SEGMENTERS
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import image_sha256

# How far a pixel's red may be from the one clicked on: a part, the thing, a group.
TOLERANCES = (10, 40, 90)
GROUND = 20


class FloodSegmenter:
    """What hangs together with a click and has its colour; nothing is found on the ground.

    Attributes:
        gate: encoding and answers wait for it.
        prompts: all that were answered.
        heeds_hints: whether a mask hint is part of the answer; where not, what a click takes away is all of the image.
    """

    name = "flood"

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.prompts: list[Prompt] = []
        self.heeds_hints = True

    def encode(self, image: RgbImage) -> EncodedImage:
        self.gate.wait(20)
        return EncodedImage(image=image, sha256=image_sha256(image), segmenter=self.name, features=None)

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        check_prompt(prompt, width=encoded.width, height=encoded.height)
        self.gate.wait(20)
        self.prompts.append(prompt)
        tolerances = TOLERANCES if prompt.is_single_click else TOLERANCES[1:2]
        masks = [self._mask(encoded.image, prompt, tolerance) for tolerance in tolerances]
        kept = [mask for i, mask in enumerate(masks) if mask.any() and not any((mask == m).all() for m in masks[:i])]
        if not kept:
            raise EmptySelectionError("there is nothing: click elsewhere")
        # The thing first, as the one that is meant most often.
        kept.sort(key=lambda mask: abs(int(mask.sum()) - int(masks[len(masks) // 2].sum())))
        return tuple(
            Candidate(mask=mask, probability=mask.astype(np.float32), score=0.9 - 0.1 * i)
            for i, mask in enumerate(kept)
        )

    def _mask(self, image: RgbImage, prompt: Prompt, tolerance: int) -> BoolMask:
        mask = np.zeros(image.shape[:2], bool)
        if prompt.mask_hint is not None:
            mask |= prompt.mask_hint if self.heeds_hints else not any(prompt.labels)
        if prompt.box is not None:
            left, top, right, bottom = (int(edge) for edge in prompt.box)
            mask[top:bottom, left:right] |= image[top:bottom, left:right, 0] > GROUND
        for point, label in zip(prompt.points, prompt.labels, strict=True):
            if label:
                mask |= _flooded(image, point, tolerance)
        for point, label in zip(prompt.points, prompt.labels, strict=True):
            if not label:
                mask &= ~_flooded(image, point, tolerance)
        return mask


def _flooded(image: RgbImage, point: Point, tolerance: int) -> BoolMask:
    red = image[..., 0].astype(int)
    x, y = int(point[0]), int(point[1])
    alike = (np.abs(red - red[y, x]) <= tolerance) & (red > GROUND)
    labels, _ = ndimage.label(alike)
    return (labels == labels[y, x]) & alike


def choice_of(segmenter: FloodSegmenter) -> SegmenterChoice:
    """As the active segmenter."""
    return SegmenterChoice(segmenter=segmenter, entry=SEGMENTERS.get("grabcut"), notice="segmenter: flood")


def picture() -> RgbImage:
    """Black, 120 x 80: a wheel (100) in a cart (130) with its load (180) beside it, and a bell (240) far off."""
    pixels = np.zeros((80, 120, 3), np.uint8)
    pixels[20:50, 10:50, 0] = 130
    pixels[30:44, 14:28, 0] = 100
    pixels[20:50, 50:62, 0] = 180
    pixels[56:74, 90:112, 0] = 240
    return pixels


# A pixel of each, and its number of pixels.
WHEEL, CART, LOAD, BELL, NOWHERE = (20, 36), (40, 30), (56, 30), (100, 64), (80, 10)
WHEEL_AREA, CART_AREA, LOAD_AREA, BELL_AREA = 196, 1004, 360, 396

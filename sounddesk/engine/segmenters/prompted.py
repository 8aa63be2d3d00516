"""What SAM and SAM 2 share: the image encoded once and kept, the light decoder run per prompt, candidates by score."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from dataclasses import replace
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from sounddesk.domain.bounded_cache import BoundedCache
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.protocol import box_of_mask
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.segmenters.protocol import check_image
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.protocol import keeps_alternatives
from sounddesk.engine.segmenters.protocol import sample_polyline
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import image_sha256

CACHED_IMAGES: Final = 3
# A sure pixel of a mask hint, in logits; SAM was trained on its own logits as mask input, mostly within +-10.
HINT_LOGIT: Final = 8.0


class PromptedSegmenter(ABC):
    """`Segmenter` on a network with a heavy image encoder and a light mask decoder."""

    def __init__(self, model: Any, *, name: str, device: str, notes: tuple[str, ...], cached_images: int) -> None:
        """Take over a network in evaluation mode.

        Raises:
            SegmenterError: the device does not exist or has too little memory.
        """
        try:
            self._device = torch.device(device)
            self._model = model.to(self._device).eval()
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise SegmenterError(f"SAM cannot run on {device!r} ({reason}): choose 'cpu'") from error
        self._name = name
        self._cache = BoundedCache[str, EncodedImage](max_items=cached_images)
        self.notes = notes

    @property
    def name(self) -> str:
        return self._name

    def encode(self, image: RgbImage) -> EncodedImage:
        """Run the image encoder, or find its output among the last images.

        Raises:
            SegmenterError: the device ran out of memory.
        """
        check_image(image)
        key = image_sha256(image)
        return self._cache.get_or_make(
            key, lambda: EncodedImage(image=image, sha256=key, segmenter=self._name, features=self._features(image))
        )

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        """Three candidates by predicted IoU for one click, else SAM's single mask."""
        check_encoded(encoded, segmenter=self._name)
        check_prompt(prompt, width=encoded.width, height=encoded.height)
        logits, scores = self._decode(encoded, with_scribbles(prompt, encoded), multimask=prompt.is_single_click)
        order = np.argsort(-scores, kind="stable")
        candidates: list[Candidate] = []
        for index in order:
            candidate = self._candidate(encoded, logits[:, index : index + 1], float(scores[index]))
            if candidate is not None:
                candidates.append(candidate)
                if not keeps_alternatives(encoded):
                    break
        if not candidates:
            raise EmptySelectionError("SAM found no object there: click elsewhere, draw a box or paint the mask")
        return tuple(candidates)

    @abstractmethod
    def _features(self, image: RgbImage) -> Any:
        """What is kept of an image. Raises: SegmenterError."""

    @abstractmethod
    def _decode(
        self, encoded: EncodedImage, prompt: Prompt, *, multimask: bool
    ) -> tuple[torch.Tensor, npt.NDArray[np.float32]]:
        """Logits [1, M, ...] in the network's own geometry, and M predicted IoUs."""

    @abstractmethod
    def _at_image_size(self, encoded: EncodedImage, logits: torch.Tensor) -> torch.Tensor:
        """Logits [1, 1, ...] of `_decode` -> [H, W]."""

    @torch.no_grad()
    def _candidate(self, encoded: EncodedImage, logits: torch.Tensor, score: float) -> Candidate | None:
        """One mask at image size; None where it is empty."""
        probability = torch.sigmoid(self._at_image_size(encoded, logits).float()).cpu().numpy()
        # SAM's mask threshold, a logit of 0; taken from the probability, so that the two never disagree by rounding.
        mask: BoolMask = probability >= 0.5
        if not mask.any():
            return None
        return Candidate(mask=mask, probability=probability, score=min(1.0, max(0.0, score)))


def with_scribbles(prompt: Prompt, encoded: EncodedImage) -> Prompt:
    """Scribbles as clicks along them, since SAM knows only clicks; a lone mask hint gets its bounding box."""
    step = max(encoded.width, encoded.height) / 16
    points: list[Point] = list(prompt.points)
    labels: list[bool] = list(prompt.labels)
    for scribbles, label in ((prompt.positive_scribbles, True), (prompt.negative_scribbles, False)):
        for scribble in scribbles:
            sampled = sample_polyline(scribble, step=step)
            points += sampled
            labels += [label] * len(sampled)
    box = prompt.box
    if box is None and not any(labels) and prompt.mask_hint is not None:
        box = box_of_mask(prompt.mask_hint)
    return replace(prompt, points=tuple(points), labels=tuple(labels), box=box)

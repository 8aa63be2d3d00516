"""Masks by words: CLIPSeg (Lüddecke and Ecker 2022) and SAM 3 (Meta 2025), as transformers has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

import cv2
import numpy as np
import torch

from sounddesk.engine.models.picture_pixels import IMAGENET_MEAN
from sounddesk.engine.models.picture_pixels import IMAGENET_STD
from sounddesk.engine.models.picture_pixels import standardised
from sounddesk.engine.prompters.detectors import load_network
from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.segmenters.protocol import box_of_mask
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

_HALF: Final = (0.5, 0.5, 0.5)
# CLIPSeg's heat is one picture: what is hot where, and not which things there are. Cut at this share of its peak.
_OF_PEAK: Final = 0.5
_LEAST_PEAK: Final = 0.1
# Specks below this share of the image are no things.
_LEAST_AREA: Final = 0.001
_SAM3_LEAST: Final = 0.3
_SAM3_TOKENS: Final = 32


class ClipSegPrompter:
    """`Prompter` by CLIPSeg: a coarse heat map, whose hot regions a segmenter then draws."""

    name = "CLIPSeg"

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, device: str) -> Prompter:
        """Raises: EngineError."""
        from transformers.models.clipseg.modeling_clipseg import CLIPSegForImageSegmentation

        return cls(*load_network(CLIPSegForImageSegmentation, folder, name=cls.name, device=device))

    @torch.no_grad()
    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> list[FoundThing]:
        if cancel is not None:
            cancel.raise_if_cancelled()
        device = self._model.device
        size = int(self._model.config.vision_config.image_size)
        fitted = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
        tokens = self._tokenizer([thing], return_tensors="pt", truncation=True).to(device)
        output = self._model(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            pixel_values=standardised(fitted, mean=IMAGENET_MEAN, std=IMAGENET_STD).to(device),
        )
        heat = torch.sigmoid(output.logits.float()).reshape(output.logits.shape[-2:]).cpu().numpy()
        full = cv2.resize(heat, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
        return hot_regions(np.clip(full, 0.0, 1.0))


def hot_regions(heat: FloatMask) -> list[FoundThing]:
    """Connected regions of a heat map float32[H, W] above half of its peak, the hottest first."""
    peak = float(heat.max())
    if peak < _LEAST_PEAK:
        return []
    count, labels = cv2.connectedComponents((heat >= _OF_PEAK * peak).astype(np.uint8))
    found = []
    for label in range(1, count):
        region: BoolMask = labels == label
        if region.mean() < _LEAST_AREA:
            continue
        inside = np.where(region, heat, 0.0)
        row, column = divmod(int(inside.argmax()), heat.shape[1])
        sketch = np.where(region, np.maximum(heat / peak, 0.5), 0.0).astype(np.float32)
        found.append(
            FoundThing(
                box=box_of_mask(region),
                score=float(inside.max()),
                probability=sketch,
                click=(column + 0.5, row + 0.5),
            )
        )
    return sorted(found, key=lambda each: -each.score)


class Sam3Prompter:
    """`Prompter` by SAM 3, which finds and draws every thing that a phrase names."""

    name = "SAM 3"

    def __init__(self, model: Any, tokenizer: Any, *, least: float = _SAM3_LEAST) -> None:
        """`least`: what has a lower score is not there."""
        self._model = model
        self._tokenizer = tokenizer
        self._least = least

    @classmethod
    def load(cls, folder: Path, device: str) -> Prompter:
        """Raises: EngineError."""
        from transformers.models.sam3.modeling_sam3 import Sam3Model

        return cls(*load_network(Sam3Model, folder, name=cls.name, device=device))

    @torch.no_grad()
    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> list[FoundThing]:
        if cancel is not None:
            cancel.raise_if_cancelled()
        device = self._model.device
        size = int(self._model.config.vision_config.backbone_config.image_size)
        fitted = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
        tokens = self._tokenizer(
            [thing], padding="max_length", max_length=_SAM3_TOKENS, truncation=True, return_tensors="pt"
        ).to(device)
        output = self._model(
            pixel_values=standardised(fitted, mean=_HALF, std=_HALF).to(device),
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
        )
        scores = torch.sigmoid(output.pred_logits[0].float())
        if output.presence_logits is not None:
            scores = scores * torch.sigmoid(output.presence_logits[0].float())
        found = []
        for score, mask in zip(scores.reshape(-1).tolist(), output.pred_masks[0], strict=True):
            if score < self._least:
                continue
            probability = torch.sigmoid(mask.float()).cpu().numpy()
            size_px = (image.shape[1], image.shape[0])
            full = cv2.resize(probability, size_px, interpolation=cv2.INTER_LINEAR).astype(np.float32)
            inside = full >= 0.5
            if inside.any():
                found.append(FoundThing(box=box_of_mask(inside), score=score, probability=full, is_final=True))
        return sorted(found, key=lambda each: -each.score)

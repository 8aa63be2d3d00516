"""Boxes by words: OWLv2 (Minderer et al. 2023) and GroundingDINO (Liu et al. 2023), as transformers has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from sounddesk.domain.errors import EngineError
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.models.diffusers_weights import load_transformers_model
from sounddesk.engine.models.picture_pixels import CLIP_MEAN
from sounddesk.engine.models.picture_pixels import CLIP_STD
from sounddesk.engine.models.picture_pixels import IMAGENET_MEAN
from sounddesk.engine.models.picture_pixels import IMAGENET_STD
from sounddesk.engine.models.picture_pixels import standardised
from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage

# Below these scores nothing is there, as the authors' demos have it.
_OWL_LEAST: Final = 0.1
_DINO_LEAST: Final = 0.25
_OWL_TEMPLATE: Final = "a photo of a {}"
_OWL_TOKENS: Final = 16
# GroundingDINO's images: the shorter side, and what the longer one must not exceed.
_DINO_SHORT: Final = 800
_DINO_LONG: Final = 1333
# Of two boxes that overlap more than this, the better one stays.
_SAME_BOX: Final = 0.5
_LEAST_SIDE_PX: Final = 1.0


def load_network(model_class: Any, folder: Path, *, name: str, device: str) -> tuple[Any, Any]:
    """A network in evaluation mode and its tokenizer, of a folder of transformers. Raises: EngineError."""
    from transformers import AutoTokenizer

    try:
        with constructing():
            model = load_transformers_model(model_class, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return model.to(torch.device(device)).eval().requires_grad_(False), tokenizer
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineError(f"{name} cannot be loaded ({error}): install it again") from error


class Owlv2Prompter:
    """`Prompter` by OWLv2: each patch proposes a box and compares itself with the words."""

    name = "OWLv2"

    def __init__(self, model: Any, tokenizer: Any, *, least: float = _OWL_LEAST) -> None:
        """`least`: what has a lower score is not there."""
        self._model = model
        self._tokenizer = tokenizer
        self._least = least

    @classmethod
    def load(cls, folder: Path, device: str) -> Prompter:
        """Raises: EngineError."""
        from transformers.models.owlv2.modeling_owlv2 import Owlv2ForObjectDetection

        return cls(*load_network(Owlv2ForObjectDetection, folder, name=cls.name, device=device))

    @torch.no_grad()
    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> list[FoundThing]:
        _check(cancel)
        device = self._model.device
        side = max(image.shape[:2])
        # Grey to the right and below, up to a square.
        square = np.full((side, side, 3), 128, dtype=np.uint8)
        square[: image.shape[0], : image.shape[1]] = image
        size = int(self._model.config.vision_config.image_size)
        fitted = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)
        tokens = self._tokenizer(
            [_OWL_TEMPLATE.format(thing)],
            padding="max_length",
            max_length=_OWL_TOKENS,
            truncation=True,
            return_tensors="pt",
        ).to(device)
        output = self._model(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            pixel_values=standardised(fitted, mean=CLIP_MEAN, std=CLIP_STD).to(device),
        )
        scores = torch.sigmoid(output.logits[0].float()).max(dim=-1).values
        return found_boxes(output.pred_boxes[0] * side, scores, image=image, least=self._least)


class GroundingDinoPrompter:
    """`Prompter` by GroundingDINO: queries that words chose, refined by attention to both."""

    name = "GroundingDINO"

    def __init__(self, model: Any, tokenizer: Any, *, least: float = _DINO_LEAST) -> None:
        """`least`: what has a lower score is not there."""
        self._model = model
        self._tokenizer = tokenizer
        self._least = least

    @classmethod
    def load(cls, folder: Path, device: str) -> Prompter:
        """Raises: EngineError."""
        from transformers.models.grounding_dino.modeling_grounding_dino import GroundingDinoForObjectDetection

        return cls(*load_network(GroundingDinoForObjectDetection, folder, name=cls.name, device=device))

    @torch.no_grad()
    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> list[FoundThing]:
        _check(cancel)
        device = self._model.device
        height, width = image.shape[:2]
        scale = min(_DINO_SHORT / min(height, width), _DINO_LONG / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        # It was trained on phrases in lower case that end in a full stop.
        tokens = self._tokenizer([f"{thing.lower().strip('. ')}."], return_tensors="pt").to(device)
        output = self._model(
            pixel_values=standardised(fitted, mean=IMAGENET_MEAN, std=IMAGENET_STD).to(device),
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
        )
        scores = torch.sigmoid(output.logits[0].float()).max(dim=-1).values
        scaled = output.pred_boxes[0] * torch.tensor([width, height, width, height], device=device)
        return found_boxes(scaled, scores, image=image, least=self._least)


def found_boxes(boxes: Tensor, scores: Tensor, *, image: RgbImage, least: float) -> list[FoundThing]:
    """Boxes inside the image, the likeliest first, none much like a better one.

    Args:
        boxes: float[N, 4] in pixels: middle x, middle y, width, height.
        scores: float[N] from 0 to 1.
        least: what has a lower score is not there.
    """
    height, width = image.shape[:2]
    half = boxes[:, 2:] / 2
    corners = torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], dim=-1).float().cpu()
    corners = torch.stack(
        [
            corners[:, 0].clamp(0, width),
            corners[:, 1].clamp(0, height),
            corners[:, 2].clamp(0, width),
            corners[:, 3].clamp(0, height),
        ],
        dim=-1,
    )
    found: list[FoundThing] = []
    for index in torch.argsort(scores.float().cpu(), descending=True, stable=True).tolist():
        score = float(scores[index])
        if score < least:
            break
        left, top, right, bottom = corners[index].tolist()
        if right - left < _LEAST_SIDE_PX or bottom - top < _LEAST_SIDE_PX:
            continue
        box = (left, top, right, bottom)
        if all(_overlap(box, known.box) <= _SAME_BOX for known in found):
            found.append(FoundThing(box=box, score=score))
    return found


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, across) * max(0.0, down)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / (areas - common)


def _check(cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.raise_if_cancelled()

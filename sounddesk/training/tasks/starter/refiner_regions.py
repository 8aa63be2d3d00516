"""Regions to draw masks in, as the frozen parts of the segmenter give them for prompts on crowded training scenes.

Everything that does not depend on later clicks is made once and kept on disk, one file a scene: what the encoder sees
of a region, what the decoder guesses, and the truth. So a training step costs the refiner alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.starter.region import crop_mask
from sounddesk.engine.starter.region import region_of
from sounddesk.engine.starter.region import whole_image
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_pyramid import ImageEmbedding
from sounddesk.engine.starter.segmenter_refiner import REFINER_STRIDES
from sounddesk.engine.starter.segmenter_refiner import folded
from sounddesk.engine.starter.segmenter_refiner import guess_in
from sounddesk.engine.starter.segmenter_refiner import region_pixels
from sounddesk.engine.types import BoolMask
from sounddesk.training.tasks.starter.scene_files import DrawnScene
from sounddesk.training.tasks.starter.scene_files import SceneFiles
from sounddesk.training.tasks.starter.segmenter_prompts import correction
from sounddesk.training.tasks.starter.segmenter_prompts import loose_box
from sounddesk.training.tasks.starter.segmenter_prompts import place_in

MOST_OBJECTS: Final = 5
"""Regions that are kept of a scene."""

# Simulated corrections before the second guess is taken.
_CORRECTIONS: Final = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionSamples:
    """Regions of one scene, or of several together; R cells along each side.

    Attributes:
        pixels: float32[n, 48, R / 2, R / 2] as the refiner takes them.
        feature_maps: the encoder's maps of these at the strides 4, 8 and 16.
        guesses: logits float32[n, 2, R, R] of the decoder: for the first prompt, and after two clicks more.
        shares: float32[n, R, R], how much of each cell belongs to the object.
        points: float32[n, 2], the first click in cells; NaN where a box came first.
        boxes: float32[n, 4] in cells; NaN where a click came first.
        inside: float32[n], share of the object that lies in the region.
    """

    pixels: Tensor
    feature_maps: tuple[Tensor, ...]
    guesses: Tensor
    shares: Tensor
    points: Tensor
    boxes: Tensor
    inside: Tensor

    @classmethod
    def joined(cls, parts: list[RegionSamples]) -> RegionSamples:
        feature_maps = tuple(torch.cat(maps) for maps in zip(*(part.feature_maps for part in parts), strict=True))
        names = ("pixels", "guesses", "shares", "points", "boxes", "inside")
        rest = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        return cls(feature_maps=feature_maps, **rest)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> RegionSamples:
        names = ("pixels", "guesses", "shares", "points", "boxes", "inside")
        feature_maps = tuple(each[rows] for each in self.feature_maps)
        return RegionSamples(feature_maps=feature_maps, **{name: getattr(self, name)[rows] for name in names})

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, kw_only=True)
class _FirstPrompt:
    """To one object: a click or a box in encoder pixels as SAM's prompt encoder takes them; which mask answers it."""

    points: npt.NDArray[np.float32]
    box: npt.NDArray[np.float32] | None
    mask_index: int


class RegionPool(SceneFiles[RegionSamples]):
    """Regions of each scene as the refiner learns from them.

    Args:
        boxes, alternatives: as `RefinerModelRecipe` has them.
    """

    def __init__(
        self, folder: Path, *, network: StarterSegmenterNetwork, boxes: float, alternatives: float, **scenes: Any
    ) -> None:
        super().__init__(folder, **scenes)
        self._network = network
        self._boxes = boxes
        self._alternatives = alternatives

    def _read(self, stored: dict[str, Tensor]) -> RegionSamples:
        pixels = (stored["pixels"].float() - self._encoder.mean) / self._encoder.scale
        return RegionSamples(
            pixels=folded(pixels.permute(0, 3, 1, 2)),
            feature_maps=tuple(stored[f"tap_{stride}"].float() for stride in REFINER_STRIDES),
            guesses=stored["guesses"].float(),
            shares=stored["shares"].float() / 255.0,
            points=stored["points"],
            boxes=stored["boxes"],
            inside=stored["inside"],
        )

    def _arrays(self, drawn: DrawnScene, rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic]]:
        embedding = self._network.embed(drawn.feature_maps, torch.from_numpy(drawn.colours).float() / 127.5 - 1)
        side, size = self._network.config.refiner_side, self._network.config.image_size
        pixels, guesses, shares, points, boxes, inside = [], [], [], [], [], []
        for mask in drawn.masks[:MOST_OBJECTS]:
            prompt = self._first_prompt(mask, rng)
            guess, corrected = self._guesses(mask, prompt, embedding, rng)
            region = region_of(
                guess > 0,
                points=prompt.points,
                labels=np.ones(len(prompt.points), np.int64),
                box=prompt.box,
                image_size=size,
                width=mask.shape[1],
                height=mask.shape[0],
            )
            pixels.append(region_pixels(drawn.image, region, self._network.refiner.config))
            guesses.append(np.stack([guess_in(region, each, side=side) for each in (guess, corrected)]))
            shares.append(quantise_probability(crop_mask(mask, region, side)))
            place = region.cells(prompt.points, image_size=size, side=side)
            points.append(place[0] if len(place) else np.full(2, np.nan, np.float32))
            corners = None if prompt.box is None else region.cells(prompt.box.reshape(2, 2), image_size=size, side=side)
            boxes.append(np.full(4, np.nan, np.float32) if corners is None else corners.reshape(4))
            inside.append(mask[region.rows, region.columns].sum() / mask.sum())
        feature_maps = self._encoder.feature_maps(self._encoder.normalised(pixels), strides=REFINER_STRIDES)
        return {
            **{f"tap_{s}": each.half().numpy() for s, each in zip(REFINER_STRIDES, feature_maps, strict=True)},
            "pixels": np.stack(pixels),
            "guesses": np.stack(guesses).astype(np.float16),
            "shares": np.stack(shares).astype(np.uint8),
            "points": np.stack(points).astype(np.float32),
            "boxes": np.stack(boxes).astype(np.float32),
            "inside": np.array(inside, np.float32),
        }

    def _first_prompt(self, mask: BoolMask, rng: np.random.Generator) -> _FirstPrompt:
        size = self._network.config.image_size
        scale = (size / np.array(mask.shape[::-1])).astype(np.float32)
        if rng.random() < self._boxes:
            box = loose_box(_bounds(mask) * np.tile(scale, 2), size=size, rng=rng)
            return _FirstPrompt(points=np.zeros((0, 2), np.float32), box=box, mask_index=0)
        point = (place_in(mask, rng) * scale - 0.5).astype(np.float32)
        other = rng.random() < self._alternatives
        return _FirstPrompt(points=point[None], box=None, mask_index=int(rng.integers(1, 4)) if other else 0)

    def _guesses(
        self, mask: BoolMask, prompt: _FirstPrompt, embedding: ImageEmbedding, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Logits float32[S, S] of the decoder for the first prompt, and after some corrections."""
        side = self._network.config.mask_side
        truth = crop_mask(mask, whole_image(width=mask.shape[1], height=mask.shape[0]), side)
        known = truth > min(0.5, 0.99 * float(truth.max()))
        points, labels, earlier = prompt.points, np.ones(len(prompt.points), np.int64), None
        first: npt.NDArray[np.float32] | None = None
        for _ in range(1 + _CORRECTIONS):
            logits, _ = self._network.decode(
                embedding,
                points=torch.from_numpy(points[None]),
                labels=torch.from_numpy(labels[None]),
                boxes=None if prompt.box is None else torch.from_numpy(prompt.box[None]),
                earlier=earlier,
            )
            answer = logits[0, prompt.mask_index if first is None else 0].numpy()
            first = answer if first is None else first
            earlier = torch.from_numpy(answer)[None, None]
            click, label = correction(answer > 0, known, rng)
            points = np.concatenate([points, np.array([click], np.float32)])
            labels = np.append(labels, label)
        assert first is not None
        return first, answer


def _bounds(mask: BoolMask) -> npt.NDArray[np.float32]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)

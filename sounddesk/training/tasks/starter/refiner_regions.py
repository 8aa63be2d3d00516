"""Regions to draw masks in, as the frozen parts of the segmenter give them for prompts on training scenes.

What costs most is made once and kept on disk, one file a scene: what the encoder sees of a region, a whole conversation
of clicks with the segmenter as it is, what the decoder guessed after each, and the truth. So a training step costs the
refiner alone, and it learns from guesses to the very clicks that it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.region import crop_mask
from sounddesk.engine.starter.region import region_of
from sounddesk.engine.starter.segmenter_network import CANDIDATES
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_pyramid import ImageEmbedding
from sounddesk.engine.starter.segmenter_refiner import folded
from sounddesk.engine.starter.segmenter_refiner import guess_in
from sounddesk.engine.starter.segmenter_refiner import hints_of
from sounddesk.engine.starter.segmenter_refiner import region_pixels
from sounddesk.engine.types import BoolMask
from sounddesk.training.tasks.starter.scene_files import DrawnScene
from sounddesk.training.tasks.starter.scene_files import SceneFiles
from sounddesk.training.tasks.starter.segmenter_prompts import correct_at
from sounddesk.training.tasks.starter.segmenter_prompts import loose_box
from sounddesk.training.tasks.starter.segmenter_prompts import place_in

MOST_OBJECTS: Final = 4
"""Regions that are kept of a scene."""

MOST_CLICKS: Final = 5

FIRST_GUESSES: Final = 1 + CANDIDATES
"""Guesses to the first prompt; after each further click there is one more."""

# How often a region is large enough for its object, as growing mostly makes it.
_GROWN: Final = 0.75
_ROOM: Final = 0.08
_FIELDS: Final = ("pixels", "guesses", "shares", "clicks", "labels", "boxes", "inside")


@dataclass(frozen=True, kw_only=True)
class RegionSamples:
    """Regions of one scene, or of several together; R cells along each side.

    Attributes:
        pixels: float32[n, 48, R / 2, R / 2] as the refiner takes them.
        feature_maps: the encoder's maps of these at the refiner's strides.
        guesses: logits float32[n, `FIRST_GUESSES` + `MOST_CLICKS` - 1, R, R] of the decoder.
        shares: float32[n, R, R], how much of each cell belongs to the object.
        clicks: float32[n, `MOST_CLICKS`, 2] in cells, in the order that they were made; where a box came first, its
            first click comes after it. NaN where there is none.
        labels: int64[n, `MOST_CLICKS`], 1 on the object, 0 off it, -1 where there is none.
        boxes: float32[n, 4] in cells; NaN where a click came first.
        inside: float32[n], share of the object that lies in the region.
    """

    pixels: Tensor
    feature_maps: tuple[Tensor, ...]
    guesses: Tensor
    shares: Tensor
    clicks: Tensor
    labels: Tensor
    boxes: Tensor
    inside: Tensor

    @classmethod
    def joined(cls, parts: list[RegionSamples]) -> RegionSamples:
        feature_maps = tuple(torch.cat(maps) for maps in zip(*(part.feature_maps for part in parts), strict=True))
        rest = {name: torch.cat([getattr(part, name) for part in parts]) for name in _FIELDS}
        return cls(feature_maps=feature_maps, **rest)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> RegionSamples:
        feature_maps = tuple(each[rows] for each in self.feature_maps)
        return RegionSamples(feature_maps=feature_maps, **{name: getattr(self, name)[rows] for name in _FIELDS})

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(kw_only=True)
class _Conversation:
    """What was said about one object so far, in encoder pixels as SAM's prompt encoder takes it."""

    mask: BoolMask
    points: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    box: npt.NDArray[np.float32] | None

    def add(self, point: npt.NDArray[np.float32], label: int) -> None:
        self.points = np.concatenate([self.points, point[None].astype(np.float32)])
        self.labels = np.append(self.labels, label)


class RegionPool(SceneFiles[RegionSamples]):
    """Regions of each scene as the refiner learns from them.

    Args:
        boxes: as `RefinerModelRecipe` has it.
    """

    def __init__(self, folder: Path, *, network: StarterSegmenterNetwork, boxes: float, **scenes: Any) -> None:
        super().__init__(folder, **scenes)
        self._network = network
        self._boxes = boxes

    def _read(self, stored: dict[str, Tensor]) -> RegionSamples:
        pixels = (stored["pixels"].float() - self._encoder.mean) / self._encoder.scale
        return RegionSamples(
            pixels=folded(pixels.permute(0, 3, 1, 2)),
            feature_maps=tuple(stored[f"tap_{s}"].float() for s in self._network.refiner.config.strides),
            guesses=stored["guesses"].float(),
            shares=stored["shares"].float() / 255.0,
            clicks=stored["clicks"],
            labels=stored["labels"],
            boxes=stored["boxes"],
            inside=stored["inside"],
        )

    def _arrays(self, drawn: DrawnScene, rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic]]:
        embedding = self._network.embed(drawn.feature_maps, torch.from_numpy(drawn.colours).float() / 127.5 - 1)
        config = self._network.config
        side, size = config.refiner_side, config.image_size
        chosen = [drawn.masks[int(index)] for index in rng.permutation(len(drawn.masks))[:MOST_OBJECTS]]
        talks = [self._first_prompt(mask, rng) for mask in chosen]
        first = [self._decoded(embedding, talk) for talk in talks]
        regions = [self._region(talk, logits, rng) for talk, logits in zip(talks, first, strict=True)]
        pixels = [region_pixels(drawn.image, region, self._network.refiner.config) for region in regions]
        seen = self._encoder.normalised(pixels)
        strides = self._network.refiner.config.strides
        feature_maps = self._encoder.feature_maps(seen, strides=strides)
        shares = np.stack([crop_mask(mask, region, side) for mask, region in zip(chosen, regions, strict=True)])
        guesses = [
            [guess_in(region, one, side=side) for one in logits] for region, logits in zip(regions, first, strict=True)
        ]
        for click in range(MOST_CLICKS - 1):
            hints = np.stack([self._told(*each, first=not click) for each in zip(talks, regions, guesses, strict=True)])
            answers, _ = self._network.refiner(folded(seen), feature_maps, torch.from_numpy(hints))
            for row, (talk, region) in enumerate(zip(talks, regions, strict=True)):
                truth = shares[row] > min(0.5, 0.99 * float(shares[row].max()))
                place, label = correct_at(answers[row].numpy() > 0, truth, rng)
                talk.add(region.points(place[None].astype(np.float32), image_size=size, side=side)[0], label)
                guesses[row].append(guess_in(region, self._decoded(embedding, talk)[0], side=side))
        clicks = np.full((len(talks), MOST_CLICKS, 2), np.nan, np.float32)
        labels = np.full((len(talks), MOST_CLICKS), -1, np.int64)
        boxes = np.full((len(talks), 4), np.nan, np.float32)
        for row, (talk, region) in enumerate(zip(talks, regions, strict=True)):
            clicks[row, : len(talk.labels)] = region.cells(talk.points, image_size=size, side=side)
            labels[row, : len(talk.labels)] = talk.labels
            if talk.box is not None:
                boxes[row] = region.cells(talk.box.reshape(2, 2), image_size=size, side=side).reshape(4)
        inside = [m[region.rows, region.columns].sum() / m.sum() for m, region in zip(chosen, regions, strict=True)]
        return {
            **{f"tap_{s}": each.half().numpy() for s, each in zip(strides, feature_maps, strict=True)},
            "pixels": np.stack(pixels),
            "guesses": np.stack(guesses).astype(np.float16),
            "shares": quantise_probability(shares).astype(np.uint8),
            "clicks": clicks,
            "labels": labels,
            "boxes": boxes,
            "inside": np.array(inside, np.float32),
        }

    def _first_prompt(self, mask: BoolMask, rng: np.random.Generator) -> _Conversation:
        size = self._network.config.image_size
        scale = (size / np.array(mask.shape[::-1])).astype(np.float32)
        points, labels = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
        if rng.random() < self._boxes:
            box = loose_box(_bounds(mask) * np.tile(scale, 2), size=size, rng=rng)
            return _Conversation(mask=mask, points=points, labels=labels, box=box)
        talk = _Conversation(mask=mask, points=points, labels=labels, box=None)
        talk.add(place_in(mask, rng).astype(np.float32) * scale - np.float32(0.5), 1)
        return talk

    def _decoded(self, embedding: ImageEmbedding, talk: _Conversation) -> npt.NDArray[np.float32]:
        """The decoder's four answers to all that was said, float32[4, S, S]."""
        logits, _ = self._network.decode(
            embedding,
            points=torch.from_numpy(talk.points[None]),
            labels=torch.from_numpy(talk.labels[None]),
            boxes=None if talk.box is None else torch.from_numpy(talk.box[None]),
        )
        return logits[0].numpy()

    def _region(self, talk: _Conversation, logits: npt.NDArray[np.float32], rng: np.random.Generator) -> Region:
        """Around one of the first guesses, and mostly around all of the object."""
        height, width = talk.mask.shape
        guess = 0 if talk.box is not None or rng.random() < 0.5 else int(rng.integers(FIRST_GUESSES))
        region = region_of(
            logits[guess] > 0,
            points=talk.points,
            labels=talk.labels,
            box=talk.box,
            image_size=self._network.config.image_size,
            width=width,
            height=height,
        )
        if talk.box is not None or rng.random() >= _GROWN:
            return region
        left, top, right, bottom = _bounds(talk.mask)
        room_x, room_y = _ROOM * (right - left) + 2, _ROOM * (bottom - top) + 2
        return replace(
            region,
            left=int(max(0, min(region.left, left - room_x))),
            top=int(max(0, min(region.top, top - room_y))),
            right=int(min(width, max(region.right, right + room_x))),
            bottom=int(min(height, max(region.bottom, bottom + room_y))),
        )

    def _told(
        self, talk: _Conversation, region: Region, guesses: list[npt.NDArray[np.float32]], *, first: bool
    ) -> npt.NDArray[np.float32]:
        """What the refiner is told of one region."""
        size, side = self._network.config.image_size, self._network.config.refiner_side
        box = None if talk.box is None else region.cells(talk.box.reshape(2, 2), image_size=size, side=side).reshape(4)
        return hints_of(
            guesses[0] if first else guesses[-1],
            clicks=region.cells(talk.points, image_size=size, side=side),
            labels=talk.labels,
            box=box,
        )


def _bounds(mask: BoolMask) -> npt.NDArray[np.float32]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)

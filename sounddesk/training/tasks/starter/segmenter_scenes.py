"""Crowded training scenes for the mask decoder: what the encoder sees of each, and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.models.image_encoder import MAP_STRIDES
from sounddesk.engine.starter.segmenter_config import MASK_STRIDE
from sounddesk.training.tasks.starter.scene_files import DrawnScene
from sounddesk.training.tasks.starter.scene_files import SceneFiles


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedScene:
    """One scene as the network meets it, of S x S encoder pixels.

    Attributes:
        feature_maps: float32[1, C, S / stride, S / stride] for each of `MAP_STRIDES`.
        colours: float32[1, 3, S / 2, S / 2], about -1 to 1.
        shares: float32[K, S / 4, S / 4], how much of each cell belongs to the object.
        boxes: float32[K, 4], the objects' bounds in encoder pixels.
    """

    feature_maps: list[Tensor]
    colours: Tensor
    shares: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]


class ScenePool(SceneFiles[EncodedScene]):
    """Scenes as the mask decoder learns from them."""

    def _arrays(self, drawn: DrawnScene, _rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic]]:
        size = self._encoder.image_size
        side = size // MASK_STRIDE
        shares = [
            cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA) for mask in drawn.masks
        ]
        return {
            **{f"stride_{s}": each.half().numpy() for s, each in zip(MAP_STRIDES, drawn.feature_maps, strict=True)},
            "colours": drawn.colours,
            "shares": quantise_probability(np.stack(shares)),
            "boxes": np.stack([_bounds(mask, size=size) for mask in drawn.masks]),
        }

    def _read(self, stored: dict[str, Tensor]) -> EncodedScene:
        return EncodedScene(
            feature_maps=[stored[f"stride_{stride}"].float() for stride in MAP_STRIDES],
            colours=stored["colours"].float() / 127.5 - 1,
            shares=stored["shares"].numpy().astype(np.float32) / 255.0,
            boxes=stored["boxes"].numpy(),
        )


def _bounds(mask: npt.NDArray[np.bool_], *, size: int) -> npt.NDArray[np.float32]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    down, across = size / mask.shape[0], size / mask.shape[1]
    return np.array(
        [columns[0] * across, rows[0] * down, (columns[-1] + 1) * across, (rows[-1] + 1) * down], dtype=np.float32
    )

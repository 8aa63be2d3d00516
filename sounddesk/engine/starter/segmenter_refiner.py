"""Draws a mask finely within its region: a small U-Net that sees the image's own pixels, the guess and the clicks.

After Chen et al., 'FocalClick', 2022, section 3: SAM's decoder says roughly what is meant, at a stride of 4 of the
squashed image; here its region is enlarged, so that small objects and thin parts have pixels of their own. The bundle's
image encoder looks at the enlarged region too: what it knows of edges and things need not be learned again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.region import crop
from sounddesk.engine.starter.region import redrawn
from sounddesk.engine.starter.region import whole_image
from sounddesk.engine.starter.segmenter_pyramid import doubled
from sounddesk.engine.types import RgbImage

CLICK_RADIUS_CELLS: Final = 3.0
GUESS_BOUND: Final = 8.0
OUTSIDE_LOGIT: Final = -8.0
"""Of everything outside the region."""

HINTS: Final = 5
"""Guess, earlier answer, positive clicks, negative clicks, box."""

REFINER_STRIDES: Final = (4, 8, 16, 32)
"""Of the encoder's maps that a refiner may take, in the encoder's pixels."""

PIXELS_PER_CELL: Final = 2
_CLICK_REACH_CELLS: Final = 12.0


@dataclass(frozen=True, kw_only=True)
class RefinerConfig:
    """Shape of the network.

    Attributes:
        side: cells along each side of a region, a multiple of 16; the encoder sees twice as many pixels.
        widths: channels at the strides 2, 4, 8 and 16 of the region.
        tap_widths: channels of the encoder's maps at the strides 4, 8 and 16 of its pixels, and perhaps 32.
    """

    side: int = 128
    widths: tuple[int, ...] = (32, 64, 96, 128)
    tap_widths: tuple[int, ...] = (24, 40, 112)

    @property
    def pixels(self) -> int:
        """Along each side of a region, as the encoder sees it."""
        return PIXELS_PER_CELL * self.side

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the encoder's maps that this refiner takes."""
        return REFINER_STRIDES[: len(self.tap_widths)]


def click_maps(cells: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], *, side: int) -> npt.NDArray[np.float32]:
    """Positive and negative clicks at `cells` [n, 2] (x, y), discs in a wide glow: float32[2, side, side], 0 to 1."""
    maps = np.zeros((2, side, side), np.float32)
    centres = np.arange(side) + 0.5
    for (x, y), label in zip(cells, labels, strict=True):
        squared = (centres[None] - x) ** 2 + (centres[:, None] - y) ** 2
        glow = 0.5 * np.exp(-squared / (2 * _CLICK_REACH_CELLS**2)) + 0.5 * (squared <= CLICK_RADIUS_CELLS**2)
        index = 0 if label == 1 else 1
        maps[index] = np.maximum(maps[index], glow)
    return maps


def box_map(box_cells: npt.NDArray[np.float32], *, side: int) -> npt.NDArray[np.float32]:
    """1 inside a box of (left, top, right, bottom) cells and -1 outside: float32[side, side]."""
    centres = np.arange(side) + 0.5
    left, top, right, bottom = box_cells
    inside = ((centres >= left) & (centres <= right))[None] & ((centres >= top) & (centres <= bottom))[:, None]
    return np.where(inside, 1.0, -1.0).astype(np.float32)


def hints_of(
    guess: npt.NDArray[np.float32],
    *,
    earlier: npt.NDArray[np.float32] | None = None,
    clicks: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    box: npt.NDArray[np.float32] | None,
) -> npt.NDArray[np.float32]:
    """What the refiner is told beside the pixels, float32[HINTS, R, R].

    Args:
        guess: logits [R, R] of the decoder.
        earlier: logits [R, R] of the answer before, or of a mask hint.
        clicks: [n, 2] (x, y) in cells, with labels [n].
        box: [4] in cells.
    """
    side = guess.shape[-1]
    hints = np.zeros((HINTS, side, side), np.float32)
    hints[0] = guess
    if earlier is not None:
        hints[1] = earlier
    hints[2:4] = click_maps(clicks, labels, side=side)
    if box is not None:
        hints[4] = box_map(box, side=side)
    return hints


def guess_in(region: Region, logits: npt.NDArray[np.float32], *, side: int) -> npt.NDArray[np.float32]:
    """The decoder's logits [S, S] of the squashed image in the region's cells, bounded: float32[side, side]."""
    bounded = np.clip(logits, -GUESS_BOUND, GUESS_BOUND)
    whole = whole_image(width=region.width, height=region.height)
    return redrawn(bounded, whole, region, side=side, outside=OUTSIDE_LOGIT)


def region_pixels(image: RgbImage, region: Region, config: RefinerConfig) -> RgbImage:
    """What the encoder sees of a region, uint8[2 R, 2 R, 3]."""
    return crop(image, region, config.pixels)


def folded(pixels: Tensor) -> Tensor:
    """Normalised pixels float32[B, 3, 2 R, 2 R] with blocks of 4 x 4 as channels: float32[B, 48, R / 2, R / 2].

    Nothing is lost, and the refiner's widest maps are small.
    """
    return functional.pixel_unshuffle(pixels, 2 * PIXELS_PER_CELL)


def _convolution(width_in: int, width: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width, 3, stride=stride, padding=1, bias=False), nn.GroupNorm(8, width), nn.ReLU()
    )


class RegionRefiner(nn.Module):
    """Logits and predicted IoU of B regions from their pixels, the encoder's maps of these, and hints."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        self.config = config
        at_2, at_4, at_8, at_16 = config.widths
        tap_4, tap_8, tap_16 = config.tap_widths[:3]
        self.stem = _convolution((3 * PIXELS_PER_CELL**2 + HINTS) * 4, at_2)
        self.tap_4 = nn.Conv2d(tap_4, at_2, 1)
        self.enter_2 = _convolution(at_2, at_2)
        self.down_4 = _convolution(at_2, at_4, stride=2)
        self.tap_8 = nn.Conv2d(tap_8, at_4, 1)
        self.enter_4 = _convolution(at_4, at_4)
        self.down_8 = _convolution(at_4, at_8, stride=2)
        self.tap_16 = nn.Conv2d(tap_16, at_8, 1)
        self.enter_8 = _convolution(at_8, at_8)
        self.down_16 = _convolution(at_8, at_16, stride=2)
        self.tap_32 = nn.Conv2d(config.tap_widths[3], at_16, 1) if len(config.tap_widths) > 3 else None
        self.enter_16 = nn.Sequential(_convolution(at_16, at_16), _convolution(at_16, at_16))
        self.up_8 = nn.Conv2d(at_16, at_8, 1)
        self.leave_8 = _convolution(at_8, at_8)
        self.up_4 = nn.Conv2d(at_8, at_4, 1)
        self.leave_4 = _convolution(at_4, at_4)
        self.up_2 = nn.Conv2d(at_4, at_2, 1)
        self.leave_2 = _convolution(at_2, at_2)
        self.answer = nn.Conv2d(at_2, 4, 3, padding=1)
        self.score = nn.Sequential(nn.Linear(2 * at_16, at_16), nn.ReLU(), nn.Linear(at_16, 1))
        self.trust = nn.Parameter(torch.tensor(0.5))

    def forward(self, pixels: Tensor, feature_maps: Sequence[Tensor], hints: Tensor) -> tuple[Tensor, Tensor]:
        """Logits float32[B, R, R] and predicted IoUs float32[B] in 0 to 1.

        Args:
            pixels: float32[B, 48, R / 2, R / 2], see `folded`.
            feature_maps: the encoder's maps of these pixels at the configuration's strides.
            hints: float32[B, HINTS, R, R]; the first two in logits.
        """
        guess = hints[:, :1]
        scaled = torch.cat([hints[:, :2] / GUESS_BOUND, hints[:, 2:]], dim=1)
        given = torch.cat([pixels, functional.pixel_unshuffle(scaled, 2)], dim=1)
        given = given.contiguous(memory_format=torch.channels_last)
        tap_4, tap_8, tap_16 = feature_maps[:3]
        at_2 = self.enter_2(self.stem(given) + self.tap_4(tap_4))
        at_4 = self.enter_4(self.down_4(at_2) + self.tap_8(tap_8))
        at_8 = self.enter_8(self.down_8(at_4) + self.tap_16(tap_16))
        at_16 = self.down_16(at_8)
        if self.tap_32 is not None:
            at_16 = at_16 + self.tap_32(feature_maps[3])
        at_16 = self.enter_16(at_16)
        up = self.leave_8(at_8 + doubled(self.up_8(at_16)))
        up = self.leave_4(at_4 + doubled(self.up_4(up)))
        up = self.leave_2(at_2 + doubled(self.up_2(up)))
        change = functional.pixel_shuffle(self.answer(up), 2)
        pooled = torch.cat([at_16.mean(dim=(2, 3)), at_16.amax(dim=(2, 3))], dim=1)
        logits = (self.trust * guess + change.float())[:, 0]
        return logits, torch.sigmoid(self.score(pooled).float())[:, 0]

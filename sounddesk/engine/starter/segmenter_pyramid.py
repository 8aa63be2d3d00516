"""The light pyramid over the bundle's image encoder, from which the starter's segmenter draws its masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.starter.segmenter_config import COLOUR_STRIDE
from sounddesk.engine.starter.segmenter_config import MASK_STRIDE
from sounddesk.engine.starter.segmenter_config import StarterSegmenterConfig
from sounddesk.engine.types import RgbImage


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of [N, C, H, W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, features: Tensor) -> Tensor:
        normed: Tensor = self.norm(features.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


class _Block(nn.Module):
    """Residual depthwise 5 x 5 convolution and pointwise MLP (ConvNeXt's block, Liu et al. 2022)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = _ChannelNorm(width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.contract = nn.Conv2d(2 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        hidden = functional.gelu(self.expand(self.norm(self.depthwise(features))))
        result: Tensor = features + self.contract(hidden)
        return result


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageEmbedding:
    """What the decoder needs of an image, or of N of them.

    Attributes:
        coarse: float32[N, W, G, G], stride 16.
        middle: float32[N, W / 4, 2 G, 2 G], stride 8.
        fine: float32[N, W / 8, 4 G, 4 G], stride 4.
        affinity: float32[N, A, 4 G, 4 G]; two places of one object lie near each other in these A dimensions.
    """

    coarse: Tensor
    middle: Tensor
    fine: Tensor
    affinity: Tensor

    def __getitem__(self, index: int) -> ImageEmbedding:
        """One image of several, still with N = 1."""
        part = slice(index, index + 1)
        return ImageEmbedding(
            coarse=self.coarse[part], middle=self.middle[part], fine=self.fine[part], affinity=self.affinity[part]
        )


def small_colours(fitted: RgbImage) -> RgbImage:
    """What goes into the pyramid beside the encoder's maps of an image uint8[S, S, 3]: uint8[3, S / 2, S / 2]."""
    side = fitted.shape[0] // COLOUR_STRIDE
    small = cv2.resize(fitted, (side, side), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small.transpose(2, 0, 1)).astype(np.uint8)


class FeaturePyramid(nn.Module):
    """From the encoder's maps and the image's colours to the three maps of an `ImageEmbedding`."""

    def __init__(self, config: StarterSegmenterConfig) -> None:
        super().__init__()
        stride_4, stride_8, stride_16, stride_32 = config.tap_widths
        width = config.width
        self.from_32 = nn.Conv2d(stride_32, width, 1)
        self.from_16 = nn.Conv2d(stride_16, width, 1)
        self.from_8 = nn.Conv2d(4 * stride_8, width, 1)
        self.from_4 = nn.Conv2d(16 * stride_4, width, 1)
        self.where = nn.Conv2d(2, width, 1)
        self.blocks = nn.Sequential(_Block(width), _Block(width), _Block(width))
        self.norm = _ChannelNorm(width)
        self.middle_in = nn.Conv2d(stride_8 + width, width // 4, 1)
        self.middle_block = _Block(width // 4)
        self.fine_in = nn.Conv2d(stride_4 + 3 * (MASK_STRIDE // COLOUR_STRIDE) ** 2 + width // 4, width // 8, 1)
        self.fine_block = _Block(width // 8)
        self.kin_of_middle = nn.Conv2d(width // 4 + 2, config.kinship_width, 1)
        self.kin_of_fine = nn.Conv2d(width // 8, config.kinship_width, 1)
        with torch.no_grad():
            # So that distances start about as long as those that shall be told apart.
            for layer in (self.kin_of_middle, self.kin_of_fine):
                layer.weight.mul_(0.3)

    def forward(self, feature_maps: Sequence[Tensor], colours: Tensor) -> ImageEmbedding:
        """Maps float32[N, C, S, S] of the strides 4, 8, 16 and 32; colours float32[N, 3, 8 G, 8 G] about -1 to 1."""
        at_4, at_8, at_16, at_32 = feature_maps
        coarse = self.from_16(at_16) + functional.interpolate(self.from_32(at_32), scale_factor=2.0, mode="nearest")
        coarse = coarse + self.from_8(functional.pixel_unshuffle(at_8, 2))
        coarse = coarse + self.from_4(functional.pixel_unshuffle(at_4, 4))
        coarse = self.norm(self.blocks(coarse + self.where(_places(coarse))))
        middle = self.middle_block(self.middle_in(torch.cat([at_8, doubled(coarse)], dim=1)))
        folded = functional.pixel_unshuffle(colours, MASK_STRIDE // COLOUR_STRIDE)
        fine = self.fine_block(self.fine_in(torch.cat([at_4, folded, doubled(middle)], dim=1)))
        affinity = doubled(self.kin_of_middle(torch.cat([middle, 3 * _places(middle)], dim=1))) + self.kin_of_fine(fine)
        return ImageEmbedding(coarse=coarse, middle=middle, fine=fine, affinity=affinity)


def _places(features: Tensor) -> Tensor:
    """Coordinates of each cell, -1 to 1: float32[N, 2, H, W]."""
    count, _, height, width = features.shape
    down = torch.linspace(-1, 1, height, device=features.device)[:, None].expand(height, width)
    across = torch.linspace(-1, 1, width, device=features.device)[None].expand(height, width)
    return torch.stack([across, down]).expand(count, -1, -1, -1)


def doubled(features: Tensor) -> Tensor:
    """Maps [N, C, H, W] at twice the size."""
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)

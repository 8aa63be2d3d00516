"""MixStyle: features of early blocks take the statistics of another picture, so that style carries no information."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch import nn


class StyleMixing:
    """Forward hooks on the early blocks; while `generator` is set they mix the statistics of a batch's pictures.

    After Zhou et al., 'Domain generalization with MixStyle', 2021: shares from Beta(0.1, 0.1), partners by a
    permutation, no gradient through the statistics.
    """

    def __init__(self, backbone: nn.Module) -> None:
        self.generator: np.random.Generator | None = None
        for block in backbone.blocks[1:4]:  # type: ignore[index,union-attr]
            block.register_forward_hook(self._mix)

    def _mix(self, _block: nn.Module, _inputs: tuple[Tensor, ...], features: Tensor) -> Tensor:
        if self.generator is None:
            return features
        count = features.shape[0]
        mean = features.mean(dim=(2, 3), keepdim=True).detach()
        deviation = (features.var(dim=(2, 3), keepdim=True) + 1e-6).sqrt().detach()
        share = torch.from_numpy(self.generator.beta(0.1, 0.1, count)).to(features.dtype)[:, None, None, None]
        partner = torch.from_numpy(self.generator.permutation(count))
        mixed_mean = torch.lerp(mean[partner], mean, share)
        mixed_deviation = torch.lerp(deviation[partner], deviation, share)
        return (features - mean) / deviation * mixed_deviation + mixed_mean

"""Only the statistics of a picture's features change, and only while a generator is set."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.training.tasks.starter.style_mixing import StyleMixing


class _Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(nn.Identity() for _ in range(6)))

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.blocks(features)
        return result


def _features() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    scales = torch.tensor([0.5, 1.0, 2.0, 4.0])[:, None, None, None]
    return scales * (torch.randn(4, 3, 8, 8, generator=generator) + scales)


def test_without_a_generator_nothing_changes() -> None:
    backbone = _Backbone()
    StyleMixing(backbone)
    features = _features()
    assert torch.equal(backbone(features), features)


def test_statistics_are_mixed_and_the_pattern_stays() -> None:
    backbone = _Backbone()
    mixing = StyleMixing(backbone)
    features = _features()
    mixing.generator = np.random.default_rng(3)
    mixed = backbone(features)
    means = features.mean(dim=(2, 3))
    assert not torch.allclose(mixed.mean(dim=(2, 3)), means)
    assert (mixed.mean(dim=(2, 3)) <= means.amax(dim=0) + 1e-4).all()
    assert (mixed.mean(dim=(2, 3)) >= means.amin(dim=0) - 1e-4).all()

    def pattern(values: Tensor) -> Tensor:
        return (values - values.mean(dim=(2, 3), keepdim=True)) / values.std(dim=(2, 3), keepdim=True)

    torch.testing.assert_close(pattern(mixed), pattern(features), atol=1e-3, rtol=1e-3)

from __future__ import annotations

import torch
from torch import nn

from sounddesk.engine.starter.folded_encoder import folded_encoder
from tests.engine.starter.tiny_segmenter import tiny_encoder


@torch.no_grad()
def test_maps_are_those_of_the_encoder_but_for_rounding() -> None:
    torch.manual_seed(0)
    encoder = tiny_encoder()
    normalisations = [each for each in encoder.modules() if isinstance(each, nn.BatchNorm2d)]
    for each in normalisations:
        assert each.running_mean is not None
        assert each.running_var is not None
        each.running_mean.normal_(std=0.2)
        each.running_var.uniform_(0.5, 2)
        each.weight.uniform_(0.5, 1.5)
        each.bias.normal_(std=0.2)
    folded = folded_encoder(encoder)
    assert len(normalisations) > 3
    assert not any(isinstance(each, nn.BatchNorm2d) for each in folded.modules())
    pixels = torch.randn(1, 3, 64, 64)
    for ours, theirs in zip(
        folded.feature_maps(pixels, strides=(4, 8, 16)), encoder.feature_maps(pixels, strides=(4, 8, 16)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)

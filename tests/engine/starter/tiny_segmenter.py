"""The starter's segmenter with the real classes at tiny size and random weights."""

from __future__ import annotations

from pathlib import Path

import torch

from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.quantised_weights import fingerprint
from sounddesk.engine.starter.segmenter_config import StarterSegmenterConfig
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork

IMAGE_SIZE = 96


def tiny_encoder(*, seed: int = 0, image_size: int = IMAGE_SIZE) -> TimmPatchEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TimmPatchEncoder(architecture="test_efficientnet", image_size=image_size).eval().requires_grad_(False)


def tiny_network(encoder: TimmPatchEncoder, *, seed: int = 0) -> StarterSegmenterNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _, taps = encoder.patches_and_maps(torch.zeros(1, 3, encoder.image_size, encoder.image_size))
        config = StarterSegmenterConfig(
            image_size=encoder.image_size,
            tap_widths=tuple(tap.shape[1] for tap in taps),
            width=16,
            depth=1,
            heads=2,
            mlp_width=16,
            kinship_width=4,
            refiner_side=32,
            refiner_widths=(8, 8, 8, 8),
            encoder_fingerprint=fingerprint(encoder.backbone.state_dict()),
        )
        return StarterSegmenterNetwork(config).eval().requires_grad_(False)


def save_tiny_segmenter(image_encoder_folder: Path, folder: Path) -> None:
    """A segmenter for the image encoder of a bundle's folder."""
    tiny_network(TimmPatchEncoder.load(image_encoder_folder)).save(folder)

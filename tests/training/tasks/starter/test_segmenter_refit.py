"""A segmenter goes over to a tuned encoder by one layer, and only where one layer is enough."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import fit_image
from sounddesk.engine.starter.segmenter_config import StarterSegmenterConfig
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.training.data.scene_bank import PictureSet
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.tasks.starter.scene_files import draw_crowded
from sounddesk.training.tasks.starter.scene_files import only_one_piece
from sounddesk.training.tasks.starter.segmenter_refit import refit_to_encoder
from tests.tiny_bundle import _save_image_encoder
from tests.training.tiny_data import build_tiny_data


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> TimmPatchEncoder:
    folder = tmp_path_factory.mktemp("encoder") / "image_encoder"
    torch.manual_seed(0)
    _save_image_encoder(folder)
    return TimmPatchEncoder.load(folder).requires_grad_(False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> PictureSet:
    folder: Path = tmp_path_factory.mktemp("data")
    build_tiny_data(folder)
    return read_pictures(folder, split="train")


@pytest.fixture
def network(before: TimmPatchEncoder) -> StarterSegmenterNetwork:
    torch.manual_seed(1)
    pixels = torch.zeros(1, 3, before.image_size, before.image_size)
    widths = tuple(tap.shape[1] for tap in before.patches_and_maps(pixels)[1])
    return StarterSegmenterNetwork(
        StarterSegmenterConfig(
            image_size=before.image_size, tap_widths=widths, width=16, depth=1, heads=2, mlp_width=16
        )
    ).eval()


@pytest.mark.slow
def test_a_map_that_only_changed_its_scales_is_read_as_before(
    before: TimmPatchEncoder, network: StarterSegmenterNetwork, pictures: PictureSet
) -> None:
    after = copy.deepcopy(before)
    norm = after.backbone.blocks[-1][-1].bn3
    factors = torch.where(torch.arange(len(norm.weight)) % 2 == 0, -2.0, 0.5)
    norm.weight.mul_(factors)
    norm.bias.mul_(factors)
    layer = network.pyramid.from_32
    image, _ = draw_crowded(only_one_piece(pictures), np.random.default_rng((0, 3)), retextured=0.0)
    pixels = before.normalised([fit_image(image, size=before.image_size, geometry=before.geometry)])
    old_map, new_map = (one.patches_and_maps(pixels)[1][-1] for one in (before, after))
    with torch.no_grad():
        expected = layer(old_map)
        unread = (layer(new_map) - expected).square().mean() / expected.var()
    lost = refit_to_encoder(network, before=before, after=after, pictures=pictures, scenes=30, seed=0)
    assert 0.0 <= lost < 0.1
    with torch.no_grad():
        left = (layer(new_map) - expected).square().mean() / expected.var()
    assert left < 0.3 * unread


def test_other_maps_before_stride_32_are_refused(
    before: TimmPatchEncoder, network: StarterSegmenterNetwork, pictures: PictureSet
) -> None:
    after = copy.deepcopy(before)
    after.backbone.conv_stem.weight.mul_(1.5)
    with pytest.raises(ValueError, match="differ before stride 32"):
        refit_to_encoder(network, before=before, after=after, pictures=pictures, scenes=1, seed=0)

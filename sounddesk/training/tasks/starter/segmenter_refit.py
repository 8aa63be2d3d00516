"""Adapts a segmenter to an image encoder whose last blocks were tuned further, without retraining it.

Where the blocks up to stride 16 stay as they were (`frozen_blocks` of the encoder's recipe), the refiner sees nothing
new, and the pyramid only another map of stride 32. What its layer made of the old map is linear in that map, so least
squares find the layer that makes most of it of the new one.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sounddesk.engine.models.image_encoder import MAP_STRIDES
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import fit_image
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.scene_bank import PictureSet
from sounddesk.training.tasks.starter.scene_files import draw_crowded
from sounddesk.training.tasks.starter.scene_files import only_one_piece

# Ridge, in shares of the mean square of the map's channels: many of them nearly repeat others.
_RIDGE = 1e-4


@torch.no_grad()
def refit_to_encoder(
    network: StarterSegmenterNetwork,
    *,
    before: TimmPatchEncoder,
    after: TimmPatchEncoder,
    pictures: PictureSet,
    scenes: int,
    seed: int,
) -> float:
    """Change the layer of stride 32 in place; gives the share of its old answers' variance that is lost (0 to 1).

    Args:
        network: trained on `before`.
        scenes: crowded scenes of `pictures` that both encoders look at; each gives 400 equations at 640 pixels.

    Raises:
        DataError: the maps up to stride 16 differ, so that more than one layer would have to change.
    """
    pictures = only_one_piece(pictures)
    layer = network.pyramid.from_32
    products: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for index in range(scenes):
        image, _ = draw_crowded(pictures, np.random.default_rng((seed, index)), retextured=0.0)
        pixels = after.normalised([fit_image(image, size=after.image_size, geometry=after.geometry)])
        old_maps, new_maps = (one.feature_maps(pixels, strides=MAP_STRIDES) for one in (before, after))
        if not all(torch.allclose(old, new, atol=1e-3) for old, new in zip(old_maps[:-1], new_maps[:-1], strict=True)):
            raise DataError("the encoders differ before stride 32: train the segmenter again on the new one")
        wanted = layer(old_maps[-1])[0].flatten(1).T.double()
        given = _with_one(new_maps[-1][0].flatten(1).T.double())
        products.append((given.T @ given, given.T @ wanted, wanted.sum(dim=0), wanted.square().sum(dim=0)))
    squares, crossed, sums, wanted_squares = (torch.stack(parts).sum(dim=0) for parts in zip(*products, strict=True))
    ridge = _RIDGE * squares.diagonal().mean() * torch.eye(len(squares), dtype=squares.dtype)
    solution = torch.linalg.solve(squares + ridge, crossed)
    layer.weight.copy_(solution[:-1].T[:, :, None, None])
    assert layer.bias is not None
    layer.bias.copy_(solution[-1])
    count = squares[-1, -1]
    left = (wanted_squares - 2 * (solution * crossed).sum(dim=0) + (solution * (squares @ solution)).sum(dim=0)).sum()
    return float(left / (wanted_squares - sums.square() / count).sum())


def _with_one(rows: Tensor) -> Tensor:
    return torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)

"""Geometry of images and masks, and the two kinds of patch encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from typing import Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers.models.clip.configuration_clip import CLIPVisionConfig
from transformers.models.clip.modeling_clip import CLIPVisionModelWithProjection

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.models.image_encoder import ClipPatchEncoder
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import fit_image
from sounddesk.engine.models.image_encoder import fit_mask


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("geometry", ["squash", "crop"])
def test_a_mask_goes_through_the_same_geometry_as_its_image(geometry: Literal["squash", "crop"]) -> None:
    """A red object in a grey image: the patches that are red are the patches that the mask covers."""
    image = np.full((90, 210, 3), 120, dtype=np.uint8)
    mask = np.zeros((90, 210), dtype=np.bool_)
    mask[10:50, 70:120] = True
    image[mask] = (255, 0, 0)
    fitted = fit_image(image, size=70, geometry=geometry)
    redness = (fitted[..., 0].astype(float) - 120) / (255 - 120)
    seen = patch_coverage(np.clip(redness, 0, 1), grid=(7, 7))
    told = patch_coverage(fit_mask(mask, geometry=geometry), grid=(7, 7))
    np.testing.assert_allclose(seen, told, atol=0.08)


def test_squash_keeps_an_object_at_the_side_and_crop_loses_it() -> None:
    mask = np.zeros((100, 300), dtype=np.bool_)
    mask[:, :40] = True
    assert patch_coverage(fit_mask(mask, geometry="squash"), grid=(7, 7)).any()
    assert not patch_coverage(fit_mask(mask, geometry="crop"), grid=(7, 7)).any()


@pytest.mark.parametrize(("pool", "grid"), [(1, (4, 4)), (2, (2, 2))])
def test_timm_patches_run_row_by_row_over_the_feature_map(pool: int, grid: tuple[int, int], tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = TimmPatchEncoder(architecture="test_efficientnet", image_size=128, pool=pool).eval()
    assert encoder.grid == grid
    patches = encoder.encode([picture(100, 160), picture(300, 200)])
    assert patches.shape == (2, grid[0] * grid[1], encoder.width)
    pixels = (torch.from_numpy(fit_image(picture(100, 160), size=128, geometry="squash")).float() - 127) / 128
    with torch.no_grad():
        features = encoder.backbone.forward_features(pixels.permute(2, 0, 1)[None])
    if pool == 2:
        features = features.reshape(1, -1, 2, 2, 2, 2).mean(dim=(3, 5))
    torch.testing.assert_close(patches[0, 1], features[0, :, 0, 1], atol=1e-4, rtol=1e-4)
    (tmp_path / "config.json").write_text(json.dumps(encoder.config()))
    save_file(encoder.backbone.state_dict(), tmp_path / "model.safetensors")
    loaded = load_image_encoder("TimmPatchEncoder", tmp_path)
    torch.testing.assert_close(loaded.encode([picture(100, 160)])[0], patches[0], atol=1e-5, rtol=1e-5)


def clip_folder(folder: Path, **options: Any) -> Path:
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=224, patch_size=32,
        projection_dim=24,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    (folder / "patches.json").write_text(json.dumps(options))
    return folder


def test_clip_patches_are_49_projected_by_default_or_hidden(tmp_path: Path) -> None:
    image = picture(120, 90)
    projected = load_image_encoder("CLIPVisionModelWithProjection", clip_folder(tmp_path / "a"))
    hidden = load_image_encoder("CLIPVisionModelWithProjection", clip_folder(tmp_path / "b", features="hidden"))
    assert isinstance(projected, ClipPatchEncoder)
    assert projected.grid == (7, 7)
    assert projected.encode([image]).shape == (1, 49, 24)
    assert hidden.encode([image]).shape == (1, 49, 32)
    model: Any = projected.model
    with torch.no_grad():
        expected = model.visual_projection(model.vision_model.post_layernorm(hidden.encode([image])))
    torch.testing.assert_close(projected.encode([image]), expected, atol=1e-5, rtol=1e-5)


def test_unknown_class_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'Dino'"):
        load_image_encoder("Dino", tmp_path)

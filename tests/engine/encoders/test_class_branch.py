"""The published network's own last blocks and classifier, beside tuned ones on the same early blocks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sounddesk.engine.encoders.class_branch import CLASS_BRANCH_FILE
from sounddesk.engine.encoders.class_branch import shared_blocks
from sounddesk.engine.encoders.image import TimmPatchEncoder
from sounddesk.engine.encoders.image import load_image_encoder

CLASSES = 7


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (150, 200, 3), dtype=np.uint8)


def encoder(*, pool: int = 1, classes: int = CLASSES) -> TimmPatchEncoder:
    torch.manual_seed(0)
    return TimmPatchEncoder(architecture="test_efficientnet", image_size=128, pool=pool, classes=classes).eval()


@pytest.mark.parametrize("pool", [1, 2])
def test_the_logits_of_an_untuned_encoder_are_the_classifier_s_answer_to_its_features(pool: int) -> None:
    model = encoder(pool=pool)
    assert model.class_branch is not None
    patches = model.encode([picture(0), picture(1)])
    assert patches.shape == (2, (4 // pool) ** 2, model.width + CLASSES)
    features, logits = patches[..., : model.width], patches[..., model.width :]
    torch.testing.assert_close(logits, model.class_branch.classifier(features), atol=1e-4, rtol=1e-4)


def test_the_features_are_those_of_an_encoder_without_classes() -> None:
    model, plain = encoder(), encoder(classes=0)
    plain.backbone.load_state_dict(model.backbone.state_dict())
    expected = plain.encode([picture()])
    torch.testing.assert_close(model.encode([picture()])[..., : model.width], expected, atol=1e-4, rtol=1e-4)


def test_tuning_the_last_blocks_leaves_the_classes_as_they_were() -> None:
    model = encoder()
    before = model.encode([picture()])
    shared = shared_blocks(model.backbone)
    assert 0 < shared < len(model.backbone.blocks)
    with torch.no_grad():
        for part in (*model.backbone.blocks[shared:], model.backbone.conv_head):
            for parameter in part.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    after = model.encode([picture()])
    assert not torch.allclose(after[..., : model.width], before[..., : model.width], atol=1e-2)
    assert torch.equal(after[..., model.width :], before[..., model.width :])


def test_taps_give_the_same_patches_as_encode() -> None:
    model = encoder()
    pixels = model.normalised([np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)])
    with torch.no_grad():
        assert torch.equal(model.taps(pixels)[0], model(pixels))


def test_a_folder_holds_the_branch_in_a_file_of_its_own(tmp_path: Path) -> None:
    model = encoder()
    assert model.class_branch is not None
    (tmp_path / "config.json").write_text(json.dumps(model.config()))
    save_file(model.backbone.state_dict(), tmp_path / "model.safetensors")
    save_file(model.class_branch.state_dict(), tmp_path / CLASS_BRANCH_FILE)
    loaded = load_image_encoder("TimmPatchEncoder", tmp_path)
    assert loaded.classes == CLASSES
    torch.testing.assert_close(loaded.encode([picture()]), model.encode([picture()]))
    # A folder of before classes were known.
    config = model.config()
    del config["classes"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert load_image_encoder("TimmPatchEncoder", tmp_path).encode([picture()]).shape[-1] == model.width

"""The published network's own last blocks and classifier, beside tuned ones on the same early blocks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.starter.class_branch import CLASS_BRANCH_FILE
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.class_branch import shared_blocks
from sounddesk.engine.starter.object_crop import crop_side
from sounddesk.engine.starter.object_crop import encode_crops

CLASSES = 7


def region(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (128, 128, 3), dtype=np.uint8)


def encoder(
    *, image_size: int = 128, pool: int = 1, kinds: int = 0, kind_blocks: bool = False
) -> ClassifyingPatchEncoder:
    torch.manual_seed(0)
    return ClassifyingPatchEncoder(
        architecture="test_efficientnet",
        image_size=image_size,
        pool=pool,
        classes=CLASSES,
        kinds=kinds,
        kind_blocks=kind_blocks,
    ).eval()


def plain_encoder() -> TimmPatchEncoder:
    return TimmPatchEncoder(architecture="test_efficientnet", image_size=128).eval()


def test_the_logits_of_an_untuned_encoder_are_the_classifier_s_answer_to_its_features() -> None:
    model = encoder()
    patches, logits = encode_crops(model, [region(0), region(1)])
    assert logits.shape == (2, 16, CLASSES)
    torch.testing.assert_close(logits, model.class_branch.classifier(patches), atol=1e-4, rtol=1e-4)


def test_a_region_is_seen_on_the_grid_of_an_image_and_without_averages() -> None:
    model, plain = encoder(image_size=256, pool=2), encoder()
    plain.load_state_dict(model.state_dict())
    assert crop_side(model) == 128
    patches, _ = encode_crops(model, [region()])
    assert patches.shape == model.encode([region()]).shape == (1, 16, model.width)
    torch.testing.assert_close(patches, plain.encode([region()]), atol=1e-4, rtol=1e-4)


def flat(features: torch.Tensor) -> torch.Tensor:
    return features.flatten(2).transpose(1, 2)


def test_the_kinds_of_a_bundle_stand_behind_the_classes() -> None:
    model = encoder(kinds=3)
    branch = model.class_branch
    assert branch.kinds is not None
    assert branch.kind_blocks is None
    _, logits = encode_crops(model, [region()])
    assert logits.shape == (1, 16, CLASSES + 3)
    shared = model.shared_map([region()])
    assert shared.shape[2:] == (8, 8)
    with torch.no_grad():
        features = flat(branch(shared))
        assert features.shape == (1, 16, model.width)
        torch.testing.assert_close(logits[..., CLASSES:], branch.kinds(features))
        torch.testing.assert_close(logits[..., :CLASSES], branch.classifier(features))


def test_blocks_tuned_to_the_kinds_tell_the_kinds_alone() -> None:
    model = encoder(kinds=3, kind_blocks=True)
    branch = model.class_branch
    assert branch.kinds is not None
    assert branch.kind_blocks is not None
    _, before = encode_crops(model, [region()])
    with torch.no_grad():
        # As copies of the untouched blocks they say the same.
        shared = model.shared_map([region()])
        torch.testing.assert_close(before[..., CLASSES:], branch.kinds(flat(branch(shared))))
        branch.kind_blocks.bn2.bias += 1.0
        _, after = encode_crops(model, [region()])
        assert torch.equal(after[..., :CLASSES], before[..., :CLASSES])
        torch.testing.assert_close(after[..., CLASSES:], branch.kinds(flat(branch.kind_blocks(shared))))
    assert not torch.allclose(after[..., CLASSES:], before[..., CLASSES:])


def test_an_encoder_without_classes_tells_none() -> None:
    patches, logits = encode_crops(plain_encoder(), [region()])
    assert logits.shape == (*patches.shape[:2], 0)


def test_tuning_the_last_blocks_leaves_the_classes_as_they_were() -> None:
    model = encoder()
    patches, logits = encode_crops(model, [region()])
    shared = shared_blocks(model.backbone)
    assert 0 < shared < len(model.backbone.blocks)
    with torch.no_grad():
        for part in (*model.backbone.blocks[shared:], model.backbone.conv_head):
            for parameter in part.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    tuned, same = encode_crops(model, [region()])
    assert not torch.allclose(tuned, patches, atol=1e-2)
    assert torch.equal(same, logits)


@pytest.mark.parametrize("kind_blocks", [False, True])
def test_a_folder_holds_the_branch_in_a_file_of_its_own(tmp_path: Path, kind_blocks: bool) -> None:
    model = encoder(kinds=3, kind_blocks=kind_blocks)
    (tmp_path / "config.json").write_text(json.dumps(model.config()))
    save_file(model.backbone.state_dict(), tmp_path / "model.safetensors")
    save_file(model.class_branch.state_dict(), tmp_path / CLASS_BRANCH_FILE)
    loaded = load_image_encoder("TimmPatchEncoder", tmp_path)
    assert isinstance(loaded, ClassifyingPatchEncoder)
    assert (loaded.classes, loaded.kinds) == (CLASSES, 3)
    torch.testing.assert_close(encode_crops(loaded, [region()]), encode_crops(model, [region()]))
    # A folder of before classes were known.
    config = model.config()
    del config["classes"], config["kinds"], config["kind_blocks"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert type(load_image_encoder("TimmPatchEncoder", tmp_path)) is TimmPatchEncoder
    # One of when they were, and switched off.
    (tmp_path / "config.json").write_text(json.dumps({**config, "classes": 0, "kinds": 0, "kind_blocks": False}))
    assert type(load_image_encoder("TimmPatchEncoder", tmp_path)) is TimmPatchEncoder

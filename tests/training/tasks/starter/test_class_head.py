"""The blocks tuned to the kinds and their classifier: trained, exported and known to a grounding on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.generation.patch_weights import patch_coverage
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder
from sounddesk.engine.starter.object_crop import crop_object
from sounddesk.engine.starter.object_crop import crop_side
from sounddesk.engine.starter.object_crop import encode_crops
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.runner import run_recipe
from sounddesk.training.tasks.starter.class_head import ClassHeadModelRecipe
from sounddesk.training.tasks.starter.class_head import ClassHeadTask
from tests.tiny_bundle import _save_image_encoder
from tests.tiny_bundle import _save_text_encoder
from tests.training.tiny_data import build_tiny_data

CLASSES = 5
MODEL = {"scenes": 40, "noise": 0.1, "dropout": 0.0, "warped": 0.5}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class_head")
    build_tiny_data(folder / "data")
    (folder / "encoders").mkdir()
    _save_text_encoder(folder / "encoders" / "text_encoder")
    _save_image_encoder(folder / "encoders" / "image_encoder", classes=CLASSES)
    run(folder, "class_head", model=MODEL, steps=150)
    return folder


def run(folder: Path, task: str, *, model: dict[str, object], steps: int, encoders: str = "encoders") -> None:
    recipe = {
        "task": task,
        "data": str(folder / "data"),
        "run_dir": str(folder / task),
        "inputs": {"encoders": str(folder / encoders)},
        "model": model,
        "optimiser": {"steps": steps, "batch_size": 16, "learning_rate": 0.01, "weight_decay": 0.0, "ema_decay": 0.5},
    }
    (folder / f"{task}.yaml").write_text(yaml.safe_dump(recipe))
    run_recipe(folder / f"{task}.yaml")


@pytest.mark.slow
def test_the_exported_encoder_tells_the_kinds_of_its_pictures(work: Path) -> None:
    encoder = load_image_encoder("TimmPatchEncoder", work / "class_head/export/image_encoder")
    kinds = [kind.name for kind in read_kinds(work / "data")]
    assert isinstance(encoder, ClassifyingPatchEncoder)
    assert (encoder.classes, encoder.kinds) == (CLASSES, len(kinds))
    right = []
    for kind, cut_outs in read_pictures(work / "data", split="train").cut_outs.items():
        for cut_out in cut_outs:
            crop = crop_object(
                np.ascontiguousarray(cut_out[..., :3]), cut_out[..., 3] / np.float32(255), side=crop_side(encoder)
            )
            coverage = torch.from_numpy(patch_coverage(crop.mask, grid=encoder.grid))
            logits = (coverage / coverage.sum()) @ encode_crops(encoder, [crop.pixels])[1][0]
            right.append(kinds[int(logits[CLASSES:].argmax())] == kind)
    # Random features of a tiny network, and three kinds.
    assert np.mean(right) > 0.6


def test_what_was_in_the_branch_stays_and_a_copy_of_its_blocks_is_tuned(work: Path) -> None:
    name = "image_encoder/class_branch.safetensors"
    before, after = load_weights(work / "encoders" / name), load_weights(work / "class_head/export" / name)
    assert all(torch.equal(before[key], after[key]) for key in before)
    new = set(after) - set(before)
    own = {key.removeprefix("kind_blocks.") for key in new} - {"kinds.weight", "kinds.bias"}
    assert own == {key for key in before if not key.startswith("classifier.")}
    changed = {key for key in own if not torch.equal(after[f"kind_blocks.{key}"], before[key])}
    assert "conv_head.weight" in changed
    assert not [key for key in changed if "running_" in key], "batch-norm statistics stay as published"
    assert (work / "class_head/export/text_encoder/config.json").exists()


def made(work: Path, **changes: float) -> ClassHeadTask:
    recipe = ClassHeadModelRecipe(**{**MODEL, **changes})
    return ClassHeadTask(recipe, data_dir=work / "data", inputs={"encoders": work / "encoders"})


def test_the_new_classifier_alone_learns_faster(work: Path) -> None:
    task = made(work, head_factor=7.0)
    (part,) = task.learning_rate_factors
    assert task.learning_rate_factors[part] == 7.0
    assert {name for name, _ in task.module.named_parameters() if part in name} == {"kinds.weight", "kinds.bias"}


@pytest.mark.slow
def test_the_maps_are_made_anew_for_other_data_or_other_pictures(work: Path) -> None:
    file = work / "encoders/closer_bank_40_0.pt"
    assert not (work / "class_head/export" / file.name).exists()
    maps = made(work).maps
    assert torch.equal(made(work).maps, maps)
    stored = torch.load(file, weights_only=True)
    torch.save({**stored, "made_of": ["something else"], "maps": torch.zeros(1, 1, 8, 8)}, file)
    assert torch.equal(made(work).maps, maps)
    for share in ("restyled", "warped"):
        other = made(work, **{share: 1.0}).maps
        assert not (other.shape == maps.shape and torch.equal(other, maps))


def test_a_crop_is_seen_as_often_from_either_side_with_its_mask(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = made(work, noise=0.0)
    seen: list[tuple[torch.Tensor, ...]] = []

    def kind_blocks(maps: torch.Tensor) -> torch.Tensor:
        features = torch.zeros(len(maps), task.tuned.kinds.in_features, *task.coverage.shape[1:])
        # The columns of the map as first features, so that what is pooled tells where the mask was.
        features[:, 0] = torch.arange(features.shape[3])
        seen.append((maps, features))
        return features

    class Blocks(torch.nn.Module):
        forward = staticmethod(kind_blocks)

    monkeypatch.setattr(task.tuned, "kind_blocks", Blocks())
    task.maps = torch.arange(8.0).repeat(1, task.maps.shape[1], 8, 1).half()
    task.coverage = torch.zeros(1, *task.coverage.shape[1:])
    task.coverage[0, 0, 0] = 1.0
    task.wanted = task.wanted[:1]
    with torch.no_grad():
        task.tuned.kinds.weight[0, 0] = 1.0
    pooled: list[torch.Tensor] = []
    task.tuned.kinds.register_forward_pre_hook(lambda _module, inputs: pooled.append(inputs[0][:, 0].detach()))
    task.loss(np.random.default_rng(0), 40)
    mirrored = seen[0][0][:, 0, 0, 0] == 7.0
    assert 8 < int(mirrored.sum()) < 32
    last = task.coverage.shape[2] - 1
    assert torch.equal(pooled[0], torch.where(mirrored, float(last), 0.0))


def test_an_encoder_without_a_branch_is_refused(work: Path) -> None:
    (work / "plain").mkdir()
    _save_image_encoder(work / "plain/image_encoder")
    with pytest.raises(ValueError, match="no class branch"):
        ClassHeadTask(ClassHeadModelRecipe(), data_dir=work / "data", inputs={"encoders": work / "plain"})


def test_a_grounding_on_it_asks_the_kinds(work: Path) -> None:
    model = {
        "width": 32,
        "scenes": 6,
        "warm_start_steps": 5,
        "closer_look": True,
        "class_weight": 0.75,
        "kind_weight": 0.25,
    }
    run(work, "grounding", model=model, steps=2, encoders="class_head/export")
    config = json.loads((work / "grounding/export/grounding/config.json").read_text())
    assert (config["classes"], config["kinds"]) == (CLASSES, 3)
    assert (config["class_weight"], config["kind_weight"]) == (0.75, 0.25)

"""The kinds' own classifier on the class branch: fitted, exported and known to the grounding that is trained on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sounddesk.engine.closer_look import closer_view
from sounddesk.engine.encoders.image import load_image_encoder
from sounddesk.engine.patch_weights import patch_coverage
from sounddesk.engine.quantised_weights import load_weights
from sounddesk.training.class_head_task import ClassHeadModelRecipe
from sounddesk.training.class_head_task import ClassHeadTask
from sounddesk.training.recordings import read_kinds
from sounddesk.training.runner import run_recipe
from sounddesk.training.scene_bank import read_pictures
from tests.tiny_bundle import _save_image_encoder
from tests.tiny_bundle import _save_text_encoder
from tests.training.tiny_data import build_tiny_data

CLASSES = 5
MODEL = {"scenes": 40, "noise": 0.2, "warped": 0.5}


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


def test_the_exported_encoder_tells_the_kinds_of_its_pictures(work: Path) -> None:
    encoder = load_image_encoder("TimmPatchEncoder", work / "class_head/export/image_encoder")
    kinds = [kind.name for kind in read_kinds(work / "data")]
    assert (encoder.classes, encoder.kinds) == (CLASSES, len(kinds))
    right = []
    for kind, cut_outs in read_pictures(work / "data", split="train").cut_outs.items():
        for cut_out in cut_outs:
            view = closer_view(
                np.ascontiguousarray(cut_out[..., :3]), cut_out[..., 3] / np.float32(255), side=encoder.region_side
            )
            coverage = torch.from_numpy(patch_coverage(view.mask, grid=encoder.grid))
            logits = (coverage / coverage.sum()) @ encoder.encode_regions([view.pixels])[1][0]
            right.append(kinds[int(logits[CLASSES:].argmax())] == kind)
    # Random features of a tiny network, and three kinds.
    assert np.mean(right) > 0.6


def test_what_was_in_the_branch_stays_and_the_folded_scaling_changes_nothing(work: Path) -> None:
    name = "image_encoder/class_branch.safetensors"
    before, after = load_weights(work / "encoders" / name), load_weights(work / "class_head/export" / name)
    assert set(after) - set(before) == {"kinds.weight", "kinds.bias"}
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert (work / "class_head/export/text_encoder/config.json").exists()
    task = ClassHeadTask(ClassHeadModelRecipe(**MODEL), data_dir=work / "data", inputs={"encoders": work / "encoders"})
    with torch.no_grad():
        task.head.weight.normal_()
        task.head.bias.normal_()
    task.export(work / "again")
    state = load_weights(work / "again" / name)
    features = task.standard[:4] * task.std + task.mean
    torch.testing.assert_close(
        features @ state["kinds.weight"].T + state["kinds.bias"],
        task.head(task.standard[:4]).detach(),
        atol=1e-3,
        rtol=1e-3,
    )


def test_the_features_are_made_anew_for_other_data(work: Path) -> None:
    file = work / "encoders/closer_bank_40_0.pt"
    before = torch.load(file, weights_only=True)
    assert not (work / "class_head/export" / file.name).exists()
    ClassHeadTask(ClassHeadModelRecipe(**MODEL), data_dir=work / "data", inputs={"encoders": work / "encoders"})
    assert torch.equal(torch.load(file, weights_only=True)["features"], before["features"])
    torch.save({**before, "made_of": ["something else"], "features": torch.zeros(1, 1)}, file)
    ClassHeadTask(ClassHeadModelRecipe(**MODEL), data_dir=work / "data", inputs={"encoders": work / "encoders"})
    assert torch.equal(torch.load(file, weights_only=True)["features"], before["features"])
    for share in ("restyled", "warped"):
        other = ClassHeadModelRecipe(**{**MODEL, share: 1.0})
        ClassHeadTask(other, data_dir=work / "data", inputs={"encoders": work / "encoders"})
        made = torch.load(file, weights_only=True)["features"]
        assert not (made.shape == before["features"].shape and torch.equal(made, before["features"]))


def test_an_encoder_without_a_branch_is_refused(work: Path) -> None:
    (work / "plain").mkdir()
    _save_image_encoder(work / "plain/image_encoder")
    with pytest.raises(ValueError, match="no class branch"):
        ClassHeadTask(ClassHeadModelRecipe(), data_dir=work / "data", inputs={"encoders": work / "plain"})


def test_a_grounding_on_it_asks_the_kinds(work: Path) -> None:
    model = {"width": 32, "scenes": 6, "warm_start_steps": 5, "closer_look": True, "kind_weight": 0.25}
    run(work, "grounding", model=model, steps=2, encoders="class_head/export")
    config = json.loads((work / "grounding/export/grounding/config.json").read_text())
    assert (config["classes"], config["kinds"], config["kind_weight"]) == (CLASSES, 3, 0.25)

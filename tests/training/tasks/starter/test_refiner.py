"""The refiner's task at tiny size: it learns, leaves the rest of the network alone, and what it exports is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.segmenter import StarterSegmenter
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_refiner import HINTS
from sounddesk.training.data.photograph_scenes import read_outlined
from sounddesk.training.data.scene_bank import read_pictures
from sounddesk.training.runner import run_recipe
from sounddesk.training.tasks.starter import refiner as refiner_task
from sounddesk.training.tasks.starter.refiner import RefinerModelRecipe
from sounddesk.training.tasks.starter.refiner import RefinerTask
from sounddesk.training.tasks.starter.refiner_regions import RegionPool
from sounddesk.training.tasks.starter.refiner_regions import RegionSamples
from tests.engine.starter.tiny_segmenter import tiny_network
from tests.tiny_bundle import _save_image_encoder
from tests.training.tiny_data import build_tiny_data
from tests.training.tiny_data import write_tiny_photographs


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refiner")
    build_tiny_data(folder / "data")
    (folder / "encoders").mkdir()
    torch.manual_seed(0)
    _save_image_encoder(folder / "encoders" / "image_encoder")
    tiny_network(encoder_of(folder)).save(folder / "start" / "segmenter")
    write_tiny_photographs(folder / "photographs")
    return folder


def encoder_of(work: Path) -> TimmPatchEncoder:
    return TimmPatchEncoder.load(work / "encoders" / "image_encoder").requires_grad_(False)


@pytest.mark.slow
def test_it_learns_and_changes_the_refiner_alone(work: Path) -> None:
    recipe = {
        "task": "refiner",
        "data": str(work / "data"),
        "run_dir": str(work / "run"),
        "inputs": {name: str(work / name) for name in ("encoders", "scenes", "start", "photographs")},
        "model": {"scenes": 3, "regions": 3},
        "optimiser": {"steps": 100, "batch_size": 2, "learning_rate": 3e-3, "ema_decay": 0.5, "weight_decay": 0.0},
    }
    (work / "run.yaml").write_text(yaml.safe_dump(recipe))
    export = run_recipe(work / "run.yaml")
    rows = [json.loads(line) for line in (work / "run" / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    assert "overlap" in rows[-1]
    assert not list((work / "scenes").glob("*.tmp"))

    before = StarterSegmenterNetwork.load(work / "start" / "segmenter").state_dict()
    network = StarterSegmenterNetwork.load(export / "segmenter")
    assert network.config.refiner_taps == 4
    for name, value in network.state_dict().items():
        assert name.startswith("refiner.") or torch.equal(value, before[name]), name
    assert not torch.equal(network.refiner.answer.weight, before["refiner.answer.weight"])
    segmenter = StarterSegmenter(network, encoder_of(work))
    encoded = segmenter.encode(np.full((60, 80, 3), 90, np.uint8))
    assert segmenter.predict(encoded, Prompt(box=(10, 10, 70, 50)))


def task_of(work: Path, **recipe: float) -> RefinerTask:
    inputs = {name: work / name for name in ("encoders", "scenes", "start", "photographs")}
    return RefinerTask(RefinerModelRecipe(scenes=3, regions=3, **recipe), data_dir=work / "data", inputs=inputs)


def test_a_map_that_is_new_changes_nothing_at_first(work: Path) -> None:
    task = task_of(work)
    pool = task.pool[0]
    torch.manual_seed(0)
    hints = torch.randn(len(pool), HINTS, 32, 32)
    before = tiny_network(encoder_of(work)).refiner
    assert len(pool.feature_maps) == 4
    assert len(before.config.strides) == 3
    expected, _ = before(pool.pixels, pool.feature_maps, hints)
    assert torch.equal(task.network.refiner(pool.pixels, pool.feature_maps, hints)[0], expected)


@pytest.mark.parametrize(("first", "clicks"), [(1.0, {0, 1}), (0.0, {1, 2, 3, 4, 5})])
def test_prompts_come_all_at_once_and_the_answer_only_to_a_repeated_one(
    work: Path, monkeypatch: pytest.MonkeyPatch, first: float, clicks: set[int]
) -> None:
    counts: set[int] = set()
    answered: list[bool] = []
    real = refiner_task.hints_of

    def hints(guess: np.ndarray, **told: Any) -> np.ndarray:
        answered.append(told["earlier"] is not None)
        if not answered[-1]:
            counts.add(len(told["labels"]))
        return real(guess, **told)

    monkeypatch.setattr(refiner_task, "hints_of", hints)
    task, rng = task_of(work, first=first, repeated=1.0), np.random.default_rng(0)
    for _ in range(8):
        answered.clear()
        task.loss(rng, 2)
        assert answered == [False] * 6 + [True] * 6
    assert counts <= clicks
    assert max(counts) == max(clicks)


@pytest.mark.slow
def test_regions_are_the_same_from_their_file_and_hold_their_object(work: Path) -> None:
    def pool(folder: str) -> RegionPool:
        encoder = encoder_of(work)
        return RegionPool(
            work / folder,
            pictures=read_pictures(work / "data", split="train"),
            encoder=encoder,
            network=tiny_network(encoder),
            scenes=6,
            seed=4,
            retextured=0.5,
            photographs=read_outlined(work / "photographs"),
            photograph_share=0.5,
            boxes=0.5,
        )

    made, kept, again = pool("one")[1], pool("one")[1], pool("two")[1]
    for other in (kept, again):
        for name in ("pixels", "guesses", "shares", "inside"):
            assert torch.equal(getattr(other, name), getattr(made, name)), name
    everything = RegionSamples.joined([pool("one")[index] for index in range(6)])
    by_box = ~torch.isnan(everything.boxes[:, 0])
    by_click = ~by_box
    assert by_click.any()
    assert by_box.any()
    assert ((everything.labels >= 0).sum(dim=1) == torch.where(by_box, 4, 5)).all()
    assert torch.equal(torch.isnan(everything.clicks[..., 0]), everything.labels < 0)
    # A box holds nearly all of its object, and a first click lies on it.
    assert (everything.inside[by_box] > 0.8).all()
    assert (everything.labels[by_click, 0] == 1).all()
    side = everything.shares.shape[-1]
    for share, (x, y) in zip(everything.shares[by_click], everything.clicks[by_click, 0], strict=True):
        row, column = (min(side - 1, max(0, int(value))) for value in (y, x))
        assert share[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max() > 0

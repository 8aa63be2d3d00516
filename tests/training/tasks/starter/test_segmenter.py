"""The segmenter's task at tiny size: it learns, exports, resumes from an export, and its prompts are honest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.starter.segmenter import StarterSegmenter
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.training.runner import run_recipe
from sounddesk.training.tasks.starter.segmenter import mask_losses
from sounddesk.training.tasks.starter.segmenter import truths_of
from sounddesk.training.tasks.starter.segmenter_prompts import click_in
from sounddesk.training.tasks.starter.segmenter_prompts import correction
from sounddesk.training.tasks.starter.segmenter_prompts import loose_box
from tests.tiny_bundle import _save_image_encoder
from tests.training.tiny_data import build_tiny_data

MODEL = {"width": 16, "depth": 1, "heads": 2, "mlp_width": 16, "scenes": 3, "prompts": 2, "affinity_places": 4}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segmenter")
    build_tiny_data(folder / "data")
    (folder / "encoders").mkdir()
    torch.manual_seed(0)
    _save_image_encoder(folder / "encoders" / "image_encoder")
    return folder


def run(work: Path, name: str, *, steps: int, inputs: dict[str, str] | None = None, **model: object) -> Path:
    recipe = {
        "task": "segmenter",
        "data": str(work / "data"),
        "run_dir": str(work / name),
        "inputs": {"encoders": str(work / "encoders"), "scenes": str(work / "scenes"), **(inputs or {})},
        "model": {**MODEL, **model},
        "optimiser": {"steps": steps, "batch_size": 2, "learning_rate": 3e-3, "ema_decay": 0.5, "weight_decay": 0.0},
    }
    (work / f"{name}.yaml").write_text(yaml.safe_dump(recipe))
    return run_recipe(work / f"{name}.yaml")


def losses(work: Path, name: str) -> list[float]:
    return [json.loads(line)["loss"] for line in (work / name / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_it_learns_exports_and_goes_on(work: Path) -> None:
    export = run(work, "affinity", steps=75, rounds=0)
    alone = losses(work, "affinity")
    assert alone[-1] < 0.8 * alone[0]
    assert len(list((work / "scenes").glob("*.safetensors"))) == 3
    assert not list((work / "scenes").glob("*.tmp"))

    export = run(work, "whole", steps=50, inputs={"start": str(export)})
    figures = [json.loads(line) for line in (work / "whole" / "log.jsonl").read_text().splitlines()]
    assert figures[-1]["affinity"] > 0
    assert {"first", "corrected"} <= set(figures[-1])
    encoder = TimmPatchEncoder.load(work / "encoders" / "image_encoder")
    segmenter = StarterSegmenter(StarterSegmenterNetwork.load(export / "segmenter"), encoder)
    encoded = segmenter.encode(np.full((60, 80, 3), 90, np.uint8))
    assert segmenter.predict(encoded, Prompt(box=(0, 0, 80, 60)))


def test_a_perfect_answer_costs_nothing_and_a_wrong_one_all() -> None:
    shares = torch.zeros(2, 8, 8)
    shares[:, :4] = 1
    right = (shares[:, None] * 2 - 1) * 20
    loss, overlaps = mask_losses(torch.cat([right, -right], dim=1), shares, focal_weight=20)
    assert loss.shape == (2, 2)
    assert loss[:, 0].max() < 1e-3
    assert loss[:, 1].min() > 20
    assert overlaps.tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_thin_objects_keep_their_fullest_cells() -> None:
    shares = torch.zeros(2, 4, 4)
    shares[0, 1] = torch.tensor([0.3, 0.1, 0.3, 0.0])
    shares[1, :2] = torch.tensor([1.0, 0.6, 0.4, 0.0])
    truths = truths_of(shares)
    assert truths[0].tolist()[1] == [True, False, True, False]
    assert truths[1].tolist()[0] == [True, True, False, False]


def test_corrections_lie_where_the_answer_is_wrong() -> None:
    truth = np.zeros((20, 20), dtype=np.bool_)
    truth[5:15, 5:15] = True
    answer = truth.copy()
    answer[5:10, 5:15] = False  # missed
    answer[17:19, 0:3] = True  # too much
    rng = np.random.default_rng(0)
    labels = set()
    for _ in range(60):
        (x, y), label = correction(answer, truth, rng)
        row, column = int((y + 0.5) / 4), int((x + 0.5) / 4)
        assert answer[row, column] != truth[row, column]
        assert truth[row, column] == bool(label)
        labels.add(label)
    assert labels == {0, 1}
    (x, y), label = correction(truth, truth, rng)
    assert truth[int((y + 0.5) / 4), int((x + 0.5) / 4)]
    assert label == 1


def test_clicks_and_boxes_stay_on_their_object_and_in_the_image() -> None:
    rng = np.random.default_rng(0)
    region = np.zeros((20, 20), dtype=np.bool_)
    region[3, 4] = True
    for _ in range(20):
        x, y = click_in(region, rng)
        assert 16 <= x + 0.5 <= 20
        assert 12 <= y + 0.5 <= 16
    box = np.array([0, 10, 40, 80], np.float32)
    for _ in range(50):
        left, top, right, bottom = loose_box(box, size=80, rng=rng) + 0.5
        assert 0 <= left < right <= 80
        assert 0 <= top < bottom <= 80
        assert abs(left - 0) <= 20
        assert abs(right - 40) <= 40
    thin = np.array([10, 10, 12, 70], np.float32)
    assert all(loose_box(thin, size=80, rng=rng)[2] > loose_box(thin, size=80, rng=rng)[0] - 3 for _ in range(20))

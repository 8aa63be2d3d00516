"""The shared loop: exact resume, divergence, cancellation, averages; and the tasks learn on tiny data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.training.loop.averages import Averages
from sounddesk.training.loop.checkpoint import Ema
from sounddesk.training.loop.checkpoint import load_checkpoint
from sounddesk.training.loop.loop import TrainingDiverged
from sounddesk.training.loop.loop import train
from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe


class LineTask:
    """Fit y = 3 x + 1 with noise from both generators that a task may use."""

    def __init__(self, *, poison_at: float = np.inf) -> None:
        torch.manual_seed(0)
        self.module: nn.Module = nn.Linear(1, 1)
        self.learning_rate_factors: dict[str, float] = {}
        self.poison_at = poison_at
        self.calls = 0

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        self.calls += 1
        x = torch.from_numpy(rng.standard_normal((batch_size, 1)).astype(np.float32))
        y = 3 * x + 1 + 0.1 * torch.randn(batch_size, 1)
        loss = (self.module(x) - y).square().mean()
        return (loss * float("nan") if self.calls > self.poison_at else loss), {"calls": float(self.calls)}

    def export(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(self.module.state_dict(), folder / "line.pt")


def recipe(steps: int, **changes: object) -> OptimiserRecipe:
    options = {"learning_rate": 0.05, "ema_decay": 0.9, "schedule": "constant"} | changes
    return OptimiserRecipe(steps=steps, batch_size=8, **options)  # type: ignore[arg-type]


def exported(run_dir: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(run_dir / "export" / "line.pt", weights_only=True)
    return state


def test_an_interrupted_run_continued_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    train(LineTask(), recipe(40), seed=5, run_dir=tmp_path / "whole")
    token = CancelToken()

    def stop_half_way(progress: Progress) -> None:
        if progress.done == 17:
            token.cancel()

    with pytest.raises(Cancelled):
        train(LineTask(), recipe(40), seed=5, run_dir=tmp_path / "parts", on_progress=stop_half_way, cancel=token)
    state = load_checkpoint(tmp_path / "parts")
    assert state is not None
    assert state["step"] == 17
    train(LineTask(), recipe(40), seed=5, run_dir=tmp_path / "parts")
    whole, parts = exported(tmp_path / "whole"), exported(tmp_path / "parts")
    for key, value in whole.items():
        assert torch.equal(value, parts[key])
    train(LineTask(), recipe(40), seed=6, run_dir=tmp_path / "other")
    assert not torch.equal(whole["weight"], exported(tmp_path / "other")["weight"])


def test_it_learns_and_exports_the_averaged_weights(tmp_path: Path) -> None:
    train(LineTask(), recipe(300), seed=1, run_dir=tmp_path)
    assert exported(tmp_path)["weight"].item() == pytest.approx(3.0, abs=0.1)
    assert exported(tmp_path)["bias"].item() == pytest.approx(1.0, abs=0.1)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[0]["loss"] > rows[-1]["loss"]
    assert rows[-1]["step"] == 300


def test_a_figure_is_averaged_over_the_steps_that_told_it() -> None:
    averages = Averages()
    for figures in ({"loss": 1.0, "corrected": 0.8}, {"loss": 3.0}):
        averages.add(figures)
    assert averages.take() == {"loss": 2.0, "corrected": 0.8}
    assert averages.take() == {}


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    train(LineTask(), recipe(10), seed=1, run_dir=tmp_path)
    with pytest.raises(TrainingDiverged, match="at step 13"):
        train(LineTask(poison_at=3), recipe(30), seed=1, run_dir=tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None
    assert state["step"] == 10


def test_learning_rate_warms_up_and_falls_to_a_twentieth() -> None:
    plan = recipe(110, schedule="cosine", warmup_steps=10, learning_rate=1.0)
    assert plan.learning_rate_at(0) == pytest.approx(0.1)
    assert plan.learning_rate_at(10) == pytest.approx(1.0)
    assert plan.learning_rate_at(110) == pytest.approx(0.05)
    assert recipe(10, learning_rate=1.0).learning_rate_at(9) == 1.0


def test_ema_starts_quickly_and_then_uses_its_decay() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    ema = Ema(module, decay=0.5)
    nn.init.ones_(module.weight)
    ema.update(module)
    assert ema.shadow["weight"].item() == pytest.approx(1 - 2 / 11)
    for _ in range(60):
        ema.update(module)
    nn.init.zeros_(module.weight)
    ema.update(module)
    assert ema.shadow["weight"].item() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("key", "value"), [("schedule", "linear"), ("precision", "float8")])
def test_unknown_choices_are_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        recipe(1, **{key: value})


def test_learning_rate_factors_apply_to_the_named_parameters(tmp_path: Path) -> None:
    task = LineTask()
    task.learning_rate_factors = {"bias": 0.0}
    before = task.module.bias.item()  # type: ignore[operator,union-attr]
    train(task, recipe(20, ema_decay=0.0), seed=1, run_dir=tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None
    assert state["module"]["bias"].item() == before
    assert state["module"]["weight"].item() != 0

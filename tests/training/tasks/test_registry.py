"""Every registered task: what its entry promises, and that a new one takes its module alone."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor
from torch import nn

from sounddesk.domain.registry import DuplicateNameError
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import model_recipe
from sounddesk.training.runner import run_recipe
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry

ROOT = Path(__file__).parents[3]
SHIPPED = [
    path for path in sorted((ROOT / "resources" / "recipes").rglob("*.yaml")) if path.read_text().count("\ntask: ")
]


@pytest.mark.parametrize("entry", TASKS, ids=lambda entry: entry.name)
def test_an_entry_says_what_it_trains_and_fills_its_model_section_with_defaults(entry: TaskEntry) -> None:
    assert entry.name == entry.name.lower()
    assert entry.summary
    assert dataclasses.is_dataclass(entry.model_recipe)
    assert entry.model_recipe.__dataclass_params__.frozen  # type: ignore[attr-defined]
    recipe = build(
        RunRecipe, {"task": entry.name, "data": "d", "run_dir": "r", "optimiser": {"steps": 1, "batch_size": 1}}
    )
    assert isinstance(model_recipe(recipe), entry.model_recipe)
    with pytest.raises(TrainingRecipeError, match="model.no_such_key is not a key"):
        model_recipe(dataclasses.replace(recipe, model={"no_such_key": 1}))


@pytest.mark.parametrize("entry", TASKS, ids=lambda entry: entry.name)
def test_an_entry_stands_in_a_module_of_its_name(entry: TaskEntry) -> None:
    module = entry.model_recipe.__module__.rpartition(".")[2]
    assert module.removesuffix("_recipe") == entry.name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_recipe_can_be_read(path: Path) -> None:
    recipe = build(RunRecipe, read_recipe(path))
    assert recipe.task in TASKS
    model_recipe(recipe)


def test_every_task_has_a_recipe_to_start_from() -> None:
    with_recipe = {str(read_recipe(path)["task"]) for path in SHIPPED}
    assert with_recipe == set(TASKS.names())


@pytest.mark.slow
def test_a_recipe_is_refused_before_the_libraries_of_other_tasks_are_imported() -> None:
    code = """
        import sys
        from sounddesk.training.tasks.registry import TASKS
        TASKS.get("fine_tune")
        print([name for name in sys.modules if name.startswith(("diffusers", "sounddesk.training.tasks.codec"))])
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "[]"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeanModelRecipe:
    """Of the dummy: what it shall come to."""

    wanted: float = 3.0


class MeanTask:
    """Learns one number."""

    learning_rate_factors: Mapping[str, float] = {}

    def __init__(self, recipe: MeanModelRecipe) -> None:
        self.recipe = recipe
        self.module: nn.Module = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.module.weight)

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        predicted = self.module(torch.ones(batch_size, 1))
        loss = (predicted - self.recipe.wanted).square().mean()
        return loss, {"mean": predicted.mean().item()}

    def export(self, folder: Path) -> None:
        torch.save(self.module.state_dict(), folder / "mean.pt")


def make_mean(recipe: RunRecipe, model: Any, context: TaskContext) -> MeanTask:
    return MeanTask(model)


DUMMY = TaskEntry(
    name="mean", summary="one number", model_recipe=MeanModelRecipe, make=make_mean, needs_starter_data=False
)


def test_a_new_task_is_trained_from_its_entry_alone(tmp_path: Path) -> None:
    recipe = {
        "task": "mean",
        "data": str(tmp_path),
        "run_dir": str(tmp_path / "run"),
        "model": {"wanted": 2.0},
        "optimiser": {"steps": 60, "batch_size": 2, "learning_rate": 0.2, "ema_decay": 0.5},
    }
    file = tmp_path / "mean.yaml"
    file.write_text(yaml.safe_dump(recipe))
    with TASKS.added(DUMMY):
        export = run_recipe(file)
        with pytest.raises(DuplicateNameError, match="there is a task 'mean' already"):
            TASKS.register(DUMMY)
    assert float(torch.load(export / "mean.pt")["weight"]) == pytest.approx(2.0, abs=0.2)
    assert "wanted: 2.0" in (tmp_path / "run" / "recipe_full.yaml").read_text()
    with pytest.raises(TrainingRecipeError, match="task is 'mean': choose from class_head, classifier, codec"):
        run_recipe(file)

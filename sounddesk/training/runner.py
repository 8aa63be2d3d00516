"""Runs training recipes: from a recipe file to exported weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.domain.registry import UnknownNameError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.storage.atomic_file import write_file
from sounddesk.training.data.data_error import DataError
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.recipe import recipe_text
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry

if TYPE_CHECKING:
    from sounddesk.training.loop.training_task import TrainingTask

FULL_RECIPE_NAME: Final = "recipe_full.yaml"
"""In a run's folder: the recipe with every default."""


def model_recipe(recipe: RunRecipe) -> Any:
    """The recipe's `model` section in the dataclass of its task. Raises: TrainingRecipeError, the key is named."""
    return build(task_entry(recipe).model_recipe, recipe.model, where="model")


def task_entry(recipe: RunRecipe) -> TaskEntry:
    """The entry of the task that a recipe names. Raises: TrainingRecipeError."""
    try:
        return TASKS.get(recipe.task)
    except UnknownNameError as error:
        raise TrainingRecipeError(str(error)) from error


def make_task(recipe: RunRecipe, context: TaskContext | None = None) -> TrainingTask:
    """The task that a recipe names, with its data loaded. Raises: TrainingRecipeError."""
    entry = task_entry(recipe)
    if entry.needs_starter_data and not (recipe.data / "table.csv").exists():
        raise TrainingRecipeError(
            f"data folder {recipe.data} has no table.csv: run 'sounddesk train prepare starter' first"
        )
    try:
        return entry.make(recipe, model_recipe(recipe), context or TaskContext())
    except DataError as error:
        raise TrainingRecipeError(str(error)) from error


def run_recipe(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    resume: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Train what the recipe describes; the folder with the exported weights.

    Args:
        tell: gets the recipe in full, what was skipped, and the memory estimate, before the first step.

    Raises:
        TrainingRecipeError: unknown key, wrong type or missing data, named.
        TrainingDiverged: the loss is not a number.
        MissingPackageError: an optional package is needed.
        Cancelled: stopped; a checkpoint was saved and the run can be resumed.
    """
    data = read_recipe(path, overrides)
    recipe = build(RunRecipe, data)
    tell = tell or (lambda _: None)
    full = recipe_text(recipe, model=model_recipe(recipe))
    if recipe.optimiser.threads is not None:
        import torch

        # Before the data are made ready too: on a busy machine threads wait for each other.
        torch.set_num_threads(recipe.optimiser.threads)
    task = make_task(recipe, TaskContext(tell=tell, progress=on_progress, cancel=cancel))
    from sounddesk.training.loop.loop import counted_steps
    from sounddesk.training.loop.loop import train
    from sounddesk.training.loop.memory_estimate import estimate_memory

    tell(full)
    optimiser = counted_steps(task, recipe.optimiser)
    tell(estimate_memory(task, optimiser).text())
    recipe.run_dir.mkdir(parents=True, exist_ok=True)
    write_file(recipe.run_dir / "recipe.json", (json.dumps(data, indent=2, default=str) + "\n").encode())
    write_file(recipe.run_dir / FULL_RECIPE_NAME, full.encode())
    train(
        task,
        optimiser,
        seed=recipe.seed,
        run_dir=recipe.run_dir,
        resume=resume,
        on_progress=on_progress,
        cancel=cancel,
        live=recipe.live,
    )
    return recipe.run_dir / "export"

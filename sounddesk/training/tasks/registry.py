"""The training tasks: one entry each, registered in the task's own module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final
from typing import Protocol

from sounddesk.domain.registry import Registry
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.training.loop.run_recipe import RunRecipe

if TYPE_CHECKING:
    from sounddesk.training.loop.training_task import TrainingTask


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """What a task may report while its data are made ready.

    Attributes:
        tell: gets lines of text, e.g. which clips were skipped.
        progress: called now and then.
        cancel: asked now and then.
        most_clips: of the user's own clips only so many are encoded, for a try; None encodes all.
    """

    tell: Callable[[str], None] = lambda _: None
    progress: Callable[[Progress], None] | None = None
    cancel: CancelToken | None = None
    most_clips: int | None = None


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """A task that recipes can name.

    Attributes:
        name: as in `task: NAME` of a recipe.
        summary: what it trains, in a few words.
        model_recipe: frozen dataclass of the recipe's `model` section.
        make: the task with its data loaded, from the recipe, its `model` section as `model_recipe`, and the context.
            Raises TrainingRecipeError or DataError.
        needs_starter_data: `data` must be a folder that `sounddesk train prepare starter` made.
    """

    name: str
    summary: str
    model_recipe: type
    make: Callable[[RunRecipe, Any, TaskContext], TrainingTask]
    needs_starter_data: bool = True


class _TaskClass(Protocol):
    def __call__(self, model: Any, /, *, data_dir: Path, inputs: dict[str, Path]) -> TrainingTask: ...


def from_inputs(task_class: _TaskClass) -> Callable[[RunRecipe, Any, TaskContext], TrainingTask]:
    """`make` of a task that needs its `model` section, the data folder and the exports of other runs."""

    def make(recipe: RunRecipe, model: Any, _context: TaskContext) -> TrainingTask:
        return task_class(model, data_dir=recipe.data, inputs=recipe.input_folders())

    return make


TASKS: Final[Registry[TaskEntry]] = Registry("task", package="sounddesk.training.tasks")

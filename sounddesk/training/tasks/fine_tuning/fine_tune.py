"""The task `fine_tune`; its libraries are imported when it is made, so that a wrong recipe is refused at once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.run_recipe import AudioRecipe
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.fine_tuning.fine_tune_recipe import FineTuneModelRecipe
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry

if TYPE_CHECKING:
    from sounddesk.training.tasks.fine_tuning.fine_tune_task import FineTuneTask


def _make(recipe: RunRecipe, model: Any, context: TaskContext) -> FineTuneTask:
    from sounddesk.training.tasks.fine_tuning.fine_tune_task import FineTuneTask

    task = FineTuneTask(
        model,
        data_dir=recipe.data,
        cache_dir=model.cache or recipe.run_dir.parent / "cache",
        seed=recipe.seed,
        tell=context.tell,
        progress=context.progress,
        cancel=context.cancel,
        most_clips=context.most_clips,
    )
    there, asked = task.bundle.audio.to_json(), recipe.audio.spec().to_json()
    if recipe.audio != AudioRecipe() and there != asked:
        raise TrainingRecipeError(
            f"recipe.audio is {asked}, bundle {model.bundle!r} has {there}: leave it out or make it equal"
        )
    return task


TASKS.register(
    TaskEntry(
        name="fine_tune",
        summary="a bundle, fine-tuned on the user's clips",
        model_recipe=FineTuneModelRecipe,
        make=_make,
        needs_starter_data=False,
    )
)

"""The task `matching`; its libraries are imported when it is made, so that a wrong recipe is refused at once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.matching.matching_recipe import MatchingModelRecipe
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry

if TYPE_CHECKING:
    from sounddesk.training.tasks.matching.matching_task import MatchingTask


def _make(recipe: RunRecipe, model: Any, _context: TaskContext) -> MatchingTask:
    from sounddesk.training.tasks.matching.matching_task import MatchingTask

    return MatchingTask(model, data_dir=recipe.data, cache_dir=recipe.run_dir.parent / "cache")


TASKS.register(
    TaskEntry(
        name="matching",
        summary="the audio-visual matching model",
        model_recipe=MatchingModelRecipe,
        make=_make,
    )
)

"""One step of a recipe at full size: whether it fits and how long it takes, before hours are spent on it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

from sounddesk.domain.errors import EngineError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import make_task
from sounddesk.training.runner import model_recipe
from sounddesk.training.tasks.registry import TaskContext


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What one step of a recipe took.

    Attributes:
        memory_bytes: estimated for the training device, per process.
        trained, parameters: how many parameters learn, and how many there are.
        step_s: seconds of the step, on the recipe's device.
        random_weights: the recipe's bundle is not installed; one of its size with random weights took its place.
    """

    task: str
    memory_bytes: int
    trained: int
    parameters: int
    step_s: float
    random_weights: bool

    def lines(self) -> list[str]:
        """The result for a reader."""
        told = (
            f"{self.task}: {self.trained / 1e6:.1f} of {self.parameters / 1e6:.1f} million parameters learn, about "
            f"{self.memory_bytes / 2**30:.2f} GiB a process; the first step took {self.step_s:.2f} s. "
            "Nothing was written."
        )
        random = "The bundle is not installed: random weights of its size took its place."
        return [told, random] if self.random_weights else [told]


def dry_run(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    on_progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
    tell: Callable[[str], None] | None = None,
) -> DryRun:
    """Make the recipe's task at its full size, take one step, and throw all of it away.

    Data are read as in a run; of a user's own clips only those of the first batch are encoded.

    Raises:
        TrainingRecipeError: as `run_recipe`.
        TrainingDiverged: the loss is not a number.
        Cancelled: through `cancel`.
    """
    recipe = build(RunRecipe, read_recipe(path, overrides))
    # Keys of the section are checked before anything is made.
    model = model_recipe(recipe)
    from sounddesk.training.loop.loop import timed_step
    from sounddesk.training.loop.memory_estimate import estimate_memory

    if recipe.optimiser.threads is not None:
        import torch

        torch.set_num_threads(recipe.optimiser.threads)
    with tempfile.TemporaryDirectory(prefix="sounddesk-") as scratch, _base_of(model) as base:
        # What is encoded is kept beside the run, so it goes with it.
        changed = {**recipe.model, **({"cache": str(Path(scratch) / "cache")} if hasattr(model, "cache") else {})}
        if base is not None:
            changed["bundle"] = str(base)
        recipe = replace(recipe, run_dir=Path(scratch) / "run", model=changed)
        context = TaskContext(
            tell=tell or (lambda _: None),
            progress=on_progress,
            cancel=cancel,
            most_clips=recipe.optimiser.batch_size,
        )
        task = make_task(recipe, context)
        if cancel is not None:
            cancel.raise_if_cancelled()
        # The number of steps does not matter to one of them.
        optimiser = recipe.optimiser
        if optimiser.epochs is not None:
            optimiser = replace(optimiser, epochs=None, steps=max(1, optimiser.epochs))
        memory = estimate_memory(task, optimiser)
        step_s = timed_step(task, optimiser, seed=recipe.seed, scratch=Path(scratch))
    return DryRun(
        task=recipe.task,
        memory_bytes=memory.weights + memory.activations,
        trained=memory.trained,
        parameters=memory.parameters,
        step_s=step_s,
        random_weights=base is not None,
    )


@contextmanager
def _base_of(model: Any) -> Iterator[Path | None]:
    """The folder of random weights that stands for the paper's bundle where that is not installed, else None."""
    from sounddesk.engine.bundles.installed_bundles import find_bundle
    from sounddesk.engine.bundles.paper_bundles import AUDIOLDM_IDS
    from sounddesk.engine.bundles.paper_bundles import temporary_random_bundle

    name = getattr(model, "bundle", None)
    if name in AUDIOLDM_IDS:
        try:
            find_bundle(name)
        except EngineError:
            with temporary_random_bundle(name) as bundle:
                yield bundle.folder
            return
    yield None

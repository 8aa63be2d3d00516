"""From a recipe file to a finished run."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.storage.atomic_file import write_file
from sounddesk.training.clips.clip_manifest import DataError
from sounddesk.training.loop.optimiser_recipe import LiveRecipe
from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.recipe import recipe_text

if TYPE_CHECKING:
    from sounddesk.training.tasks.training_task import TrainingTask


FULL_RECIPE_NAME: Final = "recipe_full.yaml"
"""In a run's folder: the recipe with every default."""


@dataclass(frozen=True, kw_only=True)
class AudioRecipe:
    """Geometry shared by all tasks of one bundle."""

    mel: MelSpec = field(default_factory=MelSpec)
    latent_channels: int = 8
    time_factor: int = 4
    freq_factor: int = 4
    mel_fold: tuple[int, ...] = (1, 1)
    latent_multiple: int = 8

    def spec(self) -> AudioSpec:
        latent = LatentSpec(
            channels=self.latent_channels,
            time_factor=self.time_factor,
            freq_factor=self.freq_factor,
            mel_fold=(self.mel_fold[0], self.mel_fold[1]),
        )
        return AudioSpec(mel=self.mel, latent=latent, latent_multiple=self.latent_multiple)


@dataclass(frozen=True, kw_only=True)
class RunRecipe:
    """What every recipe says besides its task's own `model` section.

    Attributes:
        inputs: folders of finished runs that this task stands on, by component.
    """

    task: str
    data: Path
    run_dir: Path
    seed: int = 0
    audio: AudioRecipe = field(default_factory=AudioRecipe)
    optimiser: OptimiserRecipe
    live: LiveRecipe = field(default_factory=LiveRecipe)
    inputs: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def input_folders(self) -> dict[str, Path]:
        """`inputs` as paths."""
        return {name: Path(folder) for name, folder in self.inputs.items()}


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """What a task may tell while its data are made ready."""

    tell: Callable[[str], None] = lambda _: None
    progress: Callable[[Progress], None] | None = None
    cancel: CancelToken | None = None


def _codec(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.codec_task import CodecTask

    return CodecTask(model, spec=recipe.audio.spec(), data_dir=recipe.data)


def _vocoder(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.vocoder_task import VocoderTask

    return VocoderTask(model, mel=recipe.audio.mel, data_dir=recipe.data, inputs=recipe.input_folders())


def _grounding(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.grounding_task import GroundingTask

    return GroundingTask(model, data_dir=recipe.data, inputs=recipe.input_folders())


def _encoder(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.encoder_task import EncoderTask

    return EncoderTask(model, data_dir=recipe.data, inputs=recipe.input_folders())


def _class_head(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.class_head_task import ClassHeadTask

    return ClassHeadTask(model, data_dir=recipe.data, inputs=recipe.input_folders())


def _segmenter(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.segmenter_task import SegmenterTask

    return SegmenterTask(model, data_dir=recipe.data, inputs=recipe.input_folders())


def _refiner(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.refiner_task import RefinerTask

    return RefinerTask(model, data_dir=recipe.data, inputs=recipe.input_folders())


def _diffusion(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.diffusion_task import DiffusionTask

    return DiffusionTask(model, spec=recipe.audio.spec(), data_dir=recipe.data, inputs=recipe.input_folders())


def _classifier(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.classifier_task import ClassifierTask

    return ClassifierTask(model, mel=recipe.audio.mel, data_dir=recipe.data)


def _fine_tune(recipe: RunRecipe, model: Any, around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.fine_tune_task import FineTuneTask

    task = FineTuneTask(
        model,
        data_dir=recipe.data,
        cache_dir=model.cache or recipe.run_dir.parent / "cache",
        seed=recipe.seed,
        tell=around.tell,
        progress=around.progress,
        cancel=around.cancel,
    )
    there, asked = task.bundle.audio.to_json(), recipe.audio.spec().to_json()
    if recipe.audio != AudioRecipe() and there != asked:
        raise TrainingRecipeError(
            f"recipe.audio is {asked}, bundle {model.bundle!r} has {there}: leave it out or make it equal"
        )
    return task


def _matching(recipe: RunRecipe, model: Any, _around: _Surroundings) -> TrainingTask:
    from sounddesk.training.tasks.matching_task import MatchingTask

    return MatchingTask(model, data_dir=recipe.data, cache_dir=recipe.run_dir.parent / "cache")


_Maker = Callable[[RunRecipe, Any, _Surroundings], "TrainingTask"]
# By task: the module and class of its `model` section, what makes it, and whether it needs the starter's layout. Each
# imports its own libraries when it is asked for, so that a wrong recipe is refused at once.
_TASKS: Final[dict[str, tuple[str, str, _Maker, bool]]] = {
    "codec": ("codec_task", "CodecModelRecipe", _codec, True),
    "vocoder": ("vocoder_task", "VocoderModelRecipe", _vocoder, True),
    "encoder": ("encoder_task", "EncoderModelRecipe", _encoder, True),
    "class_head": ("class_head_task", "ClassHeadModelRecipe", _class_head, True),
    "grounding": ("grounding_task", "GroundingModelRecipe", _grounding, True),
    "segmenter": ("segmenter_task", "SegmenterModelRecipe", _segmenter, True),
    "refiner": ("refiner_task", "RefinerModelRecipe", _refiner, True),
    "diffusion": ("diffusion_task", "DiffusionModelRecipe", _diffusion, True),
    "classifier": ("classifier_task", "ClassifierModelRecipe", _classifier, True),
    "matching": ("matching_recipe", "MatchingModelRecipe", _matching, True),
    "fine_tune": ("fine_tune_recipe", "FineTuneModelRecipe", _fine_tune, False),
}


def model_recipe(recipe: RunRecipe) -> Any:
    """The recipe's `model` section in the dataclass of its task. Raises: TrainingRecipeError, the key is named."""
    if recipe.task not in _TASKS:
        raise TrainingRecipeError(f"task is {recipe.task!r}: choose from {', '.join(_TASKS)}")
    module, name, _, _ = _TASKS[recipe.task]
    recipe_class: Any = getattr(importlib.import_module(f"sounddesk.training.tasks.{module}"), name)
    return build(recipe_class, recipe.model, where="model")


def make_task(recipe: RunRecipe, around: _Surroundings | None = None) -> TrainingTask:
    """The task that a recipe names, with its data loaded. Raises: TrainingRecipeError."""
    if recipe.task not in _TASKS:
        raise TrainingRecipeError(f"task is {recipe.task!r}: choose from {', '.join(_TASKS)}")
    _, _, maker, starter_layout = _TASKS[recipe.task]
    if starter_layout and not (recipe.data / "table.csv").exists():
        raise TrainingRecipeError(
            f"data folder {recipe.data} has no table.csv: run 'sounddesk train prepare starter' first"
        )
    model = model_recipe(recipe)
    try:
        return maker(recipe, model, around or _Surroundings())
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
    full = recipe_text(recipe, model=model_recipe(recipe)) if recipe.task in _TASKS else ""
    if recipe.optimiser.threads is not None:
        import torch

        # Before the data are made ready too: on a busy machine threads wait for each other.
        torch.set_num_threads(recipe.optimiser.threads)
    task = make_task(recipe, _Surroundings(tell=tell, progress=on_progress, cancel=cancel))
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

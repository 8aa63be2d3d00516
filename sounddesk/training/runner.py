"""From a recipe file to a finished run."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.training.loop import OptimiserRecipe
from sounddesk.training.loop import TrainingTask
from sounddesk.training.loop import train
from sounddesk.training.recipe import RecipeError
from sounddesk.training.recipe import build
from sounddesk.training.recipe import read_recipe


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
    inputs: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def input_folders(self) -> dict[str, Path]:
        """`inputs` as paths."""
        return {name: Path(folder) for name, folder in self.inputs.items()}


def _codec(recipe: RunRecipe) -> TrainingTask:
    from sounddesk.training.codec_task import CodecModelRecipe
    from sounddesk.training.codec_task import CodecTask

    model = build(CodecModelRecipe, recipe.model, where="model")
    return CodecTask(model, spec=recipe.audio.spec(), data_dir=recipe.data)


def _vocoder(recipe: RunRecipe) -> TrainingTask:
    from sounddesk.training.vocoder_task import VocoderModelRecipe
    from sounddesk.training.vocoder_task import VocoderTask

    model = build(VocoderModelRecipe, recipe.model, where="model")
    return VocoderTask(model, mel=recipe.audio.mel, data_dir=recipe.data, inputs=recipe.input_folders())


def _grounding(recipe: RunRecipe) -> TrainingTask:
    from sounddesk.training.grounding_task import GroundingModelRecipe
    from sounddesk.training.grounding_task import GroundingTask

    model = build(GroundingModelRecipe, recipe.model, where="model")
    return GroundingTask(model, data_dir=recipe.data, inputs=recipe.input_folders())


def _encoder(recipe: RunRecipe) -> TrainingTask:
    from sounddesk.training.encoder_task import EncoderModelRecipe
    from sounddesk.training.encoder_task import EncoderTask

    model = build(EncoderModelRecipe, recipe.model, where="model")
    return EncoderTask(model, data_dir=recipe.data, inputs=recipe.input_folders())


def _diffusion(recipe: RunRecipe) -> TrainingTask:
    from sounddesk.training.diffusion_task import DiffusionModelRecipe
    from sounddesk.training.diffusion_task import DiffusionTask

    model = build(DiffusionModelRecipe, recipe.model, where="model")
    spec = recipe.audio.spec()
    return DiffusionTask(model, spec=spec, data_dir=recipe.data, inputs=recipe.input_folders())


def _classifier(recipe: RunRecipe) -> TrainingTask:
    from sounddesk.training.classifier_task import ClassifierModelRecipe
    from sounddesk.training.classifier_task import ClassifierTask

    model = build(ClassifierModelRecipe, recipe.model, where="model")
    return ClassifierTask(model, mel=recipe.audio.mel, data_dir=recipe.data)


# Each imports its own libraries when it is asked for, so that a wrong recipe is refused at once.
_TASKS: Final[dict[str, Callable[[RunRecipe], TrainingTask]]] = {
    "codec": _codec,
    "vocoder": _vocoder,
    "encoder": _encoder,
    "grounding": _grounding,
    "diffusion": _diffusion,
    "classifier": _classifier,
}


def make_task(recipe: RunRecipe) -> TrainingTask:
    """The task that a recipe names, with its data loaded. Raises: RecipeError."""
    if recipe.task not in _TASKS:
        raise RecipeError(f"task is {recipe.task!r}: choose from {', '.join(_TASKS)}")
    if not (recipe.data / "table.csv").exists():
        raise RecipeError(f"data folder {recipe.data} has no table.csv: run 'sounddesk train prepare starter' first")
    return _TASKS[recipe.task](recipe)


def run_recipe(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    resume: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Train what the recipe describes; the folder with the exported weights.

    Raises:
        RecipeError: unknown key, wrong type or missing data, named.
        TrainingDiverged: the loss is not a number.
        Cancelled: stopped; a checkpoint was saved and the run can be resumed.
    """
    data = read_recipe(path, overrides)
    recipe = build(RunRecipe, data)
    task = make_task(recipe)
    recipe.run_dir.mkdir(parents=True, exist_ok=True)
    (recipe.run_dir / "recipe.json").write_text(json.dumps(data, indent=2, default=str) + "\n")
    train(
        task,
        recipe.optimiser,
        seed=recipe.seed,
        run_dir=recipe.run_dir,
        resume=resume,
        on_progress=on_progress,
        cancel=cancel,
    )
    return recipe.run_dir / "export"

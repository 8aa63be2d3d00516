"""Recipes: every key checked and named, overrides, and the shipped ones are readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import make_task

RECIPES = Path(__file__).parents[3] / "resources" / "recipes" / "starter"
MINIMAL: dict[str, Any] = {
    "task": "codec",
    "data": "d",
    "run_dir": "r",
    "optimiser": {"steps": 1, "batch_size": 1},
}


@pytest.mark.parametrize("name", ["codec", "vocoder", "grounding", "diffusion"])
def test_shipped_recipes_are_valid(name: str) -> None:
    recipe = build(RunRecipe, read_recipe(RECIPES / f"{name}.yaml"))
    assert recipe.task == name
    assert recipe.optimiser.steps > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stepz": 1}, "recipe.stepz is not a key"),
        ({"optimiser": {"steps": 1, "batch_size": 1, "lr": 2}}, "recipe.optimiser.lr is not a key"),
        ({"optimiser": {"steps": 1}}, "recipe.optimiser.batch_size is missing"),
        (
            {"optimiser": {"steps": "many", "batch_size": 1}},
            "recipe.optimiser.steps is .many.: expected a whole",
        ),
        ({"optimiser": {"steps": True, "batch_size": 1}}, "recipe.optimiser.steps is true"),
        ({"seed": "x"}, "recipe.seed is .x.: expected"),
        ({"audio": {"mel_fold": 4}}, "recipe.audio.mel_fold is 4: expected a list"),
        ({"audio": {"mel": {"win_length": 4096}}}, "win_length 4096 exceeds n_fft"),
        ({"model": 3}, "recipe.model is 3: expected an object"),
    ],
)
def test_wrong_recipes_name_the_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingRecipeError, match=message.replace("(", r"\(")):
        build(RunRecipe, {**MINIMAL, **changes})


def test_overrides_reach_nested_keys(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("task: codec\noptimiser: {steps: 1}\n")
    data = read_recipe(file, ["optimiser.steps=7", "audio.latent_channels=3"])
    assert data == {"task": "codec", "optimiser": {"steps": 7}, "audio": {"latent_channels": 3}}
    with pytest.raises(TrainingRecipeError, match="has no '='"):
        read_recipe(file, ["steps"])


def test_keys_of_earlier_versions_are_read_under_their_present_names(tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    file.write_text("task: segmenter\noptimiser: {batch_size: 4, pieces: 2}\nmodel: {kin_places: 3}\n")
    data = read_recipe(file, ["optimiser.pieces=4"])
    assert data["optimiser"] == {"batch_size": 4, "micro_batches": 4}
    assert data["model"] == {"affinity_places": 3}


def test_unreadable_recipes_say_so(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(TrainingRecipeError, match="not a mapping"):
        read_recipe(tmp_path / "list.yaml")
    with pytest.raises(TrainingRecipeError, match="cannot be read"):
        read_recipe(tmp_path / "missing.yaml")


def test_missing_data_and_unknown_task_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingRecipeError, match="train prepare starter"):
        make_task(build(RunRecipe, {**MINIMAL, "data": str(tmp_path)}))
    (tmp_path / "table.csv").write_text("kind,role,id,path,split\n")
    with pytest.raises(TrainingRecipeError, match="task is .song."):
        make_task(build(RunRecipe, {**MINIMAL, "task": "song", "data": str(tmp_path)}))

"""`resources/recipes/paper.yaml` is the paper to the letter: every value of section 4.1, and the choices of 2.4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.recipe import recipe_text
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import model_recipe

PAPER = Path(__file__).parents[2] / "resources" / "recipes" / "paper.yaml"


@pytest.fixture(scope="module")
def paper() -> RunRecipe:
    return build(RunRecipe, read_recipe(PAPER))


@pytest.fixture(scope="module")
def model(paper: RunRecipe) -> Any:
    return model_recipe(paper)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 1e-4),
        ("betas", (0.95, 0.999)),
        ("eps", 1e-6),
        ("weight_decay", 1e-3),
        ("batch_size", 64),
        ("epochs", 300),
        ("schedule", "constant"),
        ("warmup_steps", 0),
        ("clip_norm", None),
        ("ema_decay", 0.9999),
    ],
)
def test_optimiser(paper: RunRecipe, name: str, value: Any) -> None:
    assert getattr(paper.optimiser, name) == value


def test_sound_is_ten_seconds_at_16_khz_in_64_mels(paper: RunRecipe, model: Any) -> None:
    mel = paper.audio.mel
    assert (mel.sample_rate_hz, mel.n_mels) == (16_000, 64)
    assert mel.win_length / mel.sample_rate_hz == 0.064
    assert mel.hop_length / mel.sample_rate_hz == 0.010
    assert mel.n_fft // 2 == 512
    assert model.seconds == 10.0
    shape = paper.audio.spec().request_shape(model.seconds)
    assert shape.latent == (8, 256, 16)
    assert shape.n_samples == 160_000


def test_conditioning(model: Any) -> None:
    assert model.condition_dropout == 0.1
    assert model.weights == "attention"
    assert model.grounding == "fresh"
    assert (model.fresh.heads, model.fresh.score, model.fresh.position) == (1, "dot", "post")
    assert model.fresh.width == 512
    assert (model.fresh.mlp_factor, model.fresh.normalise, model.fresh.null) == (4, True, "empty_text")
    assert model.inject == "both"
    assert model.train_unet
    assert model.lora_rank == 0
    assert model.frames_per_clip > 1  # one random frame per video and access
    assert model.min_matching_score == 0.6


def test_noise_schedule_and_sampling(model: Any) -> None:
    schedule = model.schedule
    assert (schedule.num_train_timesteps, schedule.beta_start, schedule.beta_end) == (1000, 0.0015, 0.0195)
    assert (schedule.beta_schedule, schedule.prediction_type) == ("scaled_linear", "epsilon")
    sampling = model.sampling
    assert (sampling.preset, sampling.steps, sampling.guidance, sampling.eta) == ("paper", 200, 2.0, 0.0)


def test_the_printed_recipe_says_everything_and_reads_back_the_same(
    paper: RunRecipe, model: Any, tmp_path: Path
) -> None:
    text = recipe_text(paper, model=model)
    assert "checkpoint_minutes: 3.0" in text  # a default that the file does not name
    assert "gradient_checkpointing: false" in text
    (tmp_path / "printed.yaml").write_text(text)
    again = build(RunRecipe, read_recipe(tmp_path / "printed.yaml"))
    assert again.optimiser == paper.optimiser
    assert again.audio == paper.audio
    assert model_recipe(again) == model
    assert yaml.safe_load(text)["model"]["fresh"]["null"] == "empty_text"

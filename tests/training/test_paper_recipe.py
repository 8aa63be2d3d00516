"""`resources/recipes/paper.yaml` is the paper to the letter, every value of section 4.1; and it trains."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from sounddesk.engine.bundles import paper_bundles
from sounddesk.engine.bundles.installed_bundles import user_bundles_folder
from sounddesk.engine.bundles.paper_bundles import AUDIOLDM_IDS
from sounddesk.engine.bundles.paper_bundles import random_bundle
from sounddesk.training.dry_run import dry_run
from sounddesk.training.export import export_run
from sounddesk.training.loop.checkpoint import load_checkpoint
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.recipe import recipe_text
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import model_recipe
from sounddesk.training.runner import run_recipe
from tests.published_parts import TINY
from tests.training.tiny_clips import tones
from tests.training.tiny_clips import write_pair

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


def test_the_base_is_a_bundle_that_can_be_assembled(model: Any) -> None:
    """`sounddesk models assemble` makes it of published weights."""
    assert model.bundle in AUDIOLDM_IDS


@pytest.mark.slow
def test_the_recipe_trains_as_it_is_on_the_base_at_tiny_size(
    paper: RunRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything but the widths of the networks, the batch and the number of epochs is the recipe's own."""
    # 64 mels as in the recipe, which would be refused with another number.
    shape = replace(TINY, vocoder_options={**TINY.vocoder_options, "model_in_dim": 64})
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(paper_bundles, "RANDOM_SUFFIX", "")
    # Where `sounddesk models assemble paper-s` puts it, so that the recipe's own name finds it.
    base = random_bundle("paper-s", user_bundles_folder() / "paper-s", shape=shape)
    for name, colour in (("dog", (20, 30, 200)), ("sea", (200, 80, 20))):
        write_pair(tmp_path / "clips" / name, colour=colour, sound=tones(2))
        (tmp_path / "clips" / f"{name}.txt").write_text(f"a photo of a {name}")
    small = ["optimiser.epochs=2", "optimiser.batch_size=2", "optimiser.device=cpu"]
    places = [f"data={tmp_path / 'clips'}", f"run_dir={tmp_path / 'run'}"]
    tried = dry_run(PAPER, overrides=[*small, *places])
    assert not tried.random_weights and tried.step_s > 0 and 0 < tried.trained <= tried.parameters
    assert sorted(each.name for each in tmp_path.iterdir()) == ["clips", "data"]
    export = run_recipe(PAPER, overrides=[*small, *places])
    state = load_checkpoint(tmp_path / "run")
    assert state is not None
    assert state["step"] == 2
    before = load_file(base.folder / "unet" / "diffusion_pytorch_model.safetensors")
    after = load_file(export / "unet" / "diffusion_pytorch_model.safetensors")
    assert any(not torch.equal(before[key].float(), after[key]) for key in before)
    config = json.loads((export / "grounding" / "config.json").read_text())
    assert (config["width"], config["heads"], config["score"], config["position"]) == (512, 1, "dot", "post")
    bundle = export_run(tmp_path / "run", tmp_path / "trained", base=str(base.folder))
    assert bundle.audio == paper.audio.spec()

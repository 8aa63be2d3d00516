"""Fine-tuning a bundle on clips: what learns, what is carried along, what is refused, and what comes out."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.paper_bundles import random_bundle
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.training.clips.clip_cache import epoch_order
from sounddesk.training.export import export_run
from sounddesk.training.loop.checkpoint import load_checkpoint
from sounddesk.training.loop.live_view import read_log
from sounddesk.training.loop.loop import TrainingDiverged
from sounddesk.training.loop.memory_estimate import estimate_memory
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.recipe import read_recipe
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import make_task
from sounddesk.training.runner import run_recipe
from tests.published_parts import TINY
from tests.training.tiny_run import start_process
from tests.training.tiny_run import write_recipe


@pytest.fixture(scope="module")
def whole(work: Path) -> Path:
    """A finished run."""
    return run_recipe(write_recipe(work, "whole")).parent


def task_of(recipe: Path, *overrides: str) -> Any:
    return make_task(build(RunRecipe, read_recipe(recipe, overrides)))


def unet_weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")


def branch_weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "injection" / "model.safetensors")


def figures(run_dir: Path) -> list[dict[str, float]]:
    return [{key: row[key] for key in ("step", "lr", "loss", "mse")} for row in read_log(run_dir)]


@pytest.mark.slow
def test_a_run_makes_a_bundle_that_renders_and_names_its_base(whole: Path, work: Path, tmp_path: Path) -> None:
    base = Bundle.open(work / "tiny")
    state = load_checkpoint(whole)
    assert state is not None
    assert state["provenance"]["sha256"] == base.sha256
    assert state["provenance"]["licence"]["spdx"] == "Apache-2.0"
    with pytest.raises(BundleError, match="there is no bundle"):
        export_run(whole, tmp_path / "mine")  # the base lies in no place where bundles are looked for
    bundle = export_run(whole, tmp_path / "mine", base=str(work / "tiny"))
    assert bundle.manifest.licence == base.manifest.licence
    assert base.sha256 in str(bundle.manifest.component("unet").origin)
    assert "training/provenance.json" in bundle.manifest.documents
    mask = np.zeros((64, 64), dtype=np.bool_)
    mask[10:40, 10:40] = True
    request = GenerationRequest(
        image=np.full((64, 64, 3), 90, dtype=np.uint8),
        takes=(ObjectRequest(name="thing", mask=mask, seed=1),),
        seconds=1.0,
        sampling=SamplingSettings(steps=2),
    )
    with EngineSession.open(bundle=tmp_path / "mine", device="cpu") as session:
        assert session.generate(request)[0].waveform.shape == (16_000,)
    with pytest.raises(FileExistsError):
        export_run(whole, tmp_path / "mine", base=str(work / "tiny"))


def test_what_is_switched_off_stays_as_it_was(work: Path) -> None:
    frozen = run_recipe(write_recipe(work, "frozen", model={"train_unet": False}))
    start = run_recipe(write_recipe(work, "start", optimiser={"steps": 0}))
    before, after = unet_weights(start), unet_weights(frozen)
    assert all(torch.equal(before[key], after[key]) for key in before)
    before, after = branch_weights(start), branch_weights(frozen)
    assert not any(torch.equal(before[key], after[key]) for key in before if "to_v_object" in key)
    learned = load_file(frozen / "grounding/model.safetensors")
    assert not torch.equal(learned["to_v.weight"], load_file(start / "grounding/model.safetensors")["to_v.weight"])


@pytest.mark.slow
def test_branches_that_start_at_zero_come_to_life_beside_a_frozen_u_net(work: Path) -> None:
    """As on AudioLDM, which has none of its own."""
    base = random_bundle("paper-s", work / "audioldm", shape=TINY)
    assert not any(value.any() for key, value in branch_weights(base.folder).items() if "to_v_object" in key)
    model = {"bundle": str(base.folder), "train_unet": False}
    recipe = write_recipe(work, "frozen_audioldm", model=model, optimiser={"steps": 2})
    export = run_recipe(recipe)
    after = {key: value for key, value in branch_weights(export).items() if "to_v_object" in key}
    assert after
    assert all(value.any() for value in after.values())
    original, kept = unet_weights(base.folder), unet_weights(export)
    assert original.keys() == kept.keys()
    assert all(torch.equal(original[key].float(), kept[key].float()) for key in original)


@pytest.mark.slow
def test_adapters_learn_beside_a_u_net_that_stays_and_are_added_in_the_export(work: Path) -> None:
    recipe = write_recipe(work, "lora", model={"lora_rank": 2, "gradient_checkpointing": True})
    trained = {name for name, p in task_of(recipe).module.named_parameters() if p.requires_grad}
    assert any("lora_A" in name for name in trained)
    assert all("lora_" in name or "_object" in name or name.startswith("conditioner") for name in trained)
    export = run_recipe(recipe)
    before, after = unet_weights(run_recipe(write_recipe(work, "start", optimiser={"steps": 0}))), unet_weights(export)
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed
    assert all(any(part in key for part in ("to_q", "to_k", "to_v", "to_out")) for key in changed)
    adapter = load_file(export / "adapter" / "adapter_model.safetensors")
    key = next(key for key in adapter if "lora_A" in key and "attn1.to_q" in key)
    name = key.removeprefix("base_model.model.").replace(".lora_A", "")
    delta = adapter[key.replace("lora_A", "lora_B")] @ adapter[key] * 16.0 / 2
    assert torch.allclose(after[name] - before[name], delta, atol=1e-6)


def test_a_fresh_grounding_has_the_shape_that_the_recipe_says(work: Path) -> None:
    fresh = {"width": 24, "heads": 3, "position": "off"}
    export = run_recipe(
        write_recipe(work, "fresh", model={"grounding": "fresh", "fresh": fresh}, optimiser={"steps": 1})
    )
    config = json.loads((export / "grounding/config.json").read_text())
    assert (config["width"], config["heads"], config["position"]) == (24, 3, "off")
    base = load_file(work / "tiny/grounding/model.safetensors")
    assert torch.equal(load_file(export / "grounding/model.safetensors")["null_vector"], base["null_vector"])


def test_masks_in_training_are_uniform_on_the_mask_and_need_one(work: Path, tmp_path: Path) -> None:
    recipe = write_recipe(work, "masks", model={"weights": "mask"})
    with pytest.raises(TrainingRecipeError, match=r"clip 'clock' has none \(1 in all\)"):
        task_of(recipe)
    (tmp_path / "two").mkdir()
    for file in (work / "clips").glob("[ds]*"):
        (tmp_path / "two" / file.name).write_bytes(file.read_bytes())
    task = task_of(recipe, f"data={tmp_path / 'two'}")
    weights = task.draw(np.random.default_rng(0), 2, step=0)["weights"].reshape(2, 3, 3)
    assert torch.allclose(weights[:, :, 0], torch.full((2, 3), 2 / 9), atol=1e-5)
    assert weights[:, :, 2].abs().max() < 1e-6


def test_a_frame_and_a_latent_are_drawn_anew_in_every_epoch(work: Path) -> None:
    task = task_of(write_recipe(work, "draws", model={"seconds": 2.0}))
    clock = next(index for index, clip in enumerate(task.cache.clips) if clip.id == "clock")
    assert len(task.cache[clock]["patches"]) == 2
    seen = set()
    for step in range(12):
        batch = task.draw(np.random.default_rng(step), 3, step=step)
        place = epoch_order(3, first=3 * step, length=3, seed=3).index(clock)
        seen.add(float(batch["patches"][place].sum()))
    assert len(seen) == 2


def test_every_example_comes_once_in_each_epoch() -> None:
    order = epoch_order(5, first=0, length=20, seed=1)
    assert [sorted(order[i : i + 5]) for i in (0, 5, 10, 15)] == [list(range(5))] * 4
    assert order[:5] != order[5:10]
    assert epoch_order(5, first=7, length=6, seed=1) == order[7:13]


def test_condition_dropout_gives_the_null_condition(work: Path) -> None:
    task = task_of(write_recipe(work, "dropout", model={"condition_dropout": 0.5}))
    torch.manual_seed(0)
    dropped = task.draw(np.random.default_rng(0), 400, step=0)["dropped"].float().mean().item()
    assert 0.4 < dropped < 0.6
    batch = task.draw(np.random.default_rng(0), 3, step=0)
    seen: list[torch.Tensor] = []
    task.trained.denoiser.register_forward_pre_hook(lambda _module, args: seen.append(args[2]))
    task.loss_of({**batch, "dropped": torch.tensor([True, False, True])})
    null = task.trained.conditioner.null_vector
    assert torch.equal(seen[0][0], null)
    assert not torch.allclose(seen[0][1], null)


@pytest.mark.slow
def test_micro_batches_add_up_to_the_whole_batch(work: Path) -> None:
    """Gradient accumulation: the same curve, whatever the number of micro-batches."""
    run_recipe(write_recipe(work, "one_micro_batch", optimiser={"micro_batches": 1}))
    run_recipe(write_recipe(work, "four_micro_batches", optimiser={"micro_batches": 4}))
    for one, four in zip(figures(work / "one_micro_batch"), figures(work / "four_micro_batches"), strict=True):
        assert four["loss"] == pytest.approx(one["loss"], abs=2e-5)


@pytest.mark.slow
def test_two_processes_give_the_curve_of_one(work: Path, whole: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    recipe = write_recipe(work, "two")
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
    logs = [work / f"rank{rank}.log" for rank in range(2)]
    processes = [
        start_process(recipe, log=logs[rank], RANK=str(rank), LOCAL_RANK=str(rank), **shared) for rank in range(2)
    ]
    for process, log in zip(processes, logs, strict=True):
        assert process.wait(timeout=240) == 0, log.read_text()
    one, two = figures(whole), figures(work / "two")
    assert [row["step"] for row in two] == [2, 4, 6]
    for alone, together in zip(one, two, strict=True):
        assert together["loss"] == pytest.approx(alone["loss"], abs=2e-5)
    mine, theirs = (load_checkpoint(folder) for folder in (whole, work / "two"))
    assert mine is not None
    assert theirs is not None
    counts = [state["module"]["conditioner.variance_count"].item() for state in (mine, theirs)]
    assert counts[0] == counts[1]
    for key, value in mine["module"].items():
        assert torch.allclose(value, theirs["module"][key], atol=1e-4), key


def test_a_loss_that_is_no_number_leaves_the_batch_for_inspection(work: Path) -> None:
    recipe = write_recipe(work, "diverged", optimiser={"learning_rate": 1e30, "steps": 50, "micro_batches": 1})
    with pytest.raises(TrainingDiverged, match="nan_step_"):
        run_recipe(recipe)
    file = next((work / "diverged").glob("nan_step_*.safetensors"))
    assert {"clean", "noise", "timesteps", "text", "patches"} <= load_file(file).keys()
    assert len(load_file(file)["clean"]) == 4


def test_epochs_count_the_clips(work: Path) -> None:
    run_recipe(write_recipe(work, "epochs", optimiser={"steps": 0, "epochs": 2, "batch_size": 3}))
    assert read_log(work / "epochs")[-1]["step"] == 2


@pytest.mark.slow
def test_the_page_shows_curves_and_previews(work: Path) -> None:
    live = {"log_steps": 2, "preview_steps": 4, "preview_seconds": 1.0, "tensorboard": True}
    sampling = {"preset": "fast", "steps": 2}
    told: list[str] = []
    recipe = write_recipe(work, "live", model={"sampling": sampling}, live=live)
    run_recipe(recipe, tell=told.append)
    page = (work / "live" / "live.html").read_text()
    assert page.count("<polyline") >= 3  # loss, learning rate, mse
    assert "refresh" not in page  # ended
    assert len(list((work / "live/previews").glob("*.wav"))) == 2
    assert page.count("<audio") == 2
    assert list((work / "live/tensorboard").glob("events.*"))
    assert any("GiB a process" in line for line in told)
    assert any("condition_dropout: 0.1" in line for line in told)
    run_recipe(write_recipe(work, "blind", live={"preview_steps": 0, "page": False}))
    assert not (work / "blind/live.html").exists()
    assert figures(work / "blind") == figures(work / "live")  # looking changes nothing


def test_the_estimate_grows_with_the_batch(work: Path) -> None:
    task = task_of(write_recipe(work, "estimate"))
    optimiser = build(RunRecipe, read_recipe(work / "estimate.yaml")).optimiser
    small = estimate_memory(task, optimiser)
    large = estimate_memory(task, build(type(optimiser), {"steps": 1, "batch_size": 40}))
    assert large.activations > 6 * small.activations
    assert large.weights == small.weights > 16 * small.trained


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.bundle=none"], "model.bundle: there is no bundle"),
        (["model.schedule={prediction_type: epsilon}"], r"model.schedule.prediction_type is 'epsilon', bundle"),
        (["audio.latent_channels=9"], "recipe.audio is"),
        (["model.lora_rank=2", "model.train_unet=false"], "lora_rank is 2"),
        (["model.frames_per_clip=0"], "frames_per_clip is 0"),
        (["optimiser.epochs=2"], "epochs is 2 and steps 6"),
        (["optimiser.micro_batches=3"], "micro_batches is 3"),
        (["live.preview_count=0"], "preview_count"),
        (["model.bundle.name=x"], "is a value, not a section"),
    ],
)
def test_what_cannot_be_trained_is_named(work: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(TrainingRecipeError, match=message):
        run_recipe(write_recipe(work, "refused"), overrides=overrides)
    assert not (work / "refused").exists()


def test_a_checkpoint_of_another_model_seed_or_base_is_refused(work: Path, whole: Path) -> None:
    recipe = write_recipe(work, "whole")
    with pytest.raises(TrainingRecipeError, match="seed 3"):
        run_recipe(recipe, overrides=["seed=4"])
    with pytest.raises(TrainingRecipeError, match="another model"):
        run_recipe(recipe, overrides=["model.lora_rank=2"])


def test_clips_below_the_matching_threshold_stay_out(work: Path, tmp_path: Path) -> None:
    rows = [
        {
            "id": name,
            "caption": name,
            "image": str(work / f"clips/{name}.png"),
            "audio": str(work / f"clips/{name}.wav"),
        }
        for name in ("dog", "sea")
    ]
    rows[0]["matching_score"] = 0.59
    rows[1]["matching_score"] = 0.61
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = task_of(write_recipe(work, "threshold", model={"min_matching_score": 0.6}), f"data={manifest}")
    assert [clip.id for clip in task.cache.clips] == ["sea"]

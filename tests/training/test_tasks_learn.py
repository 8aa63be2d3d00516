"""Every task runs through the shared runner on tiny data, learns, exports, and the parts make a bundle that sounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.quantised_weights import fingerprint
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import save_weights
from sounddesk.engine.models.quantised_weights import stored_as
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.training.data.kind_vectors import read_kind_map
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.soundscapes import crop_batch
from sounddesk.training.export import export_bundle
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import make_task
from sounddesk.training.runner import run_recipe
from sounddesk.training.tasks.grounding import class_kinds
from sounddesk.training.tasks.starter import encoder as encoder_task
from sounddesk.training.tasks.starter.encoder import EncoderModelRecipe
from sounddesk.training.tasks.starter.encoder import EncoderTask
from tests.tiny_bundle import _save_image_encoder
from tests.tiny_bundle import _save_text_encoder
from tests.training.tiny_data import build_tiny_data

pytestmark = pytest.mark.slow

AUDIO = {
    "mel": {"n_mels": 16, "n_fft": 512, "win_length": 512},
    "latent_channels": 4,
    "time_factor": 4,
    "freq_factor": 4,
    "mel_fold": [4, 4],
    "latent_multiple": 2,
}
DIFFUSION = {"channels": [32, 32], "attention_heads": 2, "seconds": 0.64, "bank": "scene_bank_6_0.pt"}
GROUNDING = {"width": 32, "scenes": 6, "warm_start_steps": 20, "closer_look": True}
CLASSES = 5
FAST = {"learning_rate": 3e-3, "ema_decay": 0.5, "weight_decay": 0.0}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    build_tiny_data(folder / "data")
    (folder / "encoders").mkdir()
    _save_text_encoder(folder / "encoders" / "text_encoder")
    _save_image_encoder(folder / "encoders" / "image_encoder", classes=CLASSES)
    return folder


def run(
    work: Path,
    task: str,
    *,
    steps: int,
    model: dict[str, Any],
    batch_size: int = 4,
    run_dir: str | None = None,
    more_inputs: dict[str, str] | None = None,
    **options: Any,
) -> Path:
    inputs = {"encoders": "encoders", "codec": "codec/export", "grounding": "grounding/export", **(more_inputs or {})}
    recipe = {
        "task": task,
        "data": str(work / "data"),
        "run_dir": str(work / (run_dir or task)),
        "audio": AUDIO,
        "inputs": {name: str(work / folder) for name, folder in inputs.items()},
        "model": model,
        "optimiser": {"steps": steps, "batch_size": batch_size, **FAST, **options},
    }
    file = work / f"{task}.yaml"
    file.write_text(yaml.safe_dump(recipe))
    return run_recipe(file)


def losses(work: Path, task: str, key: str = "loss") -> list[float]:
    return [json.loads(line)[key] for line in (work / task / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(work: Path) -> Path:
    """All four runs, in the order in which they stand on each other."""
    run(work, "codec", steps=75, model={"width": 32, "seconds": 0.32})
    run(work, "vocoder", steps=75, model=VOCODER)
    run(work, "grounding", steps=25, model=GROUNDING, batch_size=4)
    run(work, "diffusion", steps=75, model=DIFFUSION, batch_size=8)
    return work


def test_going_on_from_an_export_begins_with_the_very_same_weights(trained: Path) -> None:
    start = {"start": "diffusion/export"}
    run(trained, "diffusion", steps=0, model=DIFFUSION, run_dir="diffusion_again", more_inputs=start)
    name = "unet/diffusion_pytorch_model.safetensors"
    before, after = (load_file(trained / folder / "export" / name) for folder in ("diffusion", "diffusion_again"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


VOCODER = {"width": 16, "hidden": 24, "blocks": 1, "seconds": 0.3}


def test_a_vocoder_goes_on_from_its_export_and_refuses_one_of_another_shape(trained: Path) -> None:
    start = {"start": "vocoder/export/vocoder"}
    run(trained, "vocoder", steps=0, model=VOCODER, run_dir="vocoder_again", more_inputs=start)
    before, after = (
        load_file(trained / folder / "export/vocoder/model.safetensors") for folder in ("vocoder", "vocoder_again")
    )
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    with pytest.raises(TrainingRecipeError, match=r"inputs\.start .* blocks=1.* blocks=2"):
        run(trained, "vocoder", steps=0, model={**VOCODER, "blocks": 2}, run_dir="other", more_inputs=start)


def test_the_exported_u_net_knows_the_sounds_in_the_order_of_the_files(trained: Path) -> None:
    data = yaml.safe_load((trained / "diffusion.yaml").read_text())
    task = make_task(
        build(RunRecipe, {**data, "inputs": {**data["inputs"], "start": str(trained / "diffusion/export")}})
    )
    folder = trained / "diffusion/export"
    exported = Denoiser.load(
        folder / "unet",
        condition_width=task.trained.conditioner.config.out_width,
        inject="both",
        injection_file=folder / "injection/model.safetensors",
    )
    rng = np.random.default_rng(0)
    latents = torch.stack([task.pool.single(kind, rng) for kind in task.seen])
    text = torch.stack([task.variants[kind][0] for kind in task.seen])
    steps = torch.full((len(latents),), 400)
    with torch.no_grad():
        in_files = exported(latents, steps, text)
        in_training = task.trained.denoiser(latents.transpose(2, 3).contiguous(), steps, text).transpose(2, 3)
    assert torch.allclose(in_files, in_training, atol=1e-4)
    seen: list[torch.Size] = []
    task.trained.denoiser.register_forward_pre_hook(lambda _module, args: seen.append(args[0].shape))
    task.loss(np.random.default_rng(1), 2)
    assert seen == [latents[:2].transpose(2, 3).shape]


def test_the_image_encoder_is_tuned_and_its_export_loads(trained: Path) -> None:
    run(trained, "encoder", steps=3, model={"image_size": 64}, batch_size=3)
    tuned = load_image_encoder("TimmPatchEncoder", trained / "encoder/export/image_encoder")
    plain = load_image_encoder("TimmPatchEncoder", trained / "encoders/image_encoder")
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert tuned.encode([image]).shape == plain.encode([image]).shape
    assert not torch.allclose(tuned.encode([image]), plain.encode([image]))


def test_the_first_blocks_of_the_encoder_can_be_kept(trained: Path) -> None:
    model = {"image_size": 64, "frozen_blocks": 2, "restyled": 1.0}
    run(trained, "encoder", steps=3, model=model, batch_size=3, run_dir="encoder_more")
    tuned = load_image_encoder("TimmPatchEncoder", trained / "encoder_more/export/image_encoder").backbone
    plain = load_image_encoder("TimmPatchEncoder", trained / "encoders/image_encoder").backbone

    def same(name: str) -> bool:
        return torch.equal(dict(tuned.named_parameters())[name], dict(plain.named_parameters())[name])

    names = [name for name, _ in plain.named_parameters()]
    kept = [name for name in names if name.startswith(("conv_stem", "bn1", "blocks.0.", "blocks.1."))]
    assert kept
    assert all(same(name) for name in kept)
    assert not any(same(name) for name in names if name.startswith("conv_head"))


def test_the_export_can_keep_a_share_of_the_starting_weights(trained: Path) -> None:
    recipe = EncoderModelRecipe(image_size=64, start_share=0.25)
    task = EncoderTask(recipe, data_dir=trained / "data", inputs={"encoders": trained / "encoders"})
    tuned = task.tuned.backbone.get_parameter("conv_head.weight")
    before = tuned.detach().clone()
    with torch.no_grad():
        tuned.add_(1.0)
    task.export(trained / "shared")
    after = load_image_encoder("TimmPatchEncoder", trained / "shared/image_encoder").backbone
    torch.testing.assert_close(after.get_parameter("conv_head.weight").detach(), before + 0.75)
    assert torch.equal(after.get_parameter("conv_stem.weight"), task.tuned.backbone.get_parameter("conv_stem.weight"))
    with pytest.raises(ValueError, match="start_share is 2"):
        EncoderModelRecipe(start_share=2.0)


def test_the_encoder_learns_with_mixed_styles_beside_the_untouched_one(trained: Path) -> None:
    model = {"image_size": 64, "style_mixing": 1.0, "kept_knowledge": 1.0}
    more = {"original": "encoders"}
    run(trained, "encoder", steps=3, model=model, batch_size=3, run_dir="encoder_mixed", more_inputs=more)
    with pytest.raises(ValueError, match="name the untouched encoder"):
        EncoderTask(EncoderModelRecipe(**model), data_dir=trained / "data", inputs={"encoders": trained / "encoders"})


def test_what_the_encoder_forgot_is_part_of_its_loss(trained: Path) -> None:
    recipe = EncoderModelRecipe(image_size=64, kept_knowledge=1.0)
    inputs = {"encoders": trained / "encoders", "original": trained / "encoders"}
    task = EncoderTask(recipe, data_dir=trained / "data", inputs=inputs)
    plain = EncoderTask(EncoderModelRecipe(image_size=64), data_dir=trained / "data", inputs=inputs)
    plain.tuned.head.load_state_dict(task.tuned.head.state_dict())

    def difference() -> float:
        values = []
        for each in (task, plain):
            torch.manual_seed(0)
            values.append(each.loss(np.random.default_rng(0), 3)[0].item())
        return values[0] - values[1]

    assert difference() == pytest.approx(0.0, abs=1e-5)
    with torch.no_grad():
        task.tuned.recall.weight.neg_()
    assert difference() == pytest.approx(2.0, abs=0.1)


def test_an_untouched_branch_goes_with_the_tuned_encoder(trained: Path) -> None:
    run(trained, "encoder", steps=2, model={"image_size": 64}, batch_size=3, run_dir="encoder_branch")
    before, after = (
        load_file(trained / folder / "image_encoder/class_branch.safetensors")
        for folder in ("encoders", "encoder_branch/export")
    )
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_is_trained_on_the_export_sees_the_values_of_the_bundle(trained: Path, tmp_path: Path) -> None:
    """Rounded to int8 once, an encoder stays what it is when a bundle stores it so: a segmenter checks the values."""
    model = {"image_size": 64, "storage": "int8-rowwise"}
    run(trained, "encoder", steps=2, model=model, batch_size=3, run_dir="encoder_int8")
    folder = trained / "encoder_int8/export/image_encoder"
    stored = load_image_encoder("TimmPatchEncoder", folder)
    for name in ("model.safetensors", "class_branch.safetensors"):
        assert stored_as(folder / name) == "int8-rowwise"
        save_weights(load_weights(folder / name), tmp_path / name, storage="int8-rowwise")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    again = load_image_encoder("TimmPatchEncoder", tmp_path)
    assert fingerprint(stored.state_dict()) == fingerprint(again.state_dict())


def test_pictures_of_favoured_collections_are_drawn_more_often(trained: Path) -> None:
    recipe = EncoderModelRecipe(image_size=64, favoured=("photographs",), favoured_share=0.75)
    task = EncoderTask(recipe, data_dir=trained / "data", inputs={"encoders": trained / "encoders"})
    pictures = [np.full((4, 4, 4), value, np.uint8) for value in range(10)]
    task.pictures.cut_outs["hum"] = pictures
    task.pictures.sources["hum"] = ["drawings"] * 9 + ["photographs"]
    rng = np.random.default_rng(0)
    drawn = [int(task._cut_out("hum", rng)[0, 0, 0]) for _ in range(2000)]
    assert drawn.count(9) / len(drawn) == pytest.approx(0.75 + 0.25 * 0.1, abs=0.03)
    assert set(drawn) == set(range(10))
    with pytest.raises(ValueError, match="favoured_share is 2"):
        EncoderModelRecipe(favoured_share=2.0)


def test_the_grounding_knows_which_classes_are_of_which_kind(trained: Path) -> None:
    folder = trained / "grounding/export/grounding"
    assert json.loads((folder / "config.json").read_text())["classes"] == CLASSES
    table = load_file(folder / "model.safetensors")["class_prototypes"]
    assert table.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="lists class 3, the encoder has 2"):
        class_kinds(read_kinds(trained / "data"), classes=2)


def test_the_grounding_can_start_from_the_map_that_the_encoder_was_tuned_with(trained: Path) -> None:
    run(trained, "encoder", steps=2, model={"image_size": 64}, batch_size=3, run_dir="encoder_mapped")
    model = {"width": 32, "scenes": 6, "kind_map": "encoder"}
    tuned = {"encoders": "encoder_mapped/export"}
    run(trained, "grounding", steps=0, model=model, run_dir="grounding_mapped", more_inputs=tuned)
    weight, bias = read_kind_map(trained / "encoder_mapped/export")
    state = load_file(trained / "grounding_mapped/export/grounding/model.safetensors")
    assert torch.equal(state["to_v.weight"], weight)
    assert torch.equal(state["position_v"], bias.expand_as(state["position_v"]))
    with pytest.raises(ValueError, match="tune the image encoder first"):
        run(trained, "grounding", steps=0, model=model, run_dir="grounding_unmapped")


def test_pictures_can_be_seen_as_the_closer_look_shows_them(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = EncoderModelRecipe(image_size=64, closer_share=1.0, warped=1.0)
    task = EncoderTask(recipe, data_dir=trained / "data", inputs={"encoders": trained / "encoders"})
    kind, cut_outs = next(iter(task.pictures.cut_outs.items()))
    image, share = task._view(cut_outs[0], np.random.default_rng(0))
    assert image.shape == (64, 64, 3)
    assert share.shape == (64, 64)
    assert (image[share == 0.0] == 235).all()
    assert (share == 0.0).any(), kind
    slanted: list[np.ndarray] = []
    monkeypatch.setattr(encoder_task, "warp", lambda cut_out, _rng: slanted.append(cut_out) or cut_out)
    loss, _ = task.loss(np.random.default_rng(0), 3)
    assert torch.isfinite(loss)
    assert len(slanted) == 3
    with pytest.raises(ValueError, match="closer_share is 2"):
        EncoderModelRecipe(closer_share=2.0)


def test_strokes_too_thin_for_a_small_scene_are_seen_large(trained: Path) -> None:
    recipe = EncoderModelRecipe(image_size=64, closer_share=1.0)
    task = EncoderTask(recipe, data_dir=trained / "data", inputs={"encoders": trained / "encoders"})
    thin = np.zeros((200, 200, 4), np.uint8)
    thin[::8, :, :] = (10, 10, 10, 255)
    thin[:4] = (10, 10, 10, 255)
    for seed in range(8):
        image, share = task._view(thin, np.random.default_rng(seed))
        assert image.shape == (64, 64, 3)
        assert share.max() > 0.0


def test_a_picture_of_which_nothing_is_seen_is_not_trained_on(trained: Path) -> None:
    task = EncoderTask(
        EncoderModelRecipe(image_size=64), data_dir=trained / "data", inputs={"encoders": trained / "encoders"}
    )
    kind = next(iter(task.pictures.cut_outs))
    task.pictures.cut_outs[kind] = [np.full((30, 30, 4), 90, np.uint8)]
    loss, _ = task.loss(np.random.default_rng(0), 12)
    assert torch.isfinite(loss)
    for other in task.pictures.cut_outs:
        task.pictures.cut_outs[other] = [np.full((30, 30, 4), 90, np.uint8)]
    with pytest.raises(ValueError, match="give opaque cut-outs"):
        task.loss(np.random.default_rng(0), 2)


@pytest.mark.parametrize(
    ("task", "key", "share"), [("codec", "l1", 0.6), ("vocoder", "mel", 0.9), ("diffusion", "mse", 0.85)]
)
def test_the_loss_falls(trained: Path, task: str, key: str, share: float) -> None:
    """Means over the first and the last 25 of 75 steps; without learning they differ by a few hundredths."""
    values = losses(trained, task, key)
    assert len(values) == 3
    assert values[-1] < share * values[0]


def test_the_scaling_factor_makes_latents_unit(trained: Path) -> None:
    spec = build(RunRecipe, yaml.safe_load((trained / "codec.yaml").read_text())).audio.spec()
    codec = LatentCodec.load(trained / "codec/export/vae", spec)
    recordings = [recording.samples for recording in read_recordings(trained / "data")]
    rng = np.random.default_rng(5)
    crops = crop_batch(recordings, length=5120, batch_size=64, rng=rng, peak=spec.mel.peak)
    with torch.no_grad():
        latents = codec.encode(LogMel(spec.mel)(torch.from_numpy(crops)))
    assert codec.scaling_factor != pytest.approx(1.0, abs=0.2)  # else nothing was measured
    assert latents.std().item() == pytest.approx(1.0, abs=0.1)


def bundle_recipe(work: Path, **changes: Any) -> Path:
    export, grounding = "diffusion/export", "diffusion/export/grounding"
    folders = {
        "unet": f"{export}/unet",
        "injection": f"{export}/injection",
        "scheduler": f"{export}/scheduler",
        "grounding": grounding,
        "vae": "codec/export/vae",
        "vocoder": "vocoder/export/vocoder",
        "image_encoder": "encoders/image_encoder",
        "text_encoder": "encoders/text_encoder",
    }
    recipe = {
        "name": "mine",
        "version": "1",
        "licence": {"name": "Apache License 2.0", "spdx": "Apache-2.0", "commercial": "yes"},
        "audio": AUDIO,
        "folders": {role: str(work / folder) for role, folder in folders.items()},
        "storage": {"text_encoder": "int8-rowwise"},
        "documents": {"kinds.json": str(work / "data/kinds.json")},
        **changes,
    }
    file = work / "bundle.yaml"
    file.write_text(yaml.safe_dump(recipe))
    return file


def test_the_runs_make_a_bundle_that_renders(trained: Path, tmp_path: Path) -> None:
    bundle = export_bundle(bundle_recipe(trained, grounding={"hint_blend": 0.25}), tmp_path / "mine")
    bundle.verify()
    assert bundle.manifest.grounding["hint_blend"] == 0.25
    image = np.full((64, 64, 3), 90, dtype=np.uint8)
    mask = np.zeros((64, 64), dtype=np.bool_)
    mask[10:40, 10:40] = True
    request = GenerationRequest(
        image=image,
        takes=(ObjectRequest(name="thing", mask=mask, seed=1, prompt="siren"),),
        seconds=1.0,
        sampling=SamplingSettings(steps=2),
    )
    with EngineSession.open(bundle=tmp_path / "mine", device="cpu") as session:
        take = session.generate(request)[0]
    assert take.waveform.shape == (16_000,)
    with pytest.raises(FileExistsError):
        export_bundle(bundle_recipe(trained), tmp_path / "mine")


def test_a_scene_bank_of_other_kinds_is_refused(trained: Path, tmp_path: Path) -> None:
    import torch

    stored = torch.load(trained / "encoders" / "scene_bank_6_0.pt", weights_only=True)
    torch.save({**stored, "kinds": ["other"]}, trained / "encoders" / "scene_bank_9_9.pt")
    with pytest.raises(ValueError, match="made for other kinds"):
        run(trained, "diffusion", steps=76, model={"channels": [32, 32], "bank": "scene_bank_9_9.pt"})


def test_a_wrong_model_key_is_named(work: Path) -> None:
    with pytest.raises(TrainingRecipeError, match="model.depth is not a key"):
        run(work, "codec", steps=1, model={"depth": 3})

"""Bundles of published parts: real classes, tiny size; and what must hold at real size, on shapes alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from benchmarks.common import shapes_request
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.assembly import AssemblyParts
from sounddesk.engine.bundles.assembly import assemble_bundle
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.bundles.random_parts import PAPER_SHAPES
from sounddesk.engine.bundles.random_parts import PaperSize
from sounddesk.engine.bundles.random_parts import unet_config
from sounddesk.engine.bundles.random_parts import vae_config
from sounddesk.engine.bundles.random_parts import vocoder_config
from sounddesk.engine.device import choose_device
from sounddesk.engine.licence import Licence
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.injection import install_object_attention
from sounddesk.engine.models.injection import original_state
from sounddesk.engine.models.published_configs import audio_spec
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from tests.published_parts import write_tiny_parts

LICENCE = Licence(name="CC BY-NC-SA 4.0", commercial="no", note="Non-commercial.")
STEPS = SamplingSettings(preset="paper", steps=4, guidance=2.5)
SECONDS = 1.28


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_tiny_parts(tmp_path_factory.mktemp("published"))


def parts(folders: tuple[Path, Path], **changes: Any) -> AssemblyParts:
    return AssemblyParts(audioldm=folders[0], clip=folders[1], licence=LICENCE, **changes)


@pytest.fixture(scope="module")
def bundle(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    target = tmp_path_factory.mktemp("assembled") / "paper-tiny"
    origins = {"audioldm": "cvssp/audioldm-s-full-v2@abc"}
    return assemble_bundle(parts(folders, origins=origins), target, name="paper-tiny")


def test_a_published_folder_is_taken_over_byte_for_byte(bundle: Bundle, folders: tuple[Path, Path]) -> None:
    bundle.verify()
    for role in ("unet", "vae", "text_encoder", "tokenizer", "scheduler", "vocoder"):
        entry = bundle.manifest.component(role)
        assert entry.origin == "cvssp/audioldm-s-full-v2@abc"
        for path, file in entry.files.items():
            published = (folders[0] / role / path).read_bytes()
            assert hashlib.sha256(published).hexdigest() == file.sha256, f"{role}/{path}"
    assert bundle.manifest.licence == LICENCE
    assert "has not been trained" in bundle.document("card.md").read_text()
    spec = bundle.audio
    assert (spec.mel.sample_rate_hz, spec.mel.hop_length, spec.latent.time_factor) == (16_000, 160, 4)


def test_it_sounds_and_says_that_its_grounding_is_fresh(bundle: Bundle) -> None:
    with EngineSession.open(bundle=bundle, device="cpu") as session:
        takes = session.generate(shapes_request(2, seconds=1.0, seeds=[1, 2], sampling=STEPS))
        assert session.attention_map(shapes_request(1, seconds=1.0, seeds=[0]).image, "a dog").shape == (16,)
    assert all(take.waveform.shape == (16_000,) and np.abs(take.waveform).max() > 1e-3 for take in takes)
    assert takes[0].notes == ("bundle has no attention statistics: uniform weights on the mask",)


def test_the_null_condition_is_claps_empty_text(bundle: Bundle, folders: tuple[Path, Path]) -> None:
    from sounddesk.engine.models.text_encoder import ClapTextEncoder

    null = load_weights(bundle.component_folder("grounding") / "model.safetensors")["null_vector"]
    torch.testing.assert_close(null, ClapTextEncoder.load(folders[0] / "text_encoder").encode([""])[0])


def test_fresh_branches_leave_the_published_unet_as_it_was(bundle: Bundle, folders: tuple[Path, Path]) -> None:
    plain = UNet2DConditionModel.from_pretrained(folders[0] / "unet").eval()
    unet = bundle.component_folder("unet")
    with_branches = Denoiser.load(
        unet,
        condition_width=12,
        inject="both",
        injection_file=bundle.component_folder("injection") / "model.safetensors",
    )
    assert original_state(with_branches.unet).keys() == plain.state_dict().keys()
    assert len(with_branches.unet.state_dict()) > len(plain.state_dict())
    latent, condition = torch.randn(2, 8, 32, 4), torch.randn(2, 12)
    with torch.no_grad():
        expected = plain(latent, torch.tensor(500), None, class_labels=condition).sample
        assert torch.allclose(with_branches(latent, torch.tensor(500), condition), expected, atol=1e-6, rtol=0)
        # And they are no dead weight: with values in them the output moves.
        for name, parameter in with_branches.named_parameters():
            if "to_v_object" in name:
                parameter.normal_()
        assert not torch.allclose(with_branches(latent, torch.tensor(500), condition), expected, atol=1e-3)


@pytest.mark.parametrize("negative", ["", "noise"])
def test_a_text_sounds_sample_for_sample_as_from_diffusers(
    bundle: Bundle, folders: tuple[Path, Path], negative: str
) -> None:
    from diffusers import AudioLDMPipeline

    prompts, seeds = ["a dog barks", "rain"], (3, 4)
    with EngineSession.open(bundle=bundle, device="cpu") as session:
        request = TextRequest(
            prompts=tuple(prompts), seeds=seeds, negative_prompt=negative, seconds=SECONDS, sampling=STEPS
        )
        ours = session.generate_from_text(request)
    components = audioldm_components(folders[0])
    pipeline = AudioLDMPipeline(**components)
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.cat([torch.randn(1, 8, 32, 4, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    theirs = pipeline(
        prompts,
        negative_prompt=[negative] * 2,
        audio_length_in_s=SECONDS,
        num_inference_steps=4,
        guidance_scale=2.5,
        latents=noise,
    ).audios
    assert np.abs(theirs).max() > 1e-3
    for take, expected in zip(ours, theirs, strict=True):
        assert take.waveform.shape == expected.shape
        np.testing.assert_allclose(take.waveform, expected, atol=1e-4, rtol=0)
    # The two prompts differ, or the comparison would say nothing.
    assert np.abs(theirs[0] - theirs[1]).max() > 1e-2
    assert ours[0].recipe["prompt"] == "a dog barks" and ours[0].recipe["seed"] == 3


def audioldm_components(folder: Path) -> dict[str, Any]:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from transformers import AutoTokenizer
    from transformers.models.clap.modeling_clap import ClapTextModelWithProjection
    from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

    return {
        "vae": AutoencoderKL.from_pretrained(folder / "vae").eval(),
        "text_encoder": ClapTextModelWithProjection.from_pretrained(folder / "text_encoder").eval(),
        "tokenizer": AutoTokenizer.from_pretrained(folder / "tokenizer"),
        "unet": UNet2DConditionModel.from_pretrained(folder / "unet").eval(),
        "scheduler": DDIMScheduler.from_pretrained(folder / "scheduler"),
        "vocoder": SpeechT5HifiGan.from_pretrained(folder / "vocoder").eval(),
    }


def test_texts_that_cannot_be_used(bundle: Bundle) -> None:
    session = EngineSession.open(bundle=bundle, device="cpu")
    with pytest.raises(EngineError, match="text is empty"):
        session.generate_from_text(TextRequest(prompts=(" ",), seeds=(1,)))
    with pytest.raises(ValueError, match="1 texts and 0 seeds"):
        session.generate_from_text(TextRequest(prompts=("a",), seeds=()))
    with pytest.raises(ValueError, match="seed is -1"):
        session.generate_from_text(TextRequest(prompts=("a",), seeds=(-1,)))
    assert not session.is_loaded


def test_a_trained_grounding_is_taken_over_with_its_statistics(
    bundle: Bundle, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    trained = Path(shutil.copytree(bundle.folder, tmp_path / "trained"))
    from sounddesk.engine.models.grounding import ObjectConditioner

    conditioner = ObjectConditioner.load(trained / "grounding")
    conditioner.observe(torch.softmax(torch.randn(64, 16), dim=-1))
    conditioner.save(trained / "grounding")
    made = assemble_bundle(parts(folders, grounding=trained), tmp_path / "again", name="tuned", heads="original")
    components = load_components(made, choose_device("cpu"))
    assert components.conditioner.attention_std() is not None
    assert "has not been trained" not in made.document("card.md").read_text()
    assert made.manifest.denoiser.heads == "original"
    made = assemble_bundle(parts(folders, grounding=trained / "grounding"), tmp_path / "third", name="tuned")
    assert made.manifest.component("grounding").files.keys() == {"config.json", "model.safetensors"}


def test_pickles_beside_the_safetensors_stay_out(folders: tuple[Path, Path], tmp_path: Path) -> None:
    audioldm = Path(shutil.copytree(folders[0], tmp_path / "audioldm"))
    (audioldm / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"a pickle")
    made = assemble_bundle(
        AssemblyParts(audioldm=audioldm, clip=folders[1], licence=LICENCE), tmp_path / "b", name="b", inject="film"
    )
    assert set(made.manifest.component("unet").files) == {"config.json", "diffusion_pytorch_model.safetensors"}
    assert "injection" not in made.manifest.components


def test_parts_that_do_not_fit_are_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    audioldm = Path(shutil.copytree(folders[0], tmp_path / "audioldm"))
    with pytest.raises(EngineError, match="is not a CLIP of transformers"):
        assemble_bundle(
            AssemblyParts(audioldm=audioldm, clip=tmp_path / "none", licence=LICENCE), tmp_path / "b", name="b"
        )
    config = json.loads((audioldm / "vae" / "config.json").read_text())
    (audioldm / "vae" / "config.json").write_text(json.dumps({**config, "latent_channels": 4}))
    with pytest.raises(EngineError, match="U-Net of 8 channels, VAE of 4"):
        audio_spec(audioldm)
    shutil.rmtree(audioldm / "vocoder")
    with pytest.raises(EngineError, match="has no folder 'vocoder'"):
        assemble_bundle(parts((audioldm, folders[1])), tmp_path / "b", name="b")
    with pytest.raises(EngineError, match="holds no grounding"):
        assemble_bundle(parts(folders, grounding=tmp_path), tmp_path / "b", name="b")
    # Neither a bundle nor anything that was made on the way remains.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audioldm"]


@pytest.mark.parametrize(("size", "millions"), [("s", 185.0), ("m", 416.0), ("l", 739.1)])
def test_the_published_unets_keep_every_key_at_full_size(size: PaperSize, millions: float) -> None:
    # On `meta`: shapes without memory.
    with torch.device("meta"):
        unet = UNet2DConditionModel(**unet_config(PAPER_SHAPES[size]))
        published = {name: tensor.shape for name, tensor in unet.state_dict().items()}
        added = install_object_attention(unet, condition_width=512)
    assert len(published) == 690
    assert round(sum(shape.numel() for shape in published.values()) / 1e6, 1) == millions
    assert {name: tensor.shape for name, tensor in original_state(unet).items()} == published
    assert len(added) == 2 * 16


def test_head_counts_of_the_original_at_full_size() -> None:
    config = unet_config(PAPER_SHAPES["s"])
    with torch.device("meta"):
        as_converted = UNet2DConditionModel(**config)
        original = UNet2DConditionModel(
            **config, attention_head_dim=tuple(c // 32 for c in config["block_out_channels"])
        )
    heads = [[m.heads for n, m in unet.named_modules() if n.endswith("attn1")] for unet in (as_converted, original)]
    assert set(heads[0]) == {8}
    assert set(heads[1]) == {8, 12, 20}
    assert {k: v.shape for k, v in as_converted.state_dict().items()} == {
        k: v.shape for k, v in original.state_dict().items()
    }


def test_sizes_of_the_other_parts() -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers.models.speecht5.configuration_speecht5 import SpeechT5HifiGanConfig
    from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

    shape = PAPER_SHAPES["s"]
    with torch.device("meta"):
        made = [AutoencoderKL(**vae_config(shape)), SpeechT5HifiGan(SpeechT5HifiGanConfig(**vocoder_config(shape)))]
    assert [round(sum(p.numel() for p in module.parameters()) / 1e6, 1) for module in made] == [55.4, 55.3]

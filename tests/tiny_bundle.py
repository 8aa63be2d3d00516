"""A complete bundle of the real classes at tiny size with random weights, for any test that needs an engine."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sounddesk.engine.bundles.bundle import BundleSource
from sounddesk.engine.bundles.bundle import ComponentSource
from sounddesk.engine.bundles.bundle import write_bundle
from sounddesk.engine.licence import Licence
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec

AUDIO = AudioSpec(
    mel=MelSpec(n_mels=16, n_fft=512, win_length=512),
    latent=LatentSpec(channels=4, time_factor=4, freq_factor=4, mel_fold=(4, 4)),
    latent_multiple=4,
)
GRID = (3, 3)
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "photo", "of", "dog", "car", "sea", "siren", "engine", "bark")


def build_tiny_bundle(
    directory: Path, *, seed: int = 0, segmenter: bool = False, detail: bool = False, **changes: Any
) -> Path:
    """Write the bundle 'tiny' into `directory / 'tiny'` and return that folder.

    Everything but weights is as in the starter: timm patches, sentence encoder (int8 rows), attention grounding with
    running statistics, U-Net with FiLM and added branches, folded VAE, inverse-STFT vocoder; a segmenter, and a
    detail that raises the takes to 48 kHz, only where one is asked for. `changes`
    replace fields of `GroundingConfig`, or with prototypes of `PrototypeConfig`.
    """
    with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as parts:
        torch.manual_seed(seed)
        source = _source(Path(parts), changes)
        if segmenter:
            source = _with_segmenter(source, Path(parts))
        if detail:
            source = _with_detail(source, Path(parts))
        return write_bundle(source, directory / "tiny").folder


def _source(parts: Path, changes: dict[str, Any]) -> BundleSource:
    text_width = _save_text_encoder(parts / "text_encoder")
    told = {name: changes.get(name, 0) for name in ("classes", "kinds")}
    patch_width = _save_image_encoder(parts / "image_encoder", **told)
    grounding = _save_grounding(parts / "grounding", text_width=text_width, patch_width=patch_width, changes=changes)
    _save_denoiser(parts, condition_width=grounding["out_width"])
    _save_audio_parts(parts)
    (parts / "card.md").write_text("# tiny\n\nRandom weights for tests.\n")
    components = {
        "image_encoder": ("TimmPatchEncoder", "float16"),
        "text_encoder": ("SentenceEncoder", "int8-rowwise"),
        "grounding": ("ObjectConditioner", "float32"),
        "unet": ("UNet2DConditionModel", "float16"),
        "injection": ("ObjectAttnProcessor", "float16"),
        "scheduler": ("DDIMScheduler", "float32"),
        "vae": ("AutoencoderKL", "float16"),
        "vocoder": ("IstftVocoder", "float16"),
    }
    return BundleSource(
        name="tiny",
        version="1",
        licence=Licence(name="Apache License 2.0", spdx="Apache-2.0", commercial="yes"),
        audio=AUDIO,
        grounding=grounding,
        components={
            role: ComponentSource(class_name=class_name, folder=parts / role, weight_storage=storage)
            for role, (class_name, storage) in components.items()
        },
        documents={"card.md": parts / "card.md"},
        card="card.md",
    )


def _with_segmenter(source: BundleSource, parts: Path) -> BundleSource:
    from tests.engine.starter.tiny_segmenter import save_tiny_segmenter

    save_tiny_segmenter(parts / "image_encoder", parts / "segmenter")
    part = ComponentSource(class_name="StarterSegmenter", folder=parts / "segmenter", weight_storage="float16")
    return replace(source, components={**source.components, "segmenter": part})


def _with_detail(source: BundleSource, parts: Path) -> BundleSource:
    from sounddesk.engine.starter.detail_network import DetailConfig
    from sounddesk.engine.starter.spectral_detail import SpectralDetail

    config = DetailConfig(width=4, hidden=8, bands=AUDIO.mel.n_mels, upper_bands=4)
    SpectralDetail(config, AUDIO.mel).save(parts / "detail")
    part = ComponentSource(class_name="SpectralDetail", folder=parts / "detail", weight_storage="int8-rowwise")
    audio = replace(source.audio, finished_rate_hz=48_000)
    return replace(source, audio=audio, components={**source.components, "detail": part})


def _save_text_encoder(folder: Path) -> int:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    width = 32
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    ends = [(word, WORDS.index(word)) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.save(str(folder / "tokenizer.json"))
    return width


def _save_image_encoder(folder: Path, *, classes: int = 0, kinds: int = 0) -> int:
    from safetensors.torch import save_file

    from sounddesk.engine.models.image_encoder import TimmPatchEncoder
    from sounddesk.engine.starter.class_branch import CLASS_BRANCH_FILE
    from sounddesk.engine.starter.class_branch import ClassifyingPatchEncoder

    options: dict[str, Any] = {"architecture": "test_efficientnet", "image_size": 32 * GRID[0]}
    told = {"classes": classes, "kinds": kinds}
    encoder = ClassifyingPatchEncoder(**options, **told) if classes else TimmPatchEncoder(**options)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(encoder.config()))
    save_file(encoder.backbone.state_dict(), folder / "model.safetensors")
    if isinstance(encoder, ClassifyingPatchEncoder):
        save_file(encoder.class_branch.state_dict(), folder / CLASS_BRANCH_FILE)
    return encoder.width


def _save_grounding(folder: Path, *, text_width: int, patch_width: int, changes: dict[str, Any]) -> dict[str, Any]:
    from sounddesk.engine.models.grounding import GroundingConfig
    from sounddesk.engine.models.grounding import ObjectConditioner
    from sounddesk.engine.starter.conditioner import PrototypeConditioner
    from sounddesk.engine.starter.conditioner import PrototypeConfig

    settings: dict[str, Any] = {"text_width": text_width, "patch_width": patch_width, "grid": GRID, "width": 16}
    settings = {**settings, "out_width": 16, **changes}
    conditioner = (
        ObjectConditioner(GroundingConfig(**settings))
        if "prototypes" not in changes
        else PrototypeConditioner(PrototypeConfig(**settings))
    )
    config = conditioner.config
    if isinstance(config, PrototypeConfig):
        vectors = torch.nn.functional.normalize(torch.randn(config.prototypes, config.out_width), dim=-1)
        conditioner.get_buffer("prototypes").copy_(vectors)
    if isinstance(config, PrototypeConfig) and config.classes:
        # Class 0 is of the first prototype, class 1 of the second, and so on.
        conditioner.get_buffer("class_prototypes").copy_(torch.eye(config.classes, config.prototypes))
    with torch.no_grad():
        # As if trained: random queries barely tell patches apart, and a hint would change nothing.
        conditioner.to_q.weight.mul_(500.0)
    conditioner.observe(torch.softmax(torch.randn(64, config.patches), dim=-1))
    conditioner.save(folder)
    data: dict[str, Any] = json.loads(json.dumps(config.to_json()))
    return data


def _save_denoiser(parts: Path, *, condition_width: int) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    from sounddesk.engine.models.diffusion import Denoiser
    from sounddesk.engine.models.diffusion import audioldm_scheduler_config

    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=AUDIO.latent.channels,
        out_channels=AUDIO.latent.channels,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=(16, 32),
        attention_head_dim=2,
        norm_num_groups=4,
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=condition_width,
        class_embeddings_concat=True,
    )
    denoiser = Denoiser(unet, condition_width=condition_width, inject="both")
    with torch.no_grad():
        for name, parameter in denoiser.named_parameters():
            # As if trained: a fresh branch is zero, and a test could not tell whether it was loaded.
            if "to_v_object" in name:
                parameter.normal_(std=0.5)
    (parts / "injection").mkdir()
    denoiser.save(parts / "unet", parts / "injection" / "model.safetensors")
    (parts / "scheduler").mkdir()
    config = audioldm_scheduler_config(prediction_type="v_prediction")
    (parts / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))


def _save_audio_parts(parts: Path) -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    from sounddesk.engine.models.latent_codec import LatentCodec
    from sounddesk.engine.models.vocoder import IstftVocoder
    from sounddesk.engine.models.vocoder import IstftVocoderConfig

    folded = AUDIO.latent.mel_fold[0] * AUDIO.latent.mel_fold[1]
    vae = AutoencoderKL(
        in_channels=folded,
        out_channels=folded,
        block_out_channels=(16,),
        down_block_types=("DownEncoderBlock2D",),
        up_block_types=("UpDecoderBlock2D",),
        latent_channels=AUDIO.latent.channels,
        layers_per_block=1,
        norm_num_groups=4,
        mid_block_add_attention=False,
        scaling_factor=0.9,
    )
    with torch.no_grad():
        # Random mels as loud as that would overload; this keeps takes below full scale.
        vae.decoder.conv_out.weight.mul_(0.7)
    LatentCodec(vae, AUDIO).save(parts / "vae")
    IstftVocoder(IstftVocoderConfig(width=16, hidden=32, blocks=2, refinements=0), AUDIO.mel).save(parts / "vocoder")

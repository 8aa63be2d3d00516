"""AudioLDM 1 and 2 and Stable Audio Open of the real classes at tiny size with random weights, installed as models."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import torch

from sounddesk.engine.bundles.random_parts import PublishedShape
from sounddesk.engine.bundles.random_parts import write_byte_tokenizer
from sounddesk.engine.bundles.random_parts import write_random_audioldm
from sounddesk.engine.catalogue.entries import ModelKind
from sounddesk.engine.catalogue.model_adding import link_model
from sounddesk.engine.licence import Licence
from sounddesk.engine.models.diffusion import audioldm_scheduler_config

LICENCE = Licence(name="House licence", commercial="no")


def install(folder: Path, model_id: str, *, root: Path, kind: ModelKind = "text_engine") -> None:
    """Make a folder known as a text engine."""
    link_model(folder, model_id=model_id, kind=kind, licence=LICENCE, root=root)


def write_audioldm2(folder: Path) -> None:
    from diffusers import AudioLDM2Pipeline
    from diffusers import AudioLDM2ProjectionModel
    from diffusers import AudioLDM2UNet2DConditionModel
    from diffusers import AutoencoderKL
    from diffusers import DDIMScheduler
    from transformers import ClapConfig
    from transformers import ClapFeatureExtractor
    from transformers import ClapModel
    from transformers import GPT2Config
    from transformers import GPT2LMHeadModel
    from transformers import RobertaTokenizerFast
    from transformers import SpeechT5HifiGan
    from transformers import SpeechT5HifiGanConfig
    from transformers import T5Config
    from transformers import T5EncoderModel

    write_byte_tokenizer(folder / "tokenizer")
    torch.manual_seed(0)
    clap = ClapConfig(
        text_config={
            "vocab_size": 300, "hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1,
            "num_hidden_layers": 1, "projection_dim": 8, "max_position_embeddings": 520,
        },
        audio_config={
            "spec_size": 8, "window_size": 4, "num_mel_bins": 8, "intermediate_size": 16, "depths": [1, 1],
            "num_attention_heads": [1, 1], "num_hidden_layers": 2, "hidden_size": 192, "projection_dim": 8,
            "patch_size": 2, "patch_stride": 2, "patch_embed_input_channels": 4,
        },
        projection_dim=8,
    )  # fmt: skip
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=8, sampling_rate=16_000, upsample_initial_channel=16, upsample_rates=[10, 16],
            upsample_kernel_sizes=[20, 32], resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]],
            normalize_before=False,
        )
    )  # fmt: skip
    AudioLDM2Pipeline(
        vae=AutoencoderKL(
            in_channels=1, out_channels=1, block_out_channels=(8, 16), norm_num_groups=8, latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        ),
        text_encoder=ClapModel(clap),
        text_encoder_2=t5(T5Config, T5EncoderModel, width=32),
        projection_model=AudioLDM2ProjectionModel(text_encoder_dim=8, text_encoder_1_dim=32, langauge_model_dim=16),
        language_model=GPT2LMHeadModel(
            GPT2Config(n_embd=16, n_head=1, n_layer=1, vocab_size=64, n_ctx=99, n_positions=99, max_new_tokens=8)
        ),
        tokenizer=RobertaTokenizerFast.from_pretrained(folder / "tokenizer"),
        tokenizer_2=letter_tokenizer(folder / "tokenizer_2"),
        feature_extractor=ClapFeatureExtractor(feature_size=8, hop_length=480),
        unet=AudioLDM2UNet2DConditionModel(
            block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=8, sample_size=32, in_channels=4,
            out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=((None, 16, 32),) * 2,
        ),
        scheduler=DDIMScheduler(**audioldm_scheduler_config()),
        vocoder=loud(vocoder),
    ).save_pretrained(folder)  # fmt: skip


def write_audioldm(folder: Path) -> None:
    """AudioLDM as it is published: the parts of a bundle, and an index that names its pipeline."""
    tiny = PublishedShape(
        unet_channels=(8, 8, 8, 8),
        vae_channels=(8, 8, 8),
        unet_options={"norm_num_groups": 4, "attention_head_dim": 4},
        vae_options={"norm_num_groups": 4},
        vocoder_options={
            "upsample_initial_channel": 64, "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1]],
        },
        text_options={
            "vocab_size": 300, "hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1,
            "num_hidden_layers": 1, "projection_dim": 8, "max_position_embeddings": 520,
        },
    )  # fmt: skip
    write_random_audioldm(folder, tiny)
    parts = {
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "ClapTextModelWithProjection"],
        "tokenizer": ["transformers", "RobertaTokenizerFast"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "vocoder": ["transformers", "SpeechT5HifiGan"],
    }
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "AudioLDMPipeline", **parts}))


def write_stable_audio(folder: Path) -> None:
    from diffusers import AutoencoderOobleck
    from diffusers import EDMDPMSolverMultistepScheduler
    from diffusers import StableAudioDiTModel
    from diffusers import StableAudioPipeline
    from diffusers import StableAudioProjectionModel
    from transformers import T5Config
    from transformers import T5EncoderModel

    torch.manual_seed(0)
    StableAudioPipeline(
        vae=AutoencoderOobleck(
            encoder_hidden_size=6, downsampling_ratios=[10, 20], decoder_channels=3, decoder_input_channels=3,
            audio_channels=2, channel_multiples=[2, 4], sampling_rate=8_000,
        ),
        text_encoder=t5(T5Config, T5EncoderModel, width=4),
        projection_model=StableAudioProjectionModel(
            text_encoder_dim=4, conditioning_dim=4, min_value=0, max_value=512
        ),
        tokenizer=letter_tokenizer(folder / "tokenizer"),
        transformer=StableAudioDiTModel(
            sample_size=80, in_channels=3, num_layers=2, attention_head_dim=8, num_attention_heads=4,
            num_key_value_attention_heads=2, out_channels=3, cross_attention_dim=4, time_proj_dim=8,
            global_states_input_dim=8, cross_attention_input_dim=4,
        ),
        scheduler=EDMDPMSolverMultistepScheduler(
            sigma_min=0.3, sigma_max=500, sigma_data=1.0, sigma_schedule="exponential",
            prediction_type="v_prediction",
        ),
    ).save_pretrained(folder)  # fmt: skip


def t5(config: Any, model: Any, *, width: int) -> Any:
    return model(config(vocab_size=64, d_model=width, d_ff=37, d_kv=8, num_heads=1, num_layers=1))


def letter_tokenizer(folder: Path) -> Any:
    """A T5 tokenizer that knows letters only, since the published vocabulary is a download."""
    from tokenizers import Tokenizer
    from tokenizers import models
    from tokenizers import pre_tokenizers
    from tokenizers import processors
    from transformers import T5TokenizerFast

    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    words += [(letter, -2.0) for letter in string.ascii_lowercase]
    tokenizer = Tokenizer(models.Unigram(words, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 64}
    config |= {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return T5TokenizerFast.from_pretrained(folder)


@torch.no_grad()
def loud(vocoder: torch.nn.Module) -> torch.nn.Module:
    """Gains as if trained: a fresh vocoder is almost silent."""
    for module in vocoder.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
            torch.nn.init.kaiming_normal_(module.weight, a=1.0)
    return vocoder

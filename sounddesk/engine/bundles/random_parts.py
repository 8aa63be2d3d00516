"""The published models' real classes at real size with random weights, in the folders that the published ones come in.

For dry runs, parity tests and speed measurements where the weights themselves cannot be had. Shapes are those of
diffusers' own conversion script of AudioLDM.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

import torch

from sounddesk.engine.models.construction import quieten_libraries
from sounddesk.engine.models.diffusion import audioldm_scheduler_config

PaperSize = Literal["s", "m", "l"]

# The published ones say 0.9227 or the like; read from the folder everywhere, so any value serves here.
_SCALING_FACTOR: Final = 0.9


@dataclass(frozen=True, kw_only=True)
class PublishedShape:
    """What decides the sizes of all parts; the defaults are those of every published AudioLDM and of CLIP ViT-B/32.

    Attributes:
        unet_channels: width of each level of the U-Net.
        unet_options, vae_options, vocoder_options, text_options, vision_options, clip_text_options: further settings
            of the classes; `text_options` are CLAP's.
    """

    unet_channels: tuple[int, int, int, int]
    vae_channels: tuple[int, int, int] = (128, 256, 512)
    unet_options: dict[str, Any] = field(default_factory=dict)
    vae_options: dict[str, Any] = field(default_factory=dict)
    vocoder_options: dict[str, Any] = field(default_factory=dict)
    text_options: dict[str, Any] = field(default_factory=dict)
    vision_options: dict[str, Any] = field(default_factory=dict)
    clip_text_options: dict[str, Any] = field(default_factory=dict)

    @property
    def condition_width(self) -> int:
        return int(self.text_options.get("projection_dim", 512))


PAPER_SHAPES: Final[dict[PaperSize, PublishedShape]] = {
    "s": PublishedShape(unet_channels=(128, 256, 384, 640)),
    "m": PublishedShape(unet_channels=(192, 384, 576, 960)),
    "l": PublishedShape(unet_channels=(256, 512, 768, 1280)),
}


def unet_config(shape: PublishedShape) -> dict[str, Any]:
    """Configuration of the U-Net as diffusers' conversion writes it, without head counts (its
    `convert_original_audioldm_to_diffusers.py`).
    """
    return {
        "sample_size": 128,
        "in_channels": 8,
        "out_channels": 8,
        "block_out_channels": shape.unet_channels,
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": shape.unet_channels,
        "class_embed_type": "simple_projection",
        "projection_class_embeddings_input_dim": shape.condition_width,
        "class_embeddings_concat": True,
        **shape.unet_options,
    }


def vae_config(shape: PublishedShape) -> dict[str, Any]:
    """Configuration of the VAE, as the same conversion writes it."""
    return {
        "in_channels": 1,
        "out_channels": 1,
        "block_out_channels": shape.vae_channels,
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
        "latent_channels": 8,
        "layers_per_block": 2,
        "sample_size": 512,
        "scaling_factor": _SCALING_FACTOR,
        **shape.vae_options,
    }


def vocoder_config(shape: PublishedShape) -> dict[str, Any]:
    """Configuration of the vocoder: AudioLDM's HIFIGAN_16K_64."""
    return {
        "model_in_dim": 64,
        "sampling_rate": 16_000,
        "upsample_initial_channel": 1024,
        "upsample_rates": [5, 4, 2, 2, 2],
        "upsample_kernel_sizes": [16, 16, 8, 4, 4],
        "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        "normalize_before": False,
        **shape.vocoder_options,
    }


def write_random_audioldm(folder: Path, shape: PublishedShape, *, seed: int = 0) -> None:
    """Write unet, vae, text_encoder, tokenizer, scheduler and vocoder as an AudioLDM folder of diffusers has them."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers.models.clap.configuration_clap import ClapTextConfig
    from transformers.models.clap.modeling_clap import ClapTextModelWithProjection
    from transformers.models.speecht5.configuration_speecht5 import SpeechT5HifiGanConfig
    from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

    quieten_libraries()
    with _seeded(seed):
        unet = UNet2DConditionModel(**unet_config(shape))
        vae = AutoencoderKL(**vae_config(shape))
        vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(**vocoder_config(shape)))
        text_encoder = ClapTextModelWithProjection(ClapTextConfig(**shape.text_options))
        _let_through(unet=unet, vae=vae, vocoder=vocoder, text_encoder=text_encoder)
        unet.save_pretrained(folder / "unet")
        vae.save_pretrained(folder / "vae")
        vocoder.save_pretrained(folder / "vocoder")
        text_encoder.save_pretrained(folder / "text_encoder")
    write_byte_tokenizer(folder / "tokenizer")
    (folder / "scheduler").mkdir(parents=True, exist_ok=True)
    scheduler = {"_class_name": "DDIMScheduler", **audioldm_scheduler_config()}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler, indent=2) + "\n")


def write_random_clip(folder: Path, shape: PublishedShape, *, seed: int = 0) -> None:
    """Write CLIP with both towers and a tokenizer as a transformers folder has it."""
    from transformers.models.clip.configuration_clip import CLIPConfig
    from transformers.models.clip.modeling_clip import CLIPModel

    quieten_libraries()
    words = write_byte_tokenizer(folder, tokenizer_class="CLIPTokenizerFast", longest=77)
    with _seeded(seed + 1):
        text = {"vocab_size": max(49_408, max(words.values()) + 1), **shape.clip_text_options}
        # The published pooling takes the vector at the end of the text, which it finds by its number.
        text |= {"bos_token_id": words["<s>"], "eos_token_id": words["</s>"], "pad_token_id": words["<pad>"]}
        width = {"projection_dim": shape.condition_width}
        config = CLIPConfig(text_config=text | width, vision_config=shape.vision_options | width, **width)
        CLIPModel(config).save_pretrained(folder)


def write_byte_tokenizer(
    folder: Path, *, tokenizer_class: str = "RobertaTokenizer", longest: int = 512
) -> dict[str, int]:
    """A tokenizer that knows single bytes only, since the published vocabularies are downloads too; its words."""
    from tokenizers import Tokenizer
    from tokenizers import models
    from tokenizers import pre_tokenizers
    from tokenizers import processors

    names = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
    words = {word: index for index, word in enumerate([*names.values(), *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", words["</s>"]), ("<s>", words["<s>"]))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    # Written as published folders have it, because the classes' own constructors changed from version to version.
    config: dict[str, Any] = {"tokenizer_class": tokenizer_class, "model_max_length": longest}
    config |= {f"{name}_token": word for name, word in names.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    return words


@torch.no_grad()
def _let_through(*, unet: Any, vae: Any, vocoder: Any, text_encoder: Any) -> None:
    """Gains as if trained: fresh networks let hardly anything through, and then comparisons would say nothing."""
    unet.class_embedding.weight.mul_(20.0)
    # Log-mels spread over several units.
    vae.decoder.conv_out.weight.mul_(6.0)
    for module in vocoder.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
            torch.nn.init.kaiming_normal_(module.weight, a=1.0)
            assert module.bias is not None
            torch.nn.init.zeros_(module.bias)
    for module in text_encoder.modules():
        if isinstance(module, torch.nn.Embedding):
            module.weight.mul_(20.0)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield

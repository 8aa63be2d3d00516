"""CLIP and BLIP of the real classes at tiny size with random weights, installed as models."""

from __future__ import annotations

from pathlib import Path

import torch

from sounddesk.engine.bundles.random_parts import PublishedShape
from sounddesk.engine.bundles.random_parts import write_byte_tokenizer
from sounddesk.engine.bundles.random_parts import write_random_clip
from sounddesk.engine.catalogue.entries import ModelKind
from sounddesk.engine.catalogue.model_adding import link_model
from sounddesk.engine.licence import Licence

LICENCE = Licence(name="House licence", commercial="yes")
TINY = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def install_clip(root: Path, *, model_id: str = "clip-vit-b-32") -> Path:
    """A CLIP of 32 numbers, known under the catalogue's id; its folder."""
    shape = PublishedShape(
        unet_channels=(8, 8, 8, 8),
        text_options={"projection_dim": 32},
        vision_options={**TINY, "image_size": 32, "patch_size": 16},
        clip_text_options={**TINY, "vocab_size": 300},
    )
    folder = root / "weights" / model_id
    write_random_clip(folder, shape, seed=3)
    _install(folder, model_id, "image_encoder", root=root)
    return folder


def install_blip(root: Path) -> Path:
    """A BLIP that writes bytes; its folder."""
    from transformers import BlipConfig
    from transformers import BlipForConditionalGeneration

    folder = root / "weights" / "blip-large"
    words = write_byte_tokenizer(folder, tokenizer_class="PreTrainedTokenizerFast")
    torch.manual_seed(0)
    text = {
        **TINY,
        "vocab_size": len(words),
        "encoder_hidden_size": 16,
        "bos_token_id": words["<s>"],
        "eos_token_id": words["</s>"],
        "sep_token_id": words["</s>"],
        "pad_token_id": words["<pad>"],
        "max_position_embeddings": 64,
        "projection_dim": 16,
    }
    vision = {**TINY, "image_size": 32, "patch_size": 16, "projection_dim": 16}
    BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(
        folder
    )
    _install(folder, "blip-large", "captioner", root=root)
    return folder


def _install(folder: Path, model_id: str, kind: ModelKind, *, root: Path) -> None:
    link_model(folder, model_id=model_id, kind=kind, licence=LICENCE, root=root)

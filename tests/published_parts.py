"""AudioLDM and CLIP of the real classes at tiny size, in the folders that the published ones come in."""

from __future__ import annotations

from pathlib import Path

from sounddesk.engine.bundles.random_parts import PublishedShape
from sounddesk.engine.bundles.random_parts import write_random_audioldm
from sounddesk.engine.bundles.random_parts import write_random_clip

TINY = PublishedShape(
    unet_channels=(16, 32, 32, 32),
    vae_channels=(8, 8, 16),
    unet_options={"attention_head_dim": 4, "norm_num_groups": 4, "sample_size": 32, "layers_per_block": 1},
    vae_options={"norm_num_groups": 4, "layers_per_block": 1},
    vocoder_options={"model_in_dim": 16, "upsample_initial_channel": 32},
    text_options={
        "vocab_size": 300,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 520,
        "projection_dim": 12,
    },
    vision_options={
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    },
    clip_text_options={
        "vocab_size": 300,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    },
)


def write_tiny_parts(folder: Path, *, seed: int = 0) -> tuple[Path, Path]:
    """The folders `audioldm` and `clip` in `folder`."""
    write_random_audioldm(folder / "audioldm", TINY, seed=seed)
    write_random_clip(folder / "clip", TINY, seed=seed)
    return folder / "audioldm", folder / "clip"

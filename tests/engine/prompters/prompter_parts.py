"""The prompters' real classes at tiny size with random weights, in folders as the published ones come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from typing import Final

import torch

from sounddesk.engine.bundles.random_parts import write_byte_tokenizer

_TINY: Final[dict[str, Any]] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def _text(words: dict[str, int], **more: Any) -> dict[str, Any]:
    ends = {"bos_token_id": words["<s>"], "eos_token_id": words["</s>"], "pad_token_id": words["<pad>"]}
    return {**_TINY, **ends, "vocab_size": max(300, len(words)), "max_position_embeddings": 77, **more}


def write_owlv2(folder: Path) -> None:
    from transformers import Owlv2Config
    from transformers import Owlv2ForObjectDetection

    words = write_byte_tokenizer(folder, tokenizer_class="CLIPTokenizerFast", longest=16)
    # To OWLv2 a text whose first number is 0 is padding: the first word gets another number.
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    words["<s>"], words["<mask>"] = words["<mask>"], words["<s>"]
    tokenizer["model"]["vocab"] = words
    tokenizer["post_processor"]["cls"] = ["<s>", words["<s>"]]
    tokenizer["added_tokens"] = []
    file.write_text(json.dumps(tokenizer))
    torch.manual_seed(0)
    vision = {**_TINY, "image_size": 32, "patch_size": 8}
    config = Owlv2Config(text_config=_text(words), vision_config=vision, projection_dim=16)
    Owlv2ForObjectDetection(config).save_pretrained(folder)


def write_grounding_dino(folder: Path) -> None:
    from transformers import GroundingDinoConfig
    from transformers import GroundingDinoForObjectDetection
    from transformers import SwinConfig

    words = write_byte_tokenizer(folder, tokenizer_class="PreTrainedTokenizerFast")
    torch.manual_seed(0)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config={"model_type": "bert", **_text(words)},
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
        encoder_attention_heads=2, decoder_attention_heads=2, num_queries=20, num_feature_levels=4,
        encoder_n_points=1, decoder_n_points=1, max_text_len=32,
    )  # fmt: skip
    GroundingDinoForObjectDetection(config).save_pretrained(folder)


def write_clipseg(folder: Path) -> None:
    from transformers import CLIPSegConfig
    from transformers import CLIPSegForImageSegmentation

    words = write_byte_tokenizer(folder, tokenizer_class="CLIPTokenizerFast", longest=77)
    torch.manual_seed(0)
    vision = {**_TINY, "image_size": 32, "patch_size": 8}
    config = CLIPSegConfig(
        text_config=_text(words), vision_config=vision, projection_dim=16, reduce_dim=8, extract_layers=[0, 1],
        decoder_num_attention_heads=2, decoder_intermediate_size=16, conditional_layer=0,
    )  # fmt: skip
    CLIPSegForImageSegmentation(config).save_pretrained(folder)


def write_sam3(folder: Path) -> None:
    from transformers import Sam3Config
    from transformers import Sam3Model

    words = write_byte_tokenizer(folder, tokenizer_class="CLIPTokenizerFast", longest=32)
    torch.manual_seed(0)
    small = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32}
    backbone = {
        **_TINY, "hidden_size": 32, "image_size": 56, "patch_size": 14, "window_size": 2, "global_attn_indexes": [1],
        "pretrain_image_size": 56, "model_type": "sam3_vit_model",
    }  # fmt: skip
    config = Sam3Config(
        vision_config={
            "backbone_config": backbone,
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config=_text(words, projection_dim=16, max_position_embeddings=32),
        geometry_encoder_config={**small, "num_layers": 1},
        detr_encoder_config={**small, "num_layers": 1},
        detr_decoder_config={**small, "num_layers": 1, "num_queries": 5},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    Sam3Model(config).save_pretrained(folder)

"""SAM 2's video model of the real class at tiny size with random weights."""

from __future__ import annotations

from typing import Any

import torch

SIDE = 64


def tiny_sam2_video(seed: int = 0, *, visible: bool = True) -> Any:
    from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig
    from transformers.models.sam2.configuration_sam2 import Sam2VisionConfig
    from transformers.models.sam2_video.configuration_sam2_video import Sam2VideoConfig
    from transformers.models.sam2_video.configuration_sam2_video import Sam2VideoMaskDecoderConfig
    from transformers.models.sam2_video.configuration_sam2_video import Sam2VideoPromptEncoderConfig
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoModel

    torch.manual_seed(seed)
    backbone = Sam2HieraDetConfig(
        hidden_size=8,
        num_attention_heads=1,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[8, 4, 4, 2],
        window_positional_embedding_background_size=[7, 7],
        global_attention_blocks=[3],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
        fpn_hidden_size=128,
    )
    model = Sam2VideoModel(
        Sam2VideoConfig(
            vision_config=vision,
            prompt_encoder_config=Sam2VideoPromptEncoderConfig(hidden_size=128, image_size=SIDE, patch_size=16),
            mask_decoder_config=Sam2VideoMaskDecoderConfig(
                hidden_size=128, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32
            ),
            image_size=SIDE,
            memory_attention_hidden_size=128,
            memory_attention_feed_forward_hidden_size=64,
            memory_attention_num_layers=1,
            memory_attention_rope_feat_sizes=[SIDE // 16, SIDE // 16],
            memory_encoder_hidden_size=128,
            memory_encoder_output_channels=64,
            mask_downsampler_embed_dim=128,
            memory_fuser_embed_dim=128,
            memory_fuser_intermediate_dim=64,
            num_maskmem=3,
            max_object_pointers_in_encoder=4,
        )
    )
    with torch.no_grad():
        for parameter in model.parameters():
            # As if trained: fresh decoders say nearly the same at every pixel.
            if parameter.dim() > 1:
                parameter.mul_(4.0)
        # Sure that the objects are to be seen; a fresh network may as well say that they are gone.
        score = model.mask_decoder.pred_obj_score_head.proj_out
        score.weight.zero_()
        score.bias.fill_(5.0 if visible else -5.0)
    return model.eval()

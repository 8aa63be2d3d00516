"""A SAM of the real classes that runs in milliseconds."""

from __future__ import annotations

import torch

from sounddesk.engine.segmenters.sam_checkpoint import Architecture
from sounddesk.engine.segmenters.sam_checkpoint import build_sam

TINY = Architecture(
    width=32,
    depth=2,
    heads=2,
    mlp_ratio=2.0,
    patch_px=8,
    grid=8,
    window=3,
    global_blocks=(1,),
    prompt_width=32,
    mask_in_channels=8,
    decoder_depth=2,
    decoder_mlp=64,
    multimask_outputs=3,
    iou_depth=3,
    iou_width=32,
)


def tiny_sam(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    model = build_sam(TINY)
    with torch.no_grad():
        # Fresh tables are zero, and fresh hypernetworks say nearly nothing: make every weight matter.
        for name, parameter in model.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(0, 0.5)
            if "output_hypernetworks_mlps" in name:
                parameter.mul_(4)
    return model

"""SAM checkpoint files: which are known, and how a model is built from any of them.

Kirillov et al., 'Segment Anything', 2023; the classes are those of the `segment-anything` package
(1.0, April 2023, Apache-2.0, the authors' own), which needs torchvision although it does not say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any
from typing import Final

import torch
from safetensors.torch import load_file
from segment_anything.modeling import ImageEncoderViT
from segment_anything.modeling import MaskDecoder
from segment_anything.modeling import PromptEncoder
from segment_anything.modeling import Sam
from segment_anything.modeling import TwoWayTransformer

from sounddesk.domain.errors import EngineError
from sounddesk.engine.catalogue.pickled_weights import tensors_of_pickle
from sounddesk.engine.models.quantised_weights import checked_weights
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.storage.foreign_file import open_foreign_file

# ImageNet's statistics on the 0..255 scale, as in segment_anything/build_sam.py; not part of the file.
PIXEL_MEAN: Final = (123.675, 116.28, 103.53)
PIXEL_STD: Final = (58.395, 57.12, 57.375)
# Not visible in the shapes of the weights; the same in every published SAM.
_DECODER_HEADS: Final = 8

# A SAM may have no windows, or nothing but windows.
_MAY_BE_EMPTY: Final = ("window", "global_blocks")
_TYPE_BY_WIDTH: Final = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """A file that the authors of SAM published."""

    name: str
    size_bytes: int
    sha256: str


KNOWN_FILES: Final = (
    KnownFile(
        name="sam_vit_b_01ec64.pth",
        size_bytes=375_042_383,
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    KnownFile(
        name="sam_vit_l_0b3195.pth",
        size_bytes=1_249_524_607,
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    KnownFile(
        name="sam_vit_h_4b8939.pth",
        size_bytes=2_564_550_879,
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Everything that shapes a SAM, read off the shapes of its weights."""

    width: int
    depth: int
    heads: int
    mlp_ratio: float
    patch_px: int
    grid: int
    window: int
    global_blocks: tuple[int, ...]
    prompt_width: int
    mask_in_channels: int
    decoder_depth: int
    decoder_mlp: int
    multimask_outputs: int
    iou_depth: int
    iou_width: int

    @property
    def model_type(self) -> str:
        """'vit_b', 'vit_l', 'vit_h', or the width and depth of any other."""
        return _TYPE_BY_WIDTH.get(self.width, f"vit_{self.width}x{self.depth}")


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .pth or .safetensors file, on the CPU; nothing in the file is executed.

    Raises:
        SegmenterError: missing, damaged, or holding anything but tensors.
    """
    if not path.is_file():
        raise SegmenterError(f"SAM checkpoint {str(path)!r} does not exist: check the path")
    try:
        return load_file(checked_weights(path)) if path.suffix == ".safetensors" else tensors_of_pickle(path)
    except EngineError as error:
        remedy = "give one of SAM's own files" if "state dict" in str(error) else "download it again"
        raise SegmenterError(f"SAM checkpoint {str(path)!r} {error}: {remedy}") from error
    # Each of safetensors' own classes means the same here.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SegmenterError(f"SAM checkpoint {str(path)!r} cannot be read ({reason}): download it again") from error


def identify(path: Path) -> tuple[str, ...]:
    """Notes on a checkpoint that is not one of the published files; none for one that is.

    The hash is taken only where the size matches, since reading gigabytes to say 'unknown' helps nobody.
    """
    size = path.stat().st_size
    for known in KNOWN_FILES:
        if known.size_bytes == size:
            with open_foreign_file(path) as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == known.sha256:
                    return ()
    return (f"{path.name} is none of the published SAM files (size or sha256 differs): its origin is not known",)


def architecture_of(state: Mapping[str, torch.Tensor]) -> Architecture:
    """The architecture that these weights belong to.

    Raises:
        SegmenterError: the weights are not those of a SAM.
    """
    try:
        patch = state["image_encoder.patch_embed.proj.weight"]
        width, patch_px = patch.shape[0], patch.shape[2]
        grid = state["image_encoder.pos_embed"].shape[1]
        depth = _count(state, "image_encoder.blocks.{}.norm1.weight")
        # A block's table of relative positions spans 2 * side - 1 entries of its attention's side.
        tables = [state[f"image_encoder.blocks.{i}.attn.rel_pos_h"] for i in range(depth)]
        sides = [(table.shape[0] + 1) // 2 for table in tables]
        windowed = [side for side in sides if side != grid]
        tokens = state["mask_decoder.mask_tokens.weight"]
        found = Architecture(
            width=width,
            depth=depth,
            heads=width // tables[0].shape[1],
            mlp_ratio=state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0] / width,
            patch_px=patch_px,
            grid=grid,
            window=windowed[0] if windowed else 0,
            global_blocks=tuple(i for i, side in enumerate(sides) if side == grid),
            prompt_width=tokens.shape[1],
            mask_in_channels=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
            decoder_depth=_count(state, "mask_decoder.transformer.layers.{}.norm1.weight"),
            decoder_mlp=state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
            multimask_outputs=tokens.shape[0] - 1,
            iou_depth=_count(state, "mask_decoder.iou_prediction_head.layers.{}.weight"),
            iou_width=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
        )
    except (KeyError, IndexError) as error:
        raise SegmenterError(f"this is no SAM checkpoint (lacks {error}): give one of SAM's own files") from error
    except ZeroDivisionError:
        raise SegmenterError("this is no SAM checkpoint (a width of 0): give one of SAM's own files") from None
    empty = [each.name for each in fields(found) if each.name not in _MAY_BE_EMPTY and not getattr(found, each.name)]
    if empty:
        raise SegmenterError(f"this is no SAM checkpoint ({empty[0]} is 0): give one of SAM's own files")
    return found


def _count(state: Mapping[str, torch.Tensor], pattern: str) -> int:
    count = 0
    while pattern.format(count) in state:
        count += 1
    if count == 0:
        raise KeyError(pattern.format(0))
    return count


def build_sam(architecture: Architecture) -> Any:
    """A SAM of this architecture; the same modules as segment_anything's builders (a test compares them)."""
    a = architecture
    image_px = a.grid * a.patch_px
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=image_px,
            patch_size=a.patch_px,
            embed_dim=a.width,
            depth=a.depth,
            num_heads=a.heads,
            mlp_ratio=a.mlp_ratio,
            out_chans=a.prompt_width,
            qkv_bias=True,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=a.window,
            global_attn_indexes=a.global_blocks,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=a.prompt_width,
            image_embedding_size=(a.grid, a.grid),
            input_image_size=(image_px, image_px),
            mask_in_chans=a.mask_in_channels,
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=a.multimask_outputs,
            transformer=TwoWayTransformer(
                depth=a.decoder_depth, embedding_dim=a.prompt_width, mlp_dim=a.decoder_mlp, num_heads=_DECODER_HEADS
            ),
            transformer_dim=a.prompt_width,
            iou_head_depth=a.iou_depth,
            iou_head_hidden_dim=a.iou_width,
        ),
        pixel_mean=list(PIXEL_MEAN),
        pixel_std=list(PIXEL_STD),
    ).eval()


def sam_from_state(state: Mapping[str, torch.Tensor]) -> tuple[Any, Architecture]:
    """A model with these weights in float32, taken over without a second copy in memory.

    Raises:
        SegmenterError: keys or shapes are not those of a SAM.
    """
    architecture = architecture_of(state)
    with torch.device("meta"):
        model = build_sam(architecture)
    try:
        model.load_state_dict({key: value.float() for key, value in state.items()}, strict=True, assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise SegmenterError(f"SAM checkpoint does not fit its own architecture ({reason})") from error
    # The only buffers that the file does not hold.
    model.pixel_mean = torch.tensor(PIXEL_MEAN).view(-1, 1, 1)
    model.pixel_std = torch.tensor(PIXEL_STD).view(-1, 1, 1)
    return model.requires_grad_(False).eval(), architecture

"""Image to patch features, with the same geometry for the image and for its masks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Final
from typing import Literal
from typing import Protocol
from typing import get_args

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.limits import LayerSize
from sounddesk.domain.limits import Range
from sounddesk.engine.models.diffusers_weights import load_transformers_model
from sounddesk.engine.models.picture_pixels import CLIP_MEAN
from sounddesk.engine.models.picture_pixels import CLIP_STD
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.types import RgbImage
from sounddesk.storage.codec import load

Geometry = Literal["squash", "crop"]

# `feature_maps` and `head` name the parts that these have.
_ARCHITECTURES: Final = re.compile("(tf_)?efficientnet_(lite[0-4]|b[0-7])|test_efficientnet")
_MOST_PX: Final = 4096

MAP_STRIDES: Final = (4, 8, 16, 32)
"""Strides of a backbone's feature maps, in pixels of the image."""


class ImageEncoder(Protocol):
    """What the pipeline needs of an image encoder.

    Attributes:
        grid: rows and columns of patches.
        width: D, number of features of a patch.
        image_size: side in pixels of the square that an image is fitted to.
    """

    grid: tuple[int, int]
    width: int
    image_size: int

    def encode(self, images: Sequence[RgbImage]) -> Tensor:
        """SRGB uint8[H, W, 3] each -> patches float32[N, P, D], rows first."""
        ...


def centre_square(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The largest central square of an array [H, W, ...]."""
    height, width = array.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return array[top : top + side, left : left + side]


def fit_image(image: RgbImage, *, size: int, geometry: Geometry) -> RgbImage:
    """The image as the encoder sees it, uint8[size, size, 3].

    'squash' shrinks the whole image, so that an object at the side stays selectable; 'crop' takes the centre.
    """
    if geometry == "crop":
        image = np.ascontiguousarray(centre_square(image))
    shrinking = image.shape[0] >= size and image.shape[1] >= size
    resized = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)
    return resized.astype(np.uint8)


def fit_mask(mask: npt.NDArray[np.generic], *, geometry: Geometry) -> npt.NDArray[np.generic]:
    """The mask under the same geometry; the squash itself happens when it is pooled onto the patch grid."""
    return centre_square(mask) if geometry == "crop" else mask


def check_backbone(architecture: str, *, image_size: int, pool: int) -> None:
    """Raises: ValueError, for a network that is not one of the known ones, or an image of no sensible size.

    timm takes 'hf-hub:owner/name' and 'local-dir:path' for names too, and would fetch what stands there.
    """
    if not isinstance(architecture, str) or not _ARCHITECTURES.fullmatch(architecture):
        raise ValueError(f"architecture is {architecture!r}: only EfficientNets of timm are known")
    if not isinstance(image_size, int) or not 32 <= image_size <= _MOST_PX:
        raise ValueError(f"image_size is {image_size!r}: choose from 32 to {_MOST_PX}")
    if not isinstance(pool, int) or not 1 <= pool <= image_size // 32:
        raise ValueError(f"pool is {pool!r}: choose from 1 to {image_size // 32}")


@dataclass(frozen=True, kw_only=True)
class PatchEncoderConfig:
    """`config.json` of a `TimmPatchEncoder`: the arguments that it is made with."""

    architecture: str
    image_size: Annotated[int, Range(32, _MOST_PX)]
    mean: float = 127.0
    scale: float = 128.0
    geometry: Geometry = "squash"
    pool: LayerSize = 1


class TimmPatchEncoder(nn.Module):
    """A convolutional backbone of timm, its last feature map taken as patches.

    `pool` averages squares of that map: a large image shows small objects at the size that the network was
    trained for, and the average takes out the noise of single cells.
    """

    def __init__(
        self,
        *,
        architecture: str,
        image_size: int,
        mean: float = 127.0,
        scale: float = 128.0,
        geometry: Geometry = "squash",
        pool: int = 1,
    ) -> None:
        super().__init__()
        import timm

        check_backbone(architecture, image_size=image_size, pool=pool)
        # Any: timm's models carry attributes that nn.Module does not declare.
        backbone: Any = timm.create_model(architecture, pretrained=False, num_classes=0)
        self.backbone = backbone
        self.image_size = image_size
        self.mean = mean
        self.scale = scale
        self.geometry: Geometry = geometry
        self.width = int(backbone.num_features)
        self.pool = pool
        side = image_size // 32 // pool
        self.grid = (side, side)

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalised float32[N, 3, S, S] -> patches float32[N, P, D]."""
        return flatten_map(self.backbone.forward_features(pixels), pool=self.pool)

    @torch.no_grad()
    def encode(self, images: Sequence[RgbImage]) -> Tensor:
        fitted = [fit_image(image, size=self.image_size, geometry=self.geometry) for image in images]
        result: Tensor = self(self.normalised(fitted))
        return result

    def head(self, last_map: Tensor) -> Tensor:
        """The map of stride 32 -> features of patches float32[N, D, h, w], before any average."""
        widened: Tensor = self.backbone.bn2(self.backbone.conv_head(last_map))
        return widened

    def normalised(self, fitted: Sequence[RgbImage]) -> Tensor:
        """Images as `fit_image` leaves them -> float32[N, 3, S, S], as `forward` takes them."""
        device = next(self.parameters()).device
        return (torch.from_numpy(np.stack(fitted)).to(device).permute(0, 3, 1, 2).float() - self.mean) / self.scale

    def patches_and_maps(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Patches as `forward` gives them, and on the way the feature maps of the strides 4, 8, 16 and 32.

        Each is the last of its stride before the network shrinks it, so the one of stride 32 is what comes before
        the widening to the patches.
        """
        maps = self.feature_maps(pixels, strides=MAP_STRIDES)
        return flatten_map(self.head(maps[-1]), pool=self.pool), maps

    def feature_maps(self, pixels: Tensor, *, strides: Sequence[int]) -> list[Tensor]:
        """The maps of `patches_and_maps` for some strides, rising; what lies behind the last is not computed."""
        backbone = self.backbone
        features: Tensor = backbone.bn1(backbone.conv_stem(pixels))
        maps: dict[int, Tensor] = {}
        for stage in backbone.blocks:
            stride = pixels.shape[-1] // features.shape[-1]
            if stride == strides[-1] and shrinks(stage):
                break
            features = stage(features)
            maps[pixels.shape[-1] // features.shape[-1]] = features
        return [maps[stride] for stride in strides]

    def resized(self, *, image_size: int) -> TimmPatchEncoder:
        """The same backbone on images of another size, every cell of its map a patch."""
        settings: dict[str, Any] = {**TimmPatchEncoder.config(self), "image_size": image_size, "pool": 1}
        encoder = TimmPatchEncoder(**settings)
        encoder.backbone.load_state_dict(self.backbone.state_dict())
        return encoder.eval()

    def config(self) -> dict[str, str | int | float | bool]:
        return {
            "architecture": str(self.backbone.default_cfg["architecture"]),
            "image_size": self.image_size,
            "mean": self.mean,
            "scale": self.scale,
            "geometry": self.geometry,
            "pool": self.pool,
        }

    @classmethod
    def load(cls, folder: Path) -> TimmPatchEncoder:
        """Read `config.json` and `model.safetensors`; settings of extensions are left to them."""
        config = load(PatchEncoderConfig, folder / "config.json", unknown="ignore")
        encoder = build_within(lambda: cls(**vars(config)), folder)
        encoder.backbone.load_state_dict(load_weights(folder / "model.safetensors"))
        return encoder.eval()


def shrinks(stage: nn.Module) -> bool:
    """Whether a block of a backbone halves the map."""
    return any(isinstance(part, nn.Conv2d) and part.stride[0] > 1 for part in stage.modules())


def flatten_map(features: Tensor, *, pool: int = 1) -> Tensor:
    """Map float32[N, D, h, w] -> float32[N, P, D], rows first."""
    if pool > 1:
        features = nn.functional.avg_pool2d(features, pool)
    return features.flatten(2).transpose(1, 2)


ClipFeatures = Literal["projected", "hidden", "values"]
"""What `ClipPatchEncoder` gives for a patch."""


@dataclass(frozen=True, kw_only=True)
class _ClipOptions:
    """What `patches.json` beside CLIP's own files says."""

    features: ClipFeatures = "projected"
    geometry: Geometry = "squash"


class ClipPatchEncoder(nn.Module):
    """CLIP's vision tower; what it gives for a patch is a choice.

    - 'projected': the last hidden state through the projection, the reading of paper 3.2 in which patches and text
      share the width L;
    - 'hidden': the last hidden state itself;
    - 'values': the values of the last attention layer through its output and the projection (MaskCLIP, Zhou et al.
      2022). Only the class token is trained to lie near texts; in the last layer it is a mean of these values, so each
      of them can be compared with texts, which the hidden states of patches cannot.
    """

    def __init__(self, model: nn.Module, *, features: ClipFeatures, geometry: Geometry) -> None:
        super().__init__()
        if features not in get_args(ClipFeatures):
            raise ValueError(f"features is {features!r}: choose {', '.join(get_args(ClipFeatures))}")
        self.model = model
        self.features = features
        self.geometry: Geometry = geometry
        config = model.config
        self.image_size = int(config.image_size)  # type: ignore[union-attr,arg-type]
        side = self.image_size // int(config.patch_size)  # type: ignore[union-attr,arg-type]
        self.grid = (side, side)
        self.width = int(config.projection_dim if features != "hidden" else config.hidden_size)  # type: ignore[union-attr,arg-type]
        self.register_buffer("mean", torch.tensor(CLIP_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(CLIP_STD)[:, None, None], persistent=False)

    @torch.no_grad()
    def encode(self, images: Sequence[RgbImage]) -> Tensor:
        fitted = np.stack([fit_image(image, size=self.image_size, geometry=self.geometry) for image in images])
        device = next(self.parameters()).device
        pixels = torch.from_numpy(fitted).to(device).permute(0, 3, 1, 2).float() / 255.0
        vision: Any = self.model.vision_model
        pixels = (pixels - self.get_buffer("mean")) / self.get_buffer("std")
        if self.features == "values":
            before = vision(pixel_values=pixels, output_hidden_states=True).hidden_states[-2]
            last = vision.encoder.layers[-1]
            values = last.self_attn.out_proj(last.self_attn.v_proj(last.layer_norm1(before[:, 1:])))
            aligned: Tensor = self.model.visual_projection(vision.post_layernorm(values))  # type: ignore[operator,union-attr]
            return aligned
        hidden: Tensor = vision(pixel_values=pixels).last_hidden_state[:, 1:]  # type: ignore[operator,union-attr]
        if self.features == "hidden":
            return hidden
        projected: Tensor = self.model.visual_projection(vision.post_layernorm(hidden))  # type: ignore[operator,union-attr]
        return projected

    @classmethod
    def load(cls, folder: Path) -> ClipPatchEncoder:
        from transformers.models.clip.modeling_clip import CLIPVisionModelWithProjection

        file = folder / "patches.json"
        options = load(_ClipOptions, file, unknown="ignore") if file.exists() else _ClipOptions()
        model = load_transformers_model(CLIPVisionModelWithProjection, folder)
        return cls(model.eval(), features=options.features, geometry=options.geometry)

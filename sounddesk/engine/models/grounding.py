"""Which patches of the image a take listens to, and the condition vector that follows from them.

Paper 3.2: scaled dot-product attention of a text query over image patches while training; at use the
attention weights are replaced by the segmentation mask, rescaled to the attention's mean and variance.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import ClassVar
from typing import Literal
from typing import Self

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.limits import LayerSize
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.storage.codec import decode
from sounddesk.storage.text_formats import read_json

AttentionScore = Literal["dot", "additive"]
PositionPlace = Literal["post", "pre", "off"]
NullKind = Literal["empty_text", "learned", "zeros", "text_only"]


@dataclass(frozen=True, kw_only=True)
class GroundingConfig:
    """Every choice that the paper leaves open or ablates.

    Attributes:
        text_width, patch_width: widths of the text vector and of a patch.
        grid: rows and columns of the patch grid; P = rows * cols.
        width: d, the attention's inner width.
        out_width: C, width of the condition vector.
        heads: 1 in the paper; 8 is ablation (ii).
        score: 'dot' (eq. 4) or 'additive', ablation (iii).
        position: learnable positional encodings added after the projections ('post'), before them ('pre'), or 'off'
            (table 6).
        mlp_factor: hidden width of the MLP relative to `width`.
        mlp_residual: add the MLP's input to its output (`out_width` == `width`).
        normalise: unit-length condition vectors, as AudioLDM's FiLM slot expects.
        null: what stands for 'no condition' in guidance.
        mask_source: 'prob' pools probabilities, 'binary' thresholds them at 0.5 first.
        mask_nonneg: cap the rescaled mask so that no weight is negative.
        geometry: how an image and its masks are fitted to the encoder's square.
        hint_sharpness: exponent of the text attention inside the mask when a hint is given.
        hint_blend: share of the hint's own text vector in the condition, 0 to 1; only meaningful where conditions
            live in the text encoder's space (`out_width` == `text_width`).
    """

    text_width: LayerSize = 512
    patch_width: LayerSize = 512
    grid: tuple[LayerSize, LayerSize] = (7, 7)
    width: LayerSize = 512
    out_width: LayerSize = 512
    heads: LayerSize = 1
    score: AttentionScore = "dot"
    position: PositionPlace = "post"
    mlp_factor: LayerSize = 4
    mlp_residual: bool = False
    normalise: bool = True
    null: NullKind = "empty_text"
    mask_source: Literal["prob", "binary"] = "prob"
    mask_nonneg: bool = True
    geometry: Literal["squash", "crop"] = "squash"
    hint_sharpness: float = 1.0
    hint_blend: float = 0.0

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not divisible by {self.heads} heads")
        if self.score == "additive" and self.heads != 1:
            raise ValueError("additive attention has one head: set heads to 1")
        if self.mlp_residual and self.out_width != self.width:
            raise ValueError(f"mlp_residual needs out_width == width, got {self.out_width} and {self.width}")
        if not 0.0 <= self.hint_blend <= 1.0:
            raise ValueError(f"hint_blend is {self.hint_blend}: choose from 0 to 1")
        if self.hint_blend > 0 and self.out_width != self.text_width:
            raise ValueError(f"hint_blend needs out_width == text_width, got {self.out_width} and {self.text_width}")

    @property
    def patches(self) -> int:
        """P, the number of patches."""
        return self.grid[0] * self.grid[1]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the settings of this class from `config.json`; those of its extensions are left to them.

        Raises:
            FieldError: names the key whose value cannot be used.
        """
        return decode(cls, data, unknown="ignore")


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectViews:
    """The image that the patches are of, for a conditioner that looks at its objects again.

    Attributes:
        image: sRGB uint8[H, W, 3].
        masks: one per condition, [H, W]; None where it stands for more than a single object.
        open_encoder: gives the image encoder, ready to run inside the block.
    """

    image: RgbImage
    masks: Sequence[FloatMask | BoolMask | None]
    open_encoder: Callable[[], AbstractContextManager[ImageEncoder]]


class ObjectConditioner(nn.Module):
    """Text-image attention, value fusion and MLP: eq. (3) and (4) of the paper and the layers after them.

    A bundle may bring a conditioner of its own that extends this one: `config_class` with settings, `to_condition` and
    `conditions` with what it does to the vectors.
    """

    config_class: ClassVar[type[GroundingConfig]] = GroundingConfig

    def __init__(self, config: GroundingConfig) -> None:
        super().__init__()
        self.config = config
        width, patches = config.width, config.patches
        self.to_q = nn.Linear(config.text_width, width, bias=False)
        self.to_k = nn.Linear(config.patch_width, width, bias=False)
        self.to_v = nn.Linear(config.patch_width, width, bias=False)
        if config.position != "off":
            position_width = width if config.position == "post" else config.patch_width
            self.position_k = nn.Parameter(torch.randn(patches, position_width) * 0.02)
            self.position_v = nn.Parameter(torch.randn(patches, position_width) * 0.02)
        if config.score == "additive":
            self.additive = nn.Linear(width, 1, bias=False)
        hidden = config.mlp_factor * width
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, config.out_width))
        if config.null == "learned":
            self.null_vector = nn.Parameter(torch.randn(config.out_width) / math.sqrt(config.out_width))
        else:
            self.register_buffer("null_vector", torch.zeros(config.out_width))
        self.variance_sum: Tensor
        self.variance_count: Tensor
        self.register_buffer("variance_sum", torch.zeros((), dtype=torch.float64))
        self.register_buffer("variance_count", torch.zeros((), dtype=torch.float64))

    def _project(self, patches: Tensor, projection: nn.Linear, position_name: str) -> Tensor:
        if self.config.position == "off":
            return projection(patches)  # type: ignore[no-any-return]
        position: Tensor = getattr(self, position_name)
        if self.config.position == "pre":
            return projection(patches + position)  # type: ignore[no-any-return]
        return projection(patches) + position  # type: ignore[no-any-return]

    def scores(self, text: Tensor, patches: Tensor) -> Tensor:
        """Attention logits float32[B, heads, P] of text float[B, Lt] over patches float[B, P, Lv]."""
        query = self.to_q(text)
        key = self._project(patches, self.to_k, "position_k")
        if self.config.score == "additive":
            return self.additive(torch.tanh(query[:, None] + key)).transpose(1, 2).float()  # type: ignore[no-any-return]
        heads = self.config.heads
        depth = self.config.width // heads
        query = query.reshape(-1, heads, 1, depth)
        key = key.reshape(key.shape[0], -1, heads, depth).transpose(1, 2)
        # Softmax in float32 also under autocast: its variance is a statistic that masks are matched to.
        return (query.float() @ key.float().transpose(-1, -2))[:, :, 0] / math.sqrt(depth)

    def weights(self, text: Tensor, patches: Tensor) -> Tensor:
        """Attention weights of eq. (4), mean 1 / P: float32[B, P], or [B, heads, P] with several heads."""
        weights = torch.softmax(self.scores(text, patches), dim=-1)
        return weights[:, 0] if self.config.heads == 1 else weights

    def fuse(self, weights: Tensor, patches: Tensor) -> Tensor:
        """Condition vectors float[B, C] of weights [B, P] (or [B, heads, P]) over patches [B, P, Lv].

        A mask [B, P] replaces the weights of every head.
        """
        value = self._project(patches, self.to_v, "position_v")
        heads = self.config.heads
        if weights.dim() == 2:
            weights = weights[:, None].expand(-1, heads, -1)
        batch, count, width = value.shape
        value = value.reshape(batch, count, heads, width // heads).transpose(1, 2)
        attended = (weights.to(value.dtype)[:, :, None] @ value)[:, :, 0].reshape(batch, width)
        fused: Tensor = self.mlp(attended)
        if self.config.mlp_residual:
            fused = fused + attended
        return nn.functional.normalize(fused.float(), dim=-1) if self.config.normalise else fused

    def to_condition(self, fused: Tensor) -> Tensor:
        """What the denoiser is given for vectors that `fuse` made, float[B, C]: these themselves, as in the paper."""
        return fused

    def conditions(self, weights: Tensor, patches: Tensor, views: ObjectViews) -> Tensor:  # noqa: ARG002  # for extensions
        """Condition vectors float32[N, C] of weights float[N, P] over patches [N, P, Lv] of one image.

        Args:
            views: the image again; the paper's conditioner sees its patches alone.
        """
        return self.to_condition(self.fuse(weights, patches)).float()

    def check_encoder(self, encoder: ImageEncoder) -> None:
        """Raises: ValueError, for an image encoder whose patches are not those that this was made for."""
        config = self.config
        if encoder.grid != config.grid or encoder.width != config.patch_width:
            raise ValueError(
                f"it gives {encoder.grid[0]} x {encoder.grid[1]} patches of width {encoder.width}, "
                f"grounding wants {config.grid[0]} x {config.grid[1]} of width {config.patch_width}"
            )

    def null(self, patches: Tensor) -> Tensor:
        """The condition of the unconditional pass, float[B, C], for patches float[B, P, Lv].

        'text_only' omits the query alone, so it still sees the image, evenly; the others ignore the image.
        """
        if self.config.null == "text_only":
            even = patches.new_full(patches.shape[:2], 1.0 / patches.shape[1])
            return self.fuse(even, patches)
        vector: Tensor = self.null_vector
        if self.config.null == "learned" and self.config.normalise:
            vector = nn.functional.normalize(vector, dim=-1)
        return vector[None].expand(patches.shape[0], -1)

    @torch.no_grad()
    def observe(self, weights: Tensor) -> None:
        """Add a training batch's attention weights [B, P] to the running variance."""
        variance = weights.detach().double().var(dim=-1, unbiased=False)
        self.variance_sum += variance.sum()
        self.variance_count += variance.numel()

    def attention_std(self) -> float | None:
        """Root of the mean variance of the weights seen in training; None where none were recorded."""
        if self.variance_count.item() == 0:
            return None
        return math.sqrt(self.variance_sum.item() / self.variance_count.item())

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config.to_json(), indent=2) + "\n")
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, folder / "model.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `config.json` and `model.safetensors`."""
        config = cls.config_class.from_json(read_json(folder / "config.json"))
        model = build_within(lambda: cls(config), folder)
        model.load_state_dict(load_weights(folder / "model.safetensors"))
        return model.eval()

"""Which patches of the image a take listens to, and the condition vector that follows from them.

Paper 3.2: scaled dot-product attention of a text query over image patches while training; at use the
attention weights are replaced by the segmentation mask, rescaled to the attention's mean and variance.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.engine.models.quantised_weights import load_weights

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
        prototypes: number of vectors of known things that a condition is drawn to; 0, as in the paper, leaves it alone.
        prototype_temperature: how sharply; lower is nearer to the single best one.
        closer_look: a single object is also looked at enlarged (`closer_look`), and its shares of the prototypes are
            the geometric mean of both looks'.
        classes: number of classes of the image encoder (`ClassBranch`) that have a second opinion on the closer look;
            0, as in the paper, for none.
        class_weight: exponent of the classes' share in the second opinion.
        class_floor: share that the second opinion leaves to every prototype, whatever the classes say; 0 to 1.
        kinds: number of the encoder's own names of the prototypes, in their order; 0 for none.
        kind_weight: exponent of their shares in the second opinion; less than one where they say little that the
            prototypes' shares, which come from the same pictures, do not.
    """

    text_width: int = 512
    patch_width: int = 512
    grid: tuple[int, int] = (7, 7)
    width: int = 512
    out_width: int = 512
    heads: int = 1
    score: AttentionScore = "dot"
    position: PositionPlace = "post"
    mlp_factor: int = 4
    mlp_residual: bool = False
    normalise: bool = True
    null: NullKind = "empty_text"
    mask_source: Literal["prob", "binary"] = "prob"
    mask_nonneg: bool = True
    geometry: Literal["squash", "crop"] = "squash"
    hint_sharpness: float = 1.0
    hint_blend: float = 0.0
    prototypes: int = 0
    prototype_temperature: float = 0.05
    closer_look: bool = False
    classes: int = 0
    class_weight: float = 1.0
    class_floor: float = 0.01
    kinds: int = 0
    kind_weight: float = 0.5

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not divisible by {self.heads} heads")
        if self.score == "additive" and self.heads != 1:
            raise ValueError("additive attention has one head: set heads to 1")
        if self.mlp_residual and self.out_width != self.width:
            raise ValueError(f"mlp_residual needs out_width == width, got {self.out_width} and {self.width}")
        if not 0.0 <= self.hint_blend <= 1.0:
            raise ValueError(f"hint_blend is {self.hint_blend}: choose from 0 to 1")
        if self.prototypes < 0 or self.prototype_temperature <= 0.0:
            raise ValueError("prototypes must be at least 0 and prototype_temperature above 0")
        if self.closer_look and not self.prototypes:
            raise ValueError("closer_look without prototypes: it weighs their shares")
        if self.classes < 0 or (self.classes and not self.closer_look):
            raise ValueError(f"classes is {self.classes}: at least 0, and without closer_look 0")
        if self.kinds not in ((0, self.prototypes) if self.classes else (0,)):
            raise ValueError(f"kinds is {self.kinds}: 0, or with classes the number of prototypes, {self.prototypes}")
        if not 0.0 < self.class_floor < 1.0:
            raise ValueError(f"class_floor is {self.class_floor}: choose above 0 and below 1")
        if self.hint_blend > 0 and self.out_width != self.text_width:
            raise ValueError(f"hint_blend needs out_width == text_width, got {self.out_width} and {self.text_width}")

    @property
    def patches(self) -> int:
        """P, the number of patches."""
        return self.grid[0] * self.grid[1]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> GroundingConfig:
        return cls(**{**data, "grid": tuple(data["grid"])})


class ObjectConditioner(nn.Module):
    """Text-image attention, value fusion and MLP: eq. (3) and (4) of the paper and the layers after them."""

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
        if config.prototypes:
            self.register_buffer("prototypes", torch.zeros(config.prototypes, config.out_width))
        if config.classes:
            # 1 where a class is of a prototype; a class may be of several, and most are of none.
            self.register_buffer("class_prototypes", torch.zeros(config.classes, config.prototypes, dtype=torch.uint8))
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

    def sharpen(self, fused: Tensor) -> Tensor:
        """Draw what `fuse` gave, float[B, C], to the prototypes; unchanged where the bundle has none.

        Patches of an unseen picture give a vector between several things and far from each (mean cosine to the right
        one about 0.4 in the starter), a kind of vector that the denoiser met in no
        training picture. The softmax over the
        prototypes, as in the retrieval of a modern Hopfield network (Ramsauer et al. 2021), keeps which things they
        may be and in which shares, and brings the vector back to where the denoiser is at home.
        """
        return self.mixture(self.log_shares(fused)) if self.config.prototypes else fused

    def log_shares(self, fused: Tensor) -> Tensor:
        """How much of each prototype is in what `fuse` gave: float32[B, prototypes], natural logarithms of shares."""
        similar = nn.functional.normalize(fused.float(), dim=-1) @ self.get_buffer("prototypes").T
        return torch.log_softmax(similar / self.config.prototype_temperature, dim=-1)

    def mixture(self, log_shares: Tensor) -> Tensor:
        """Prototypes in the shares whose logarithms, up to a constant, are given: unit vectors float32[B, C]."""
        shares = torch.softmax(log_shares, dim=-1)
        return nn.functional.normalize(shares @ self.get_buffer("prototypes"), dim=-1)

    def second_opinion(self, weights: Tensor, logits: Tensor) -> Tensor:
        """Log shares of the prototypes by the logits float[B, P, classes + kinds] of patches: float32[B, prototypes].

        The logits are averaged by the weights [B, P]. What the classes do not know is left open by `class_floor`, so
        the opinion can speak for a prototype much more than against one. Added to `log_shares` it makes a product of
        two experts (Hinton 2002), which errs where both do.
        """
        pooled = (weights.float()[:, None] @ logits.float())[:, 0]
        classes = self.config.classes
        known = torch.softmax(pooled[:, :classes], dim=-1) @ self.get_buffer("class_prototypes").float()
        opinion = self.config.class_weight * (known + self.config.class_floor).log()
        if self.config.kinds:
            opinion = opinion + self.config.kind_weight * torch.log_softmax(pooled[:, classes:], dim=-1)
        return opinion

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
    def load(cls, folder: Path) -> ObjectConditioner:
        config = GroundingConfig.from_json(json.loads((folder / "config.json").read_text()))
        model = cls(config)
        model.load_state_dict(load_weights(folder / "model.safetensors"))
        return model.eval()

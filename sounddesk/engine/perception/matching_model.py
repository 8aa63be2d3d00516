"""The audio-visual matching model: whether a sound belongs to a picture (paper B.1, figure 8)."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import LayerSize
from sounddesk.domain.limits import Range
from sounddesk.engine.models.quantised_weights import checked_weights
from sounddesk.engine.perception.class_config import read_class_config

CONFIG_NAME: Final = "config.json"
WEIGHTS_NAME: Final = "model.safetensors"
_ROTATION_BASE: Final = 10_000.0


@dataclass(frozen=True, kw_only=True)
class MatchingConfig:
    """Shape of a `MatchingModel`; the defaults are the paper's.

    Attributes:
        visual_width, audio_width: of the frozen embeddings (CLIP ViT-B/16 and BEATs in the paper, both 768).
        width: that both are brought to by an MLP of three layers.
        layers, heads: of the non-causal transformer; the paper does not say how many heads.
        positions_per_s: rotary positions in a second; 8, the paper's frame rate.
        dropout: while training.
        image_size, frames: side of a frame and frames of a clip (224 px, 8 a second for 10 s in the paper).
        audio_features: 'pieces' are features over time, or the 'tags' of the whole sound as one token.
        compare: the asking token also gets the product of both modalities' means, a comparison ready made; not in the
            paper, whose transformer finds one by itself on thousands of hours.
        audio_pool: neighbouring features of sound that make one token.
        effects: the tags are the mean of two opinions, the classifier's and that of an `EffectsHead` on embeddings of
            sound effects, which lies beside the weights.
        recogniser: width of a `KindRecogniser`, which knows the kinds that audio tags are of; 0 for none. With one the
            answer starts from the chance that both are of one kind. Not in the paper either.
    """

    visual_width: LayerSize = 768
    audio_width: LayerSize = 768
    width: LayerSize = 768
    layers: LayerSize = 6
    heads: LayerSize = 12
    positions_per_s: float = 8.0
    dropout: float = 0.1
    image_size: LayerSize = 224
    frames: LayerSize = 80
    audio_pool: LayerSize = 1
    audio_features: Literal["pieces", "tags"] = "pieces"
    compare: bool = False
    effects: bool = False
    recogniser: Annotated[int, Range(0, 1 << 20)] = 0

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} over {self.heads} heads: each head needs an even number of values")
        if self.recogniser and self.audio_features != "tags":
            raise ValueError("a recogniser compares kinds: set audio_features to 'tags'")
        if self.effects and self.audio_features != "tags":
            raise ValueError("a sound effects encoder gives tags: set audio_features to 'tags'")


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2024): x float[B, H, N, D] turned by positions float[B, N].

    A scalar product of two rotated vectors depends on their positions by the difference alone.
    """
    half = x.shape[-1] // 2
    rates = _ROTATION_BASE ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = positions[:, None, :, None].float() * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class _Block(nn.Module):
    """Pre-norm self-attention over all tokens in both directions, and an MLP."""

    def __init__(self, config: MatchingConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        batch, count, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(rotate(query, positions), rotate(key, positions), value)
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(batch, count, width)))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))


def _three_layers(width_in: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width_in),
        nn.Linear(width_in, width),
        nn.GELU(),
        nn.Linear(width, width),
        nn.GELU(),
        nn.Linear(width, width),
    )


class KindRecogniser(nn.Module):
    """Which kind a picture shows, by the value path of a trained grounding (`ObjectConditioner.fuse`); frozen.

    It was learned under noise, from pictures alone. What the matching model would learn of kinds from its own few pairs
    is worse: it told 0.65 of the matched and 0.87 of the mismatched pairs without this.
    """

    kinds: Tensor

    def __init__(self, *, visual_width: int, width: int, kinds: int) -> None:
        super().__init__()
        self.value = nn.Linear(visual_width, width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.register_buffer("kinds", torch.zeros(kinds, width))
        self.requires_grad_(False)

    def forward(self, visual: Tensor) -> Tensor:
        """Means of patches float[B, N, D] -> cosines to the kinds' vectors, float32[B, N, K]."""
        value = self.value(visual)
        return nn.functional.normalize((value + self.mlp(value)).float(), dim=-1) @ self.kinds.T


class MatchingModel(nn.Module):
    """A transformer over a query token, the frames and the audio features; one logit."""

    def __init__(self, config: MatchingConfig) -> None:
        super().__init__()
        self.config = config
        self.visual = _three_layers(config.visual_width, config.width)
        self.audio = _three_layers(config.audio_width, config.width)
        self.question = nn.Parameter(torch.randn(config.width) * 0.02)
        self.modality = nn.Parameter(torch.randn(2, config.width) * 0.02)
        if config.compare:
            self.product = nn.Linear(config.width, config.width)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.answer = nn.Linear(config.width, 1)
        if config.recogniser:
            self.recogniser = KindRecogniser(
                visual_width=config.visual_width, width=config.recogniser, kinds=config.audio_width
            )
            # Inverse temperatures of what is seen and heard, and what their agreement counts for: a scale and a bias.
            self.sharpness = nn.Parameter(torch.tensor([12.0, 1.0]))
            self.agreement = nn.Parameter(torch.tensor([1.0, 0.0]))
            nn.init.zeros_(self.answer.weight)
            nn.init.zeros_(self.answer.bias)

    def forward(self, visual: Tensor, visual_s: Tensor, audio: Tensor, audio_s: Tensor) -> Tensor:
        """Frozen embeddings float[B, N, D] and their times float[B, N] in seconds -> logits float32[B]."""
        seen, heard = self.visual(visual), self.audio(audio)
        question = self.question.expand(len(seen), 1, -1)
        x = torch.cat([question, seen + self.modality[0], heard + self.modality[1]], dim=1)
        if self.config.compare:
            means = [nn.functional.normalize(part.mean(dim=1, keepdim=True), dim=-1) for part in (seen, heard)]
            question = question + self.product(means[0] * means[1] * self.config.width)
        start = visual_s.new_zeros(len(seen), 1)
        positions = torch.cat([start, visual_s, audio_s], dim=1) * self.config.positions_per_s
        for block in self.blocks:
            x = block(x, positions)
        answer: Tensor = self.answer(self.norm(x[:, 0]))[:, 0].float()
        return answer + self._agreement(visual, audio) if self.config.recogniser else answer

    def _agreement(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Log-odds, up to scale and bias, that the kind seen is the kind heard; float32[B]."""
        seen = torch.log_softmax(self.recogniser(visual).mean(dim=1) * self.sharpness[0], dim=-1)
        heard = torch.log_softmax(audio.float().mean(dim=1) * self.sharpness[1], dim=-1)
        # Kinds are as likely as each other before anything is seen or heard.
        chance = torch.logsumexp(seen + heard, dim=-1) + math.log(self.config.audio_width)
        return self.agreement[0] * chance + self.agreement[1]

    @torch.no_grad()
    def score(self, visual: Tensor, visual_s: Tensor, audio: Tensor, audio_s: Tensor) -> Tensor:
        """Probability that they belong together, float32[B] in 0 to 1; the paper keeps clips from 0.6."""
        return torch.sigmoid(self(visual, visual_s, audio, audio_s))

    def save(self, folder: Path) -> None:
        """Write `config.json` and float16 weights."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG_NAME).write_text(
            json.dumps({"class": "MatchingModel", **asdict(self.config)}, indent=1) + "\n"
        )
        weights = {name: value.detach().half().contiguous() for name, value in self.state_dict().items()}
        save_file(weights, folder / WEIGHTS_NAME)

    @classmethod
    def load(cls, folder: Path) -> MatchingModel:
        """The model in `folder`, ready to score. Raises: EngineError, a file is missing or does not fit."""
        try:
            model = cls(read_class_config(MatchingConfig, folder, class_name="MatchingModel"))
            weights = load_file(checked_weights(folder / WEIGHTS_NAME))
            model.load_state_dict({name: value.float() for name, value in weights.items()})
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise EngineError(f"matching model in {folder} cannot be loaded ({error}): train it again") from error
        return model.eval().requires_grad_(False)

"""ImageBind's picture and sound halves (Girdhar et al. 2023): transformers whose vectors lie in one space.

A picture is taken for a movie of two equal frames; a sound for three clips of 2 s, whose vectors are averaged. The
published network multiplies vectors of sounds by 20, which a cosine undoes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.types import Waveform
from sounddesk.evaluation.sound_networks.front_end import htk_filters

RATE_HZ = 16_000
CLIPS = 3
CLIP_SAMPLES = 2 * RATE_HZ
IMAGE_SIDE = 224
AUDIO_FRAMES = 204
AUDIO_BANDS = 128

_WINDOW = 400
_HOP = 160
_N_FFT = 512
_PREEMPHASIS = 0.97
_FLOOR = float(np.finfo(np.float32).eps)
_AUDIO_MEAN = -4.268
_AUDIO_DEVIATION = 9.138
_EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class TrunkShape:
    """Of one half."""

    width: int
    blocks: int
    heads: int


@dataclass(frozen=True, kw_only=True)
class ImageBindShape:
    """The published network by default."""

    vision: TrunkShape = TrunkShape(width=1280, blocks=32, heads=16)
    audio: TrunkShape = TrunkShape(width=768, blocks=12, heads=12)
    out: int = 1024


class _Block(nn.Module):
    """Pre-norm attention and a perceptron; where `with_bias_kv`, each head may also look at a learned key."""

    def __init__(self, shape: TrunkShape, *, with_bias_kv: bool) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(shape.width, shape.heads, bias=True, add_bias_kv=with_bias_kv)
        self.norm_1 = nn.LayerNorm(shape.width, eps=_EPS)
        self.norm_2 = nn.LayerNorm(shape.width, eps=_EPS)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(shape.width, 4 * shape.width), "fc2": nn.Linear(4 * shape.width, shape.width)}
        )

    def forward(self, x: Tensor) -> Tensor:
        """float32[N, B, width] -> the same shape."""
        asked = self.norm_1(x)
        x = x + self.attn(asked, asked, asked, need_weights=False)[0]
        found: Tensor = x + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm_2(x))))
        return found


class _Half(nn.Module):
    """Patches, a class token, positions, blocks, and a projection of the class token to unit length.

    Args:
        stem: patches of an input, float32[B, width, ...].
        tokens: how many patches it makes.
        first_norm: a norm before the blocks, as vision has it; sound has one after its stem instead, and bias keys.
    """

    def __init__(self, stem: nn.Module, shape: TrunkShape, *, tokens: int, out: int, first_norm: bool) -> None:
        super().__init__()
        self.stem = stem
        self.stem_norm = nn.Identity() if first_norm else nn.LayerNorm(shape.width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + tokens, shape.width))
        self.first_norm = nn.LayerNorm(shape.width, eps=_EPS) if first_norm else nn.Identity()
        self.blocks = nn.ModuleList(_Block(shape, with_bias_kv=not first_norm) for _ in range(shape.blocks))
        self.head_norm = nn.LayerNorm(shape.width, eps=_EPS)
        self.head = nn.Linear(shape.width, out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.stem_norm(self.stem(x).flatten(2).transpose(1, 2))
        x = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1) + self.pos_embed
        x = self.first_norm(x).transpose(0, 1)
        for block in self.blocks:
            x = block(x)
        return functional.normalize(self.head(self.head_norm(x[0])), dim=-1)


class ImageBind(nn.Module):
    """Both halves."""

    def __init__(self, shape: ImageBindShape | None = None) -> None:
        super().__init__()
        shape = shape or ImageBindShape()
        side = IMAGE_SIDE // 14
        rows, columns = 1 + (AUDIO_BANDS - 16) // 10, 1 + (AUDIO_FRAMES - 16) // 10
        self.vision = _Half(
            nn.Conv3d(3, shape.vision.width, (2, 14, 14), stride=(2, 14, 14), bias=False),
            shape.vision,
            tokens=side * side,
            out=shape.out,
            first_norm=True,
        )
        self.audio = _Half(
            nn.Conv2d(1, shape.audio.width, 16, stride=10, bias=False),
            shape.audio,
            tokens=rows * columns,
            out=shape.out,
            first_norm=False,
        )

    def see(self, pixels: Tensor) -> Tensor:
        """Standardised pictures float32[B, 3, 224, 224] -> unit vectors float32[B, out]."""
        found: Tensor = self.vision(pixels[:, :, None].expand(-1, -1, 2, -1, -1))
        return found

    def hear(self, mels: Tensor) -> Tensor:
        """Clips of one sound float32[S, 1, 128, 204] -> the mean of their unit vectors, float32[out]."""
        found: Tensor = self.audio(mels).mean(dim=0)
        return found


def clips_of(waveform: Waveform) -> Tensor:
    """Three clips of 2 s, evenly over a sound float32[n], as mel spectrograms float32[3, 1, 128, 204].

    The frames that a clip lacks, six at least, are zero before they are standardised, as in the published code.
    """
    last = max(0.0, len(waveform) / RATE_HZ - 2.0)
    starts = [int(last / (CLIPS - 1) * index * RATE_HZ) for index in range(CLIPS)]
    mels = [kaldi_mel(torch.from_numpy(waveform[start : start + CLIP_SAMPLES])) for start in starts]
    padded = [functional.pad(mel, (0, AUDIO_FRAMES - mel.shape[1])) for mel in mels]
    return (torch.stack(padded)[:, None] - _AUDIO_MEAN) / _AUDIO_DEVIATION


def kaldi_mel(waveform: Tensor) -> Tensor:
    """Kaldi's log-mel of float32[n], 400 samples or more: float32[128, 1 + (n - 400) // 160]."""
    waveform = waveform - waveform.mean()
    frames = waveform.unfold(0, _WINDOW, _HOP)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    frames = (frames - _PREEMPHASIS * before) * torch.hann_window(_WINDOW, periodic=False)
    power = torch.fft.rfft(frames, _N_FFT).abs() ** 2
    filters = htk_filters(rate_hz=RATE_HZ, n_fft=_N_FFT, bands=AUDIO_BANDS, low_hz=20.0, high_hz=RATE_HZ / 2)
    return torch.log((power @ filters).clamp(min=_FLOOR)).T


# Parts of the published names by ours.
_PARTS = {
    "vision": (
        ("modality_preprocessors.vision.rgbt_stem.proj.1.", "stem."),
        ("modality_trunks.vision.pre_transformer_layer.0.", "first_norm."),
    ),
    "audio": (
        ("modality_preprocessors.audio.rgbt_stem.proj.", "stem."),
        ("modality_preprocessors.audio.rgbt_stem.norm_layer.", "stem_norm."),
    ),
}


def published_name(name: str) -> str | None:
    """Our name of a tensor of the published file, which also has text, depth, heat and motion."""
    for half, parts in _PARTS.items():
        every = (
            *parts,
            (f"modality_preprocessors.{half}.cls_token", "cls_token"),
            (f"modality_preprocessors.{half}.pos_embedding_helper.pos_embed", "pos_embed"),
            (f"modality_trunks.{half}.blocks.", "blocks."),
            (f"modality_heads.{half}.0.", "head_norm."),
            (f"modality_heads.{half}.2.", "head."),
        )
        for theirs, ours in every:
            if name.startswith(theirs):
                return f"{half}.{ours}{name.removeprefix(theirs)}"
    return None

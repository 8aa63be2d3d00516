"""A separator after Sound of Pixels (Zhao et al. 2018), at small size.

A U-Net takes the mixture's spectrogram apart into maps; a vector that stands for the object says how much of each is
its own; their sum is a mask. The paper's vector is that of a pixel. Here it is the condition that the bundle makes of
an object's mask, or its vector of a name, which lie in one space.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from safetensors.torch import save
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.domain.errors import EngineError
from sounddesk.engine.types import Waveform
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.text_formats import read_json

RATE_HZ: Final = 16_000
CONFIG_NAME: Final = "config.json"
WEIGHTS_NAME: Final = "separator.safetensors"
_N_FFT: Final = 512
_HOP: Final = 128
_CLASS: Final = "MaskSeparator"


@dataclass(frozen=True, kw_only=True)
class SeparatorShape:
    """Of a `MaskSeparator`.

    Attributes:
        condition_width: of the vector that stands for an object.
        widths: channels of the U-Net's levels; each halves the spectrogram.
        maps: that the mixture is taken apart into.
    """

    condition_width: int
    widths: tuple[int, ...] = (16, 32, 64, 64)
    maps: int = 16


class _Level(nn.Module):
    """A strided convolution down, and one up beside what came from above."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(before, after, 4, stride=2, padding=1)
        self.norm_down = nn.GroupNorm(4, after)
        self.up = nn.ConvTranspose2d(2 * after, before, 4, stride=2, padding=1)
        self.norm_up = nn.GroupNorm(4, before)


class MaskSeparator(nn.Module):
    """Mixtures and vectors of objects -> masks."""

    def __init__(self, shape: SeparatorShape) -> None:
        super().__init__()
        self.shape = shape
        first = shape.widths[0]
        self.stem = nn.Conv2d(1, first, 3, padding=1)
        pairs = zip((first, *shape.widths[:-1]), shape.widths, strict=True)
        self.levels = nn.ModuleList(_Level(before, after) for before, after in pairs)
        self.middle = nn.Conv2d(shape.widths[-1], shape.widths[-1], 3, padding=1)
        self.head = nn.Conv2d(first, shape.maps, 1)
        self.condition = nn.Sequential(
            nn.LayerNorm(shape.condition_width), nn.Linear(shape.condition_width, shape.maps)
        )
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, magnitudes: Tensor, conditions: Tensor) -> Tensor:
        """Magnitudes float32[B, 256, T] and vectors float32[B, width] -> logits of masks float32[B, 256, T]."""
        frames = magnitudes.shape[2]
        multiple = 1 << len(self.levels)
        level = torch.log1p(100.0 * magnitudes / magnitudes.amax(dim=(1, 2), keepdim=True).clamp(min=1e-9))
        x = self.stem(functional.pad(level, (0, -frames % multiple))[:, None])
        passed = []
        levels = [each for each in self.levels if isinstance(each, _Level)]
        for each in levels:
            x = functional.gelu(each.norm_down(each.down(x)))
            passed.append(x)
        x = functional.gelu(self.middle(x))
        for each, beside in zip(reversed(levels), reversed(passed), strict=True):
            x = functional.gelu(each.norm_up(each.up(torch.cat([x, beside], dim=1))))
        maps = self.head(x)[..., :frames]
        weights = self.condition(conditions)
        found: Tensor = torch.einsum("bk,bkft->bft", weights, maps) / self.shape.maps**0.5 + self.bias
        return found

    @torch.no_grad()
    def separate(self, mixture: Waveform, condition: np.ndarray) -> Waveform:
        """The object's part of a mixture float32[n] at 16 kHz, as long; `condition` is float32[width]."""
        stft = spectrum(torch.from_numpy(mixture)[None])
        mask = torch.sigmoid(self(stft[:, :-1].abs(), torch.from_numpy(condition).float()[None]))
        # The highest bin has the mask of the one below.
        whole = torch.cat([mask, mask[:, -1:]], dim=1)
        sound = torch.istft(whole * stft, _N_FFT, _HOP, window=torch.hann_window(_N_FFT), length=len(mixture))
        return np.asarray(sound[0].numpy(), dtype=np.float32)

    def save(self, folder: Path, *, facts: dict[str, Any]) -> None:
        """Write weights and `config.json`, with what is known about them. Raises: OutputError."""
        folder.mkdir(parents=True, exist_ok=True)
        data = save({name: value.detach().half().contiguous() for name, value in self.state_dict().items()})
        write_file(folder / WEIGHTS_NAME, data)
        config = {"class": _CLASS, "sha256": hashlib.sha256(data).hexdigest(), "shape": asdict(self.shape), **facts}
        write_file(folder / CONFIG_NAME, (json.dumps(config, indent=1) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> MaskSeparator:
        """The separator in a folder. Raises: EngineError, a file is missing, damaged or does not fit."""
        try:
            config: dict[str, Any] = read_json(folder / CONFIG_NAME)
            if config["class"] != _CLASS:
                raise ValueError("config.json is of another class")
            data = (folder / WEIGHTS_NAME).read_bytes()
            if hashlib.sha256(data).hexdigest() != config["sha256"]:
                raise ValueError(f"sha256 of {WEIGHTS_NAME} is not the one in {CONFIG_NAME}")
            shape = SeparatorShape(**{**config["shape"], "widths": tuple(config["shape"]["widths"])})
            network = cls(shape)
            network.load_state_dict({name: value.float() for name, value in load(data).items()})
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise EngineError(
                f"separator in {folder} cannot be loaded ({error}): make one with 'sounddesk evaluate separator'"
            ) from error
        return network.eval().requires_grad_(False)


def spectrum(waveforms: Tensor) -> Tensor:
    """float32[B, n] at 16 kHz -> complex64[B, 257, 1 + n // 128]."""
    window = torch.hann_window(_N_FFT)
    return torch.stft(waveforms, _N_FFT, _HOP, window=window, return_complex=True)

"""A separator after Sound of Pixels (Zhao et al. 2018), at small size.

A U-Net takes the mixture's spectrogram apart into maps; a vector that stands for the object says how much of each is
its own, and the sum is a mask. The paper's vector is that of a pixel. Here it is the condition that a bundle makes of
an object's mask, or its vector of a name, which lie in one space; it also enters the U-Net, since so few recordings
teach it no maps that would do for every kind.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from safetensors.torch import save
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.audio.mel_bands import hz_to_mel
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import LayerSize
from sounddesk.engine.models.quantised_weights import checked_weights
from sounddesk.engine.perception.class_config import CONFIG_NAME
from sounddesk.engine.perception.class_config import read_class_config
from sounddesk.engine.types import Waveform
from sounddesk.storage.atomic_file import write_file

RATE_HZ: Final = 16_000
WEIGHTS_NAME: Final = "separator.safetensors"
_N_FFT: Final = 1024
_HOP: Final = 512
_GROUPS: Final = 8
_DEPTH: Final = 1e4
"""Powers this far below a mixture's loudest band are drawn as silence."""


@dataclass(frozen=True, kw_only=True)
class SeparatorShape:
    """Of a `MaskSeparator`.

    Attributes:
        condition_width: of the vector that stands for an object.
        widths: channels of the stem and of each level of the U-Net, which halves the spectrogram; multiples of 8.
        hidden: width that the vector is brought to.
        templates: spectra that the vector draws beside the mixture's.
        maps: that the mixture is taken apart into.
        bands: on the mel scale, a multiple of 2 to the number of levels.
    """

    condition_width: LayerSize
    widths: tuple[LayerSize, ...] = (16, 24, 32, 48, 64)
    hidden: LayerSize = 32
    templates: LayerSize = 3
    maps: LayerSize = 16
    bands: LayerSize = 64

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or any(width % _GROUPS for width in self.widths):
            raise ValueError(f"widths are {self.widths}: give at least two multiples of {_GROUPS}")
        if self.bands % (1 << (len(self.widths) - 1)):
            raise ValueError(f"bands is {self.bands}: {len(self.widths) - 1} levels must be able to halve it")


@dataclass(frozen=True, kw_only=True)
class _SavedConfig:
    """As `config.json` has it."""

    shape: SeparatorShape
    sha256: str


class _Conditioned(nn.Module):
    """A 3 x 3 convolution, group norm, a scale and shift by the object's code, GELU."""

    def __init__(self, before: int, after: int, *, hidden: int, stride: int = 1) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.GroupNorm(_GROUPS, after)
        self.film = nn.Linear(hidden, 2 * after)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        scale, shift = self.film(code)[..., None, None].chunk(2, dim=1)
        return functional.gelu(self.norm(self.convolve(x)) * (1 + scale) + shift)


class MaskSeparator(nn.Module):
    """Mixtures and vectors of objects -> masks."""

    def __init__(self, shape: SeparatorShape) -> None:
        super().__init__()
        self.shape = shape
        hidden, widths = shape.hidden, shape.widths
        spread = band_weights(shape.bands)
        self.spread: Tensor
        self.gather: Tensor
        self.register_buffer("spread", torch.from_numpy(spread), persistent=False)
        self.register_buffer("gather", torch.from_numpy((spread / spread.sum(axis=0)).T.copy()), persistent=False)
        self.code = nn.Sequential(nn.LayerNorm(shape.condition_width), nn.Linear(shape.condition_width, hidden))
        self.template = nn.Linear(hidden, shape.templates * shape.bands)
        self.stem = nn.Conv2d(1 + shape.templates, widths[0], 3, padding=1)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(_Conditioned(above, below, hidden=hidden, stride=2) for above, below in pairs)
        self.middle = _Conditioned(widths[-1], widths[-1], hidden=hidden)
        self.up = nn.ModuleList(_Conditioned(above + below, above, hidden=hidden) for above, below in reversed(pairs))
        self.head = nn.Conv2d(widths[0], shape.maps, 1)
        self.weigh = nn.Linear(hidden, shape.maps)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, spectra: Tensor, conditions: Tensor) -> Tensor:
        """Mixtures complex64[B, 513, T] and vectors float32[B, width] -> masks in 0..1, float32[B, 513, T]."""
        return self.of_bins(torch.sigmoid(self.logits(self.band_power(spectra), conditions)))

    def band_power(self, spectra: Tensor) -> Tensor:
        """Spectra complex64[B, 513, T] -> mean power of bands, float32[B, bands, T]."""
        return self.gather @ (spectra.real**2 + spectra.imag**2)

    def of_bins(self, masks: Tensor) -> Tensor:
        """Masks of bands float32[B, bands, T] -> of bins, float32[B, 513, T]."""
        return self.spread @ masks

    def logits(self, power: Tensor, conditions: Tensor) -> Tensor:
        """Power of a mixture's bands float32[B, bands, T] and vectors -> logits of masks, float32[B, bands, T]."""
        loudest = power.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
        level = torch.log1p(_DEPTH * power / loudest) / float(np.log(_DEPTH))
        frames = level.shape[2]
        level = functional.pad(level, (0, -frames % (1 << len(self.down))))
        code = functional.gelu(self.code(conditions))
        templates = self.template(code).unflatten(1, (self.shape.templates, self.shape.bands))
        x = self.stem(torch.cat([level[:, None], templates[..., None].expand(-1, -1, -1, level.shape[2])], dim=1))
        passed = []
        for each in self.down:
            passed.append(x)
            x = each(x, code)
        x = x + self.middle(x, code)
        for each, beside in zip(self.up, reversed(passed), strict=True):
            x = each(torch.cat([beside, functional.interpolate(x, scale_factor=2.0)], dim=1), code)
        maps = self.head(x)[..., :frames]
        logits: Tensor = torch.einsum("bk,bkft->bft", self.weigh(code), maps) / self.shape.maps**0.5 + self.bias
        return logits

    @torch.no_grad()
    def separate(self, mixture: Waveform, condition: npt.NDArray[np.float32]) -> Waveform:
        """The object's part of a mixture float32[n] at 16 kHz, as long; `condition` is float32[width].

        Raises:
            EngineError: the condition has another width.
        """
        if condition.shape != (self.shape.condition_width,):
            raise EngineError(
                f"condition has {condition.shape[-1]} numbers, the separator takes {self.shape.condition_width}: use "
                "the bundle that it was trained with"
            )
        spectra = spectrum(torch.from_numpy(mixture)[None])
        masks = self(spectra, torch.from_numpy(condition).float()[None])
        return waveform_of((masks * spectra)[0], n_samples=len(mixture))

    def save(self, folder: Path) -> None:
        """Write `config.json` and float16 weights. Raises: OutputError."""
        folder.mkdir(parents=True, exist_ok=True)
        data = save({name: value.detach().half().contiguous() for name, value in self.state_dict().items()})
        write_file(folder / WEIGHTS_NAME, data)
        config: dict[str, Any] = {"class": "MaskSeparator", "sha256": hashlib.sha256(data).hexdigest()}
        write_file(folder / CONFIG_NAME, (json.dumps(config | {"shape": asdict(self.shape)}, indent=1) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> MaskSeparator:
        """The separator in a folder.

        Raises:
            BadInputError: the folder holds none.
            EngineError: a file is damaged or does not fit.
        """
        if not (folder / CONFIG_NAME).is_file():
            raise BadInputError(
                f"{folder} holds no separator: name 'export/separator' of a run of 'sounddesk train run "
                "resources/recipes/separator.yaml'"
            )
        try:
            config = read_class_config(_SavedConfig, folder, class_name="MaskSeparator")
            data = checked_weights(folder / WEIGHTS_NAME).read_bytes()
            if hashlib.sha256(data).hexdigest() != config.sha256:
                raise ValueError(f"sha256 of {WEIGHTS_NAME} is not the one in {CONFIG_NAME}")
            network = cls(config.shape)
            network.load_state_dict({name: value.float() for name, value in load(data).items()})
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise EngineError(
                f"separator in {folder} cannot be loaded ({error}): train one with 'sounddesk train run "
                "resources/recipes/separator.yaml'"
            ) from error
        return network.eval().requires_grad_(False)


def spectrum(waveforms: Tensor) -> Tensor:
    """float32[B, n] at 16 kHz, n above 512 -> complex64[B, 513, 1 + n // 512]."""
    return torch.stft(waveforms, _N_FFT, _HOP, window=torch.hann_window(_N_FFT), return_complex=True)


def waveform_of(spectra: Tensor, *, n_samples: int) -> Waveform:
    """The sound float32[n_samples] of complex64[513, T]."""
    sound = torch.istft(spectra, _N_FFT, _HOP, window=torch.hann_window(_N_FFT), length=n_samples)
    return np.asarray(sound.numpy(), dtype=np.float32)


def band_weights(bands: int) -> npt.NDArray[np.float32]:
    """How values at `bands` centres, evenly spaced on the mel scale, become those of bins: float32[513, bands]."""
    bin_hz = np.linspace(0.0, RATE_HZ / 2, _N_FFT // 2 + 1)
    mel = hz_to_mel(bin_hz)
    place = mel / mel[-1] * (bands - 1)
    lower = np.minimum(place.astype(np.int64), bands - 2)
    weights = np.zeros((len(bin_hz), bands), dtype=np.float32)
    rows = np.arange(len(bin_hz))
    weights[rows, lower] = 1.0 - (place - lower)
    weights[rows, lower + 1] = place - lower
    return weights

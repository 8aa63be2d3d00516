"""Audio embeddings by aiSFX, a network trained on sound-effects libraries.

Ma and Lerch, 'Representation Learning for the Automatic Indexing of Sound Effects Libraries', ISMIR 2022: eight
convolutions after Kong et al. 2018, trained on libraries sorted by the Universal Category System. To the matching
model it is what BEATs is in the paper (appendix B.1).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load
from safetensors.torch import save_file
from torch import Tensor
from torch import nn
from torch.nn import functional
from transformers.audio_utils import mel_filter_bank

from sounddesk.audio.resample import resample
from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import LayerSize
from sounddesk.domain.limits import Sha256
from sounddesk.engine.perception.class_config import read_class_config

CONFIG_NAME: Final = "config.json"
WEIGHTS_NAME: Final = "model.safetensors"
SAMPLE_RATE_HZ: Final = 44_100
WIDTH: Final = 512

_N_FFT: Final = 2048
_HOP: Final = 1024
_BANDS: Final = 96
# Of log10(1 + 10,000 power), over the spectrograms that the network learned on; levels count, at a peak of 1.
_LARGEST: Final = 9.457798957824707
_COMPRESSION: Final = 1e4
# 2.3 s of frames, the length of its training examples, and a quarter of it.
_BLOCK: Final = 100
_BLOCK_HOP: Final = 25


class _Pair(nn.Module):
    """Two 3 x 3 convolutions with batch norm, then the largest of each `pool` x `pool` values."""

    def __init__(self, channels_in: int, channels: int, *, pool: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.max_pool2d(x, self.pool)


@dataclass(frozen=True, kw_only=True)
class _Config:
    """As `config.json` has it; the hash is of the weights."""

    width: LayerSize
    sha256: Sha256


class SoundEffectsEncoder(nn.Module):
    """Sounds of any level -> float32[B, 512]."""

    def __init__(self, width: int = WIDTH) -> None:
        """`width`: of the embeddings, a multiple of 8; the published weights have 512."""
        super().__init__()
        self.width = width
        widths = (1, width // 8, width // 4, width // 2, width)
        self.blocks = nn.ModuleList(
            _Pair(a, b, pool=pool) for a, b, pool in zip(widths[:-1], widths[1:], (2, 2, 2, 1), strict=True)
        )
        filters = mel_filter_bank(
            num_frequency_bins=_N_FFT // 2 + 1,
            num_mel_filters=_BANDS,
            min_frequency=0.0,
            max_frequency=SAMPLE_RATE_HZ / 2,
            sampling_rate=SAMPLE_RATE_HZ,
            mel_scale="htk",
            triangularize_in_mel_space=True,
        )
        self.filters: Tensor
        self.window: Tensor
        # Each band's weights have the sum 1.
        filters = filters / np.maximum(filters.sum(axis=0, keepdims=True), 1e-12)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(_N_FFT, periodic=False), persistent=False)

    @torch.no_grad()
    def embed(self, waveforms: Tensor, *, sample_rate_hz: int, to_peak: bool = True) -> Tensor:
        """Mean embedding of the blocks of 2.3 s of each sound float32[B, n]: float32[B, width]. Silence is allowed.

        Args:
            to_peak: scale each to a peak of 1, which the network learned at; without, the levels count as they are.
        """
        loudest = waveforms.abs().amax(dim=1, keepdim=True).clamp(min=1e-9)
        scaled = (waveforms / loudest if to_peak else waveforms).numpy()
        wide = [resample(one, from_hz=sample_rate_hz, to_hz=SAMPLE_RATE_HZ) for one in scaled]
        frames = self.spectrogram(torch.from_numpy(np.stack(wide)))
        if frames.shape[1] < _BLOCK:
            frames = functional.pad(frames, (0, 0, 0, _BLOCK - frames.shape[1]))
        cut = frames.unfold(1, _BLOCK, _BLOCK_HOP).transpose(2, 3)
        embedded: Tensor = self(cut.flatten(0, 1))
        return embedded.reshape(len(cut), -1, self.width).mean(dim=1)

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """float32[B, n] at 44.1 kHz -> float32[B, 1 + n // 1024, 96] in 0 to 1."""
        stft = torch.stft(waveforms, _N_FFT, _HOP, window=self.window, center=True, return_complex=True)
        power = (stft.real**2 + stft.imag**2).transpose(1, 2)
        return torch.log10(1 + _COMPRESSION * (power @ self.filters)) / _LARGEST

    def forward(self, blocks: Tensor) -> Tensor:
        """Spectrograms float32[N, frames, 96] -> float32[N, width]: the mean over bands, the largest over time."""
        x = blocks[:, None]
        for block in self.blocks:
            x = block(x)
        return x.mean(dim=3).amax(dim=2)

    def save(self, folder: Path) -> None:
        """Write float16 weights and `config.json` with their sha256."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = {
            name: value.detach().half().contiguous()
            for name, value in self.state_dict().items()
            if value.is_floating_point()
        }
        save_file(weights, folder / WEIGHTS_NAME)
        digest = hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest()
        config = {"class": "SoundEffectsEncoder", "width": self.width, "sha256": digest}
        (folder / CONFIG_NAME).write_text(json.dumps(config, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> SoundEffectsEncoder:
        """The encoder in `folder`, frozen. Raises: EngineError, a file is missing, damaged or does not fit."""
        try:
            config = read_class_config(_Config, folder, class_name="SoundEffectsEncoder")
            data = (folder / WEIGHTS_NAME).read_bytes()
            if hashlib.sha256(data).hexdigest() != config.sha256:
                raise ValueError(f"sha256 of {WEIGHTS_NAME} is not the one in {CONFIG_NAME}")
            encoder = cls(config.width)
            counters = {name: value for name, value in encoder.state_dict().items() if not value.is_floating_point()}
            encoder.load_state_dict({**counters, **{name: value.float() for name, value in load(data).items()}})
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise EngineError(
                f"sound effects encoder in {folder} cannot be loaded ({error}): install sounddesk again"
            ) from error
        return encoder.eval().requires_grad_(False)

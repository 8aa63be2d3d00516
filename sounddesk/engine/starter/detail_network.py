"""Network that predicts what the codec averaged away, and the band above its spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from typing import Final
from typing import NamedTuple

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.domain.limits import Range

TIME_MULTIPLE: Final = 4
"""The network halves its grid twice: frames and bands come in multiples of this."""

# Log-mels lie between -11.5 and about 2; this brings them to unit size.
_MEAN: Final = -5.0
_STD: Final = 3.0
_DEVIATIONS: Final = (-6.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class DetailConfig:
    """Shape of a `DetailNetwork` and of the band that it adds.

    Attributes:
        width: channels on the finest grid.
        hidden: channels of the part that predicts the upper band.
        bands: of the log-mel, a multiple of 4.
        upper_bands: above the mel, evenly spaced on a logarithmic axis from `upper_from_hz` to `upper_to_hz`;
            the latter is half the sample rate of the finished sound.
        subframes: of the upper band in each frame of the mel.
        grain: share of the predicted deviation that is drawn.
        loudest_frame: logarithm of the summed power of a frame's bands; louder spectrograms are lowered as a whole. A
            quarter of the recordings stay below it.
        loudest_upper: log level of an upper band; one recording in fifty goes higher.
        loudest_upper_frame: logarithm of the upper bands' deviation together, in a frame; likewise.
        replicated: share of the upper band's power that is copied from the lower sound; the rest is noise.
        kinds: of which the loudness is known; 0 for none.
        condition_width: of the vectors that ask for them.
    """

    width: Annotated[int, Range(1, 1 << 12)] = 24
    hidden: Annotated[int, Range(1, 1 << 14)] = 128
    bands: Annotated[int, Range(4, 2048)] = 64
    upper_bands: Annotated[int, Range(1, 1024)] = 20
    upper_from_hz: Annotated[float, Range(1.0, 200_000.0)] = 7_500.0
    upper_to_hz: Annotated[float, Range(1.0, 200_000.0)] = 24_000.0
    subframes: Annotated[int, Range(1, 16)] = 2
    grain: Annotated[float, Range(0.0, 4.0)] = 1.0
    loudest_frame: Annotated[float, Range(-20.0, 20.0)] = 0.7
    loudest_upper: Annotated[float, Range(-20.0, 20.0)] = -0.5
    loudest_upper_frame: Annotated[float, Range(-20.0, 20.0)] = -2.1
    replicated: Annotated[float, Range(0.0, 1.0)] = 0.5
    kinds: Annotated[int, Range(0, 1 << 16)] = 0
    condition_width: Annotated[int, Range(0, 1 << 14)] = 0

    def __post_init__(self) -> None:
        if self.bands % TIME_MULTIPLE:
            raise ValueError(f"bands is {self.bands}: give a multiple of {TIME_MULTIPLE}")
        if self.upper_from_hz >= self.upper_to_hz:
            raise ValueError(f"upper_from_hz {self.upper_from_hz:g} is not below upper_to_hz {self.upper_to_hz:g}")


class Detail(NamedTuple):
    """What a `DetailNetwork` predicts, in nepers.

    Attributes:
        mean: of what is missing in the log-mel, float32[B, T, bands].
        log_deviation: natural logarithm of its standard deviation, of the same shape.
        texture: correction that depends on the drawn noise, of the same shape.
        upper: log level of the upper bands, float32[B, T * subframes, upper_bands]; white noise of variance 1 has 0.
        upper_log_deviation: of that, of the same shape.
    """

    mean: Tensor
    log_deviation: Tensor
    texture: Tensor
    upper: Tensor
    upper_log_deviation: Tensor


class ResidualBlock(nn.Module):
    """Two convolutions over time and frequency; what differs between bands is learned as a shift of its own."""

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.band_shift = nn.Parameter(torch.zeros(channels, 1, bands))
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """float[B, channels, T, bands] -> the same shape."""
        inner = functional.silu(self.first(functional.silu(x) + self.band_shift))
        return x + self.second(inner)


class DetailNetwork(nn.Module):
    """A small U-Net over the decoded log-mel and noise of the same shape; the upper band comes from all bands at once.

    There are no norms, so a frame depends on what is within 0.6 s of it alone, however long the sound is.
    """

    def __init__(self, config: DetailConfig) -> None:
        super().__init__()
        self.config = config
        width, bands = config.width, config.bands
        self.embed = nn.Conv2d(2, width, 3, padding=1)
        self.band_shift = nn.Parameter(torch.randn(width, 1, bands) * 0.1)
        self.fine_in = ResidualBlock(width, bands)
        self.halve = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.middle_in = nn.Sequential(*(ResidualBlock(2 * width, bands // 2) for _ in range(2)))
        self.quarter = nn.Conv2d(2 * width, 4 * width, 2, stride=2)
        self.coarse = nn.Sequential(*(ResidualBlock(4 * width, bands // 4) for _ in range(3)))
        self.to_middle = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.middle_out = ResidualBlock(2 * width, bands // 2)
        self.to_fine = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.fine_out = ResidualBlock(width, bands)
        self.head = nn.Conv2d(width, 3, 3, padding=1)
        values = 2 * config.subframes * config.upper_bands
        self.gather = nn.Conv1d(width * bands, config.hidden, 1)
        self.mix = nn.Conv1d(config.hidden, config.hidden, 5, padding=2)
        self.upper_head = nn.Conv1d(config.hidden, values, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, log_mel: Tensor, noise: Tensor) -> Detail:
        """Log-mel and noise, float32[B, T, bands] each; T is a multiple of `TIME_MULTIPLE`."""
        x = torch.stack([(log_mel - _MEAN) / _STD, noise], dim=1)
        fine = self.fine_in(self.embed(x) + self.band_shift)
        middle = self.middle_in(self.halve(functional.silu(fine)))
        coarse = self.coarse(self.quarter(functional.silu(middle)))
        y = self.middle_out(middle + self.to_middle(functional.silu(coarse)))
        y = functional.silu(self.fine_out(fine + self.to_fine(functional.silu(y))))
        mean, log_deviation, texture = self.head(y).float().unbind(1)
        upper, upper_log_deviation = self._upper(y).unbind(1)
        return Detail(
            mean=mean,
            log_deviation=log_deviation.clamp(*_DEVIATIONS),
            texture=texture,
            upper=upper,
            upper_log_deviation=upper_log_deviation.clamp(-5.0, 1.5),
        )

    def _upper(self, features: Tensor) -> Tensor:
        """float[B, width, T, bands] -> level and deviation, float32[B, 2, T * subframes, upper_bands]."""
        batch, channels, frames, bands = features.shape
        column = features.permute(0, 1, 3, 2).reshape(batch, channels * bands, frames)
        hidden = functional.gelu(self.gather(column))
        hidden = hidden + functional.gelu(self.mix(hidden))
        values = self.upper_head(hidden).float()
        subframes, upper_bands = self.config.subframes, self.config.upper_bands
        values = values.reshape(batch, 2, subframes, upper_bands, frames).permute(0, 1, 4, 2, 3)
        return values.reshape(batch, 2, frames * subframes, upper_bands)

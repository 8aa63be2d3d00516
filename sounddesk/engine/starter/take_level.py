"""How loud a take is: its spectrogram is brought into the range that was learned from, its sound to its kind's level.

Guidance makes spectrograms louder than any that codec, detail and vocoder have met, by up to 30 dB. Lowered before they
are finished, they peak about as recordings do, and one factor for the whole take is enough. Recordings were scaled to
one peak before they were learned from, so how loud a kind is beside that peak is known: a bark less than a waterfall.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.audio.metering.loudness import LoudnessMeter

CEILING: Final = 10 ** (-1.0 / 20)
"""No levelled take peaks higher: -1 dBFS."""
MOST_RAISED_DB: Final = 12.0
"""A take that is further below its kind is meant to be soft, or nearly silent, and its hiss stays down."""
# -60 dBFS; what is below counts as silence and is drawn again.
_SILENT_PEAK: Final = 1e-3
_MOMENTARY_S: Final = 0.4
# Conditions are unit vectors; two kinds have a cosine of 0.3, one and the same in other words 0.8.
_TEMPERATURE: Final = 0.05


def into_range(log_mel: Tensor, sounding: Tensor, *, loudest: float, silence: float) -> Tensor:
    """Lower a whole spectrogram so far that no frame is louder than `loudest`; float32[B, T, bands].

    Args:
        sounding: where there is sound, bool of the same shape; elsewhere it stays as it is.
        loudest: logarithm of a frame's summed power, in nepers.
        silence: value that nothing falls below.
    """
    power = torch.logsumexp(2.0 * log_mel, dim=2).amax(dim=1)
    lowered = 0.5 * (power - loudest).clamp(min=0.0)
    return torch.where(sounding, log_mel - lowered[:, None, None], log_mel).clamp(min=silence)


class KindLoudness(nn.Module):
    """How loud recordings of each kind are where they peak at the mel's peak.

    Attributes:
        conditions: unit vectors that ask for the kinds, float32[kinds, width].
        lufs: median over a kind's recordings of the loudest 400 ms (`max_momentary_lufs`), float32[kinds].
    """

    def __init__(self, kinds: int, width: int) -> None:
        super().__init__()
        self.conditions: Tensor
        self.lufs: Tensor
        self.register_buffer("conditions", torch.zeros(kinds, width))
        self.register_buffer("lufs", torch.zeros(kinds))

    def expected_lufs(self, condition: Tensor) -> float:
        """For a condition float32[width]: the mean of the kinds in the shares that it is near to them."""
        direction = nn.functional.normalize(condition.float(), dim=0)
        shares = torch.softmax(self.conditions @ direction.to(self.conditions) / _TEMPERATURE, dim=0)
        return float(shares @ self.lufs)


def max_momentary_lufs(waveform: Tensor, *, sample_rate_hz: int) -> float:
    """Loudness of the loudest 400 ms of float32[n]; pauses do not count. Minus infinity for silence."""
    samples = waveform.detach().float().cpu().numpy()
    short = max(0, round(_MOMENTARY_S * sample_rate_hz) + 1 - len(samples))
    meter = LoudnessMeter(sample_rate_hz=sample_rate_hz, channels=1)
    meter.push(np.pad(samples, (0, short))[:, None])
    found = meter.reading().max_momentary_lufs
    return -np.inf if found is None else found


def level_gain(waveform: Tensor, *, sample_rate_hz: int, lufs: float) -> float:
    """Factor that brings float32[n] to a loudness, as far as the ceiling and `MOST_RAISED_DB` let it.

    It has no threshold that one take passes and its neighbour does not, but for silence, which stays.
    """
    peak = float(waveform.abs().max())
    if peak < _SILENT_PEAK:
        return 1.0
    wanted_db = lufs - max_momentary_lufs(waveform, sample_rate_hz=sample_rate_hz)
    return min(10 ** (min(wanted_db, MOST_RAISED_DB) / 20), CEILING / peak)

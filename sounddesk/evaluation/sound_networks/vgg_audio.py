"""VGGish (Hershey et al. 2017): 128 values of each 0.96 s of a sound, as the Fréchet audio distance takes them.

That is the layer before the last ReLU, without the principal axes and the rounding of the published pipeline.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn

from sounddesk.evaluation.sound_networks.front_end import htk_filters

RATE_HZ = 16_000
EXAMPLE_FRAMES = 96
"""Frames of an example: 0.96 s."""
LEAST_SAMPLES = 400 + 160 * (EXAMPLE_FRAMES - 1)

_WINDOW = 400
_HOP = 160
_N_FFT = 512
_BANDS = 64
_OFFSET = 0.01
_PLACES = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool")


class Vggish(nn.Module):
    """Log-mel examples float32[N, 96, 64] -> float32[N, 128]."""

    def __init__(self, *, divide: int = 1) -> None:
        """`divide`: makes all layers but the last so much narrower, for tests."""
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for place in _PLACES:
            if isinstance(place, str):
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(before, place // divide, 3, padding=1), nn.ReLU()]
                before = place // divide
        self.features = nn.Sequential(*layers)
        hidden = 4096 // divide
        self.embeddings = nn.Sequential(
            nn.Linear(before * 4 * 6, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 128)
        )
        self.filters: Tensor
        filters = htk_filters(rate_hz=RATE_HZ, n_fft=_N_FFT, bands=_BANDS, low_hz=125.0, high_hz=7500.0)
        self.register_buffer("filters", filters, persistent=False)

    def examples(self, waveform: Tensor) -> Tensor:
        """float32[n] at 16 kHz, `LEAST_SAMPLES` or more -> float32[N, 96, 64], side by side; the rest is left out."""
        frames = waveform.unfold(0, _WINDOW, _HOP) * torch.hann_window(_WINDOW)
        log_mel = torch.log(torch.fft.rfft(frames, _N_FFT).abs() @ self.filters + _OFFSET)
        count = len(log_mel) // EXAMPLE_FRAMES
        return log_mel[: count * EXAMPLE_FRAMES].reshape(count, EXAMPLE_FRAMES, _BANDS)

    def forward(self, examples: Tensor) -> Tensor:
        x = self.features(examples[:, None])
        # The published weights were learned with channels last.
        found: Tensor = self.embeddings(x.permute(0, 2, 3, 1).flatten(1))
        return found

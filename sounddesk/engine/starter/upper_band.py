"""The band above the mel: a carrier under predicted levels, put on top of the lower band by a crossover.

The carrier is noise and, for a share of its power, the lower sound's own spectrum copied upwards, as spectral band
replication does it (Dietz et al. 2002, AES 112th Convention, paper 5553): so it has lines where the sound below has
some, and its pulses within a frame.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.models.pieces import in_pieces

# Where the lower band ends and the noise begins; both are 3 dB down in the middle.
CROSSOVER_HZ: Final = (7_300.0, 7_900.0)
# Of the lower sound on each side of a sample; the filter is 601 taps long for a factor of 3.
_REACH: Final = 100
_KAISER_BETA: Final = 8.0
# Frames drawn at a time, so that a long bed takes no more memory than its samples.
_FRAMES_AT_ONCE: Final = 4096
# Has a logarithm where there is no noise at all.
_LEAST_POWER: Final = 1e-9
# The copied bins are divided by their mean over so many on each side, which leaves lines and takes the slope.
_SLOPE_BINS: Final = 6
# Keeps zeros from being divided by zero.
_LEAST_SLOPE: Final = 1e-30
# Deviation of a lower sound, about -105 dBFS, below which there is nothing to copy.
_LEAST_DEVIATION: Final = 5e-6


def band_edges_hz(bands: int, from_hz: float, to_hz: float) -> Tensor:
    """Edges of the upper bands, float64[bands + 1]."""
    steps = torch.linspace(0.0, 1.0, bands + 1, dtype=torch.float64)
    return from_hz * (to_hz / from_hz) ** steps


class BandLevels(nn.Module):
    """Log levels of the upper bands of a sound: what `DetailNetwork` learns to predict.

    Frames of two hops under a Hann window, centred like the mel's.
    """

    def __init__(self, *, sample_rate_hz: int, hop_length: int, bands: int, from_hz: float, to_hz: float) -> None:
        super().__init__()
        self.hop_length = hop_length
        n_fft = 2 * hop_length
        bin_hz = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate_hz / n_fft
        edges = band_edges_hz(bands, from_hz, to_hz)
        inside = (bin_hz[:, None] >= edges[:-1]) & (bin_hz[:, None] < edges[1:])
        self.window: Tensor
        self.shares: Tensor
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        shares = inside / inside.sum(dim=0).clamp(min=1)
        self.register_buffer("shares", shares.float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """float32[B, n] -> float32[B, n // hop_length, bands] in nepers; white noise of variance 1 has about 0."""
        n_fft = len(self.window)
        pad = (n_fft - self.hop_length) // 2
        padded = functional.pad(waveform[:, None], (pad, pad), mode="reflect")[:, 0]
        stft = torch.stft(
            padded, n_fft, self.hop_length, n_fft, window=self.window, center=False, return_complex=True
        ).transpose(1, 2)
        power = (stft.real**2 + stft.imag**2) / (self.window**2).sum()
        return 0.5 * torch.log(power @ self.shares + 1e-10)


class UpperBand(nn.Module):
    """Raises the sample rate of a sound and adds noise above it.

    Args:
        lower_rate_hz: of the sound that comes in.
        sample_rate_hz: of the sound that comes out, a multiple of it.
        hop_length: samples of the finished sound for each frame of levels.
        bands: of the levels, from `from_hz` to half of `sample_rate_hz`.
    """

    def __init__(self, *, lower_rate_hz: int, sample_rate_hz: int, hop_length: int, bands: int, from_hz: float) -> None:
        super().__init__()
        if sample_rate_hz % lower_rate_hz:
            raise ValueError(f"sample rate {sample_rate_hz} Hz is not a multiple of {lower_rate_hz} Hz")
        self.factor = sample_rate_hz // lower_rate_hz
        self.hop_length = hop_length
        self.taps: Tensor
        self.window: Tensor
        self.interpolation: Tensor
        self.crossover: Tensor
        n_fft = 2 * hop_length
        taps = _low_pass(self.factor, sample_rate_hz)
        self.register_buffer("taps", _phases(taps, self.factor), persistent=False)
        # Its square adds up to one over frames half a window apart.
        self.register_buffer("window", torch.hann_window(n_fft).sqrt(), persistent=False)
        bin_hz = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate_hz / n_fft
        self.first_bin = math.ceil(CROSSOVER_HZ[0] * n_fft / sample_rate_hz)
        # Copied upwards by a multiple of this; it is even, so that phases go on over frames half a window apart.
        self.copied_bins = self.first_bin // 4 * 2
        edges = band_edges_hz(bands, from_hz, sample_rate_hz / 2)
        centres = (edges[:-1] * edges[1:]).sqrt().log()
        interpolation = _linear_interpolation(bin_hz[self.first_bin :].log(), centres)
        self.register_buffer("interpolation", interpolation.float(), persistent=False)
        position = (bin_hz[self.first_bin :] - CROSSOVER_HZ[0]) / (CROSSOVER_HZ[1] - CROSSOVER_HZ[0])
        rise = torch.sin(0.5 * math.pi * position.clamp(0.0, 1.0)).float()
        self.register_buffer("crossover", rise, persistent=False)

    def raise_rate(self, waveform: Tensor) -> Tensor:
        """float32[B, n] -> float32[B, n * factor] without what lies above the crossover; linear phase, no delay."""
        padded = functional.pad(waveform[:, None], (_REACH, _REACH))
        return functional.conv1d(padded, self.taps).transpose(1, 2).reshape(len(waveform), -1)

    def limited(self, levels: Tensor, loudest: float) -> Tensor:
        """Log levels float32[B, frames, bands], lowered in frames whose noise deviates by more than exp(`loudest`)."""
        pieces = []
        for chosen in levels.split(_FRAMES_AT_ONCE, dim=1):
            power = (self._gain(chosen) ** 2).sum(dim=-1, keepdim=True) / self.hop_length
            deviation = 0.5 * torch.log(power + _LEAST_POWER)
            pieces.append(chosen - (deviation - loudest).clamp(min=0.0))
        return torch.cat(pieces, dim=1)

    def _gain(self, levels: Tensor) -> Tensor:
        """Of the bins from `first_bin` on, beside white noise of variance 1: float32[B, frames, bins]."""
        return torch.exp(levels @ self.interpolation.T) * self.crossover

    def replicated(self, raised: Tensor, *, start: int, frames: int) -> Tensor:
        """Bins from `first_bin` on, copied from those below, of frames from `start` on: complex64[B, frames, bins].

        As loud as white noise of variance 1; where the lower sound is silent they are 0.

        Args:
            raised: the lower sound at the higher rate, float32[B, n].
        """
        n_fft, hop = 2 * self.hop_length, self.hop_length
        first = start * hop - hop // 2
        last = first + (frames + 1) * hop
        inside = raised[:, max(first, 0) : max(last, 0)]
        inside = functional.pad(inside, (max(-first, 0), last - max(first, 0) - inside.shape[1]))
        spectrum = torch.fft.rfft(inside.unfold(1, n_fft, hop) * self.window, dim=-1)
        source = spectrum[..., self.first_bin - self.copied_bins : self.first_bin]
        power = source.real**2 + source.imag**2
        kernel = 2 * _SLOPE_BINS + 1
        slope = functional.avg_pool1d(power, kernel, 1, _SLOPE_BINS, count_include_pad=False)
        silent = power.mean(dim=-1, keepdim=True) < n_fft * _LEAST_DEVIATION**2
        flat = torch.where(silent, 0.0, source * torch.rsqrt(slope.clamp(min=_LEAST_SLOPE)))
        bins = n_fft // 2 + 1 - self.first_bin
        repeats = -(-bins // self.copied_bins)
        # Overlapped frames of one sound add up in amplitude, those of noise in power: so half of the mean power of
        # `noise` is as loud.
        return flat.repeat(1, 1, repeats)[..., :bins] * math.sqrt(n_fft / 2)

    def noise(
        self, levels: Tensor, generator: torch.Generator, *, raised: Tensor | None = None, share: float = 0.0
    ) -> Tensor:
        """A carrier float32[B, frames * hop_length] whose bands have these log levels, float32[B, frames, bands].

        Noise of each frame is drawn on its own on the CPU and overlapped by half with its neighbours.

        Args:
            raised: the lower sound at the higher rate, float32[B, n].
            share: of the carrier's power that is copied from it where it is not silent; the rest is noise.
        """
        batch, frames, _ = levels.shape
        n_fft, hop = 2 * self.hop_length, self.hop_length
        out = levels.new_zeros(batch, frames + 1, hop)
        for start in range(0, frames, _FRAMES_AT_ONCE):
            chosen = levels[:, start : start + _FRAMES_AT_ONCE]
            gain = self._gain(chosen)
            drawn = torch.randn((*gain.shape, 2), generator=generator).to(gain)
            # A bin of white noise of variance 1 has the mean power n_fft, half of it in each part.
            drawn = drawn * math.sqrt(n_fft / 2)
            spectrum = torch.complex(gain * drawn[..., 0], gain * drawn[..., 1])
            if raised is not None and share > 0.0:
                copied = self.replicated(raised, start=start, frames=chosen.shape[1])
                copied_share = torch.where(copied.abs().amax(dim=-1, keepdim=True) > 0.0, share, 0.0)
                spectrum = (1.0 - copied_share).sqrt() * spectrum + copied_share.sqrt() * gain * copied
            spectrum = functional.pad(spectrum, (self.first_bin, 0))
            blocks = (torch.fft.irfft(spectrum, n=n_fft, dim=-1) * self.window).reshape(batch, -1, 2, hop)
            count = blocks.shape[1]
            out[:, start : start + count] += blocks[:, :, 0]
            out[:, start + 1 : start + 1 + count] += blocks[:, :, 1]
        whole = out.reshape(batch, -1)
        # Frames are centred on the middle of their hop, as those of the mel.
        return whole[:, hop // 2 : hop // 2 + frames * hop]

    def forward(
        self, waveform: Tensor, levels: Tensor, generator: torch.Generator, *, replicated: float = 0.0
    ) -> Tensor:
        """The sound float32[B, n] at the higher rate, float32[B, n * factor], with a carrier under `levels` on top.

        Args:
            replicated: share of the carrier's power that is copied from the sound itself, 0 to 1.
        """
        piece, overlap = 1 << 18, 8 * _REACH
        raised = in_pieces(self.raise_rate, waveform, piece=piece, overlap=overlap, factor=self.factor)
        upper = self.noise(levels, generator, raised=raised, share=replicated)
        return raised + upper[:, : raised.shape[1]]


def _low_pass(factor: int, sample_rate_hz: int) -> Tensor:
    """Windowed sinc with its middle at the crossover's, times `factor`; float64[2 * factor * _REACH + 1]."""
    reach = factor * _REACH
    cutoff = 2.0 * (0.5 * (CROSSOVER_HZ[0] + CROSSOVER_HZ[1])) / sample_rate_hz
    position = torch.arange(-reach, reach + 1, dtype=torch.float64)
    window = torch.kaiser_window(2 * reach + 1, periodic=False, beta=_KAISER_BETA, dtype=torch.float64)
    taps = cutoff * torch.sinc(cutoff * position) * window
    return factor * taps / taps.sum()


def _phases(taps: Tensor, factor: int) -> Tensor:
    """The filter as one kernel for each sample between two of the lower rate, float32[factor, 1, 2 * _REACH + 1].

    Output n * factor + p is the sum over m of x[n + m] * taps[reach + p - m * factor].
    """
    reach = factor * _REACH
    rows = []
    for phase in range(factor):
        at = reach + phase - factor * torch.arange(-_REACH, _REACH + 1)
        inside = (at >= 0) & (at < len(taps))
        rows.append(torch.where(inside, taps[at.clamp(0, len(taps) - 1)], 0.0))
    return torch.stack(rows)[:, None].float()


def _linear_interpolation(at: Tensor, known: Tensor) -> Tensor:
    """Weights float64[len(at), len(known)] of linear interpolation; beyond the ends the nearest holds."""
    upper = torch.searchsorted(known, at).clamp(1, len(known) - 1)
    low, high = known[upper - 1], known[upper]
    share = ((at - low) / (high - low)).clamp(0.0, 1.0)
    weights = torch.zeros(len(at), len(known), dtype=torch.float64)
    rows = torch.arange(len(at))
    weights[rows, upper - 1] = 1.0 - share
    weights[rows, upper] += share
    return weights

"""Component that gives a decoded sound its grain and the band above the mel.

A codec trained on mean errors decodes the expectation of a spectrogram: smooth where every real noise fluctuates. How
strongly it fluctuates is predicted; the fluctuation itself is that of white noise in the same spectrogram, drawn from
the take's seed. Why: `resources/manual/decisions`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.pieces import in_pieces
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.starter.detail_network import TIME_MULTIPLE
from sounddesk.engine.starter.detail_network import DetailConfig
from sounddesk.engine.starter.detail_network import DetailNetwork
from sounddesk.engine.starter.take_level import KindLoudness
from sounddesk.engine.starter.take_level import into_range
from sounddesk.engine.starter.take_level import level_gain
from sounddesk.engine.starter.upper_band import BandLevels
from sounddesk.engine.starter.upper_band import UpperBand
from sounddesk.storage.codec import load

# Above digital silence by this much, in nepers, there is sound.
_SILENCE_MARGIN: Final = 0.5
_SILENT_LEVEL: Final = -30.0
_PIECE_FRAMES: Final = 2048
_OVERLAP_FRAMES: Final = 256
# Its level does not matter: its spectrogram is standardised.
_NOISE_LEVEL: Final = 0.1
# Sets the noise of a take apart from that of its latent, which has the same seed.
_STREAM: Final = 0x5EED


class SpectralDetail(nn.Module):
    """`DetailNetwork` with its noise, and the upper band that it predicts.

    Attributes:
        noise_mean, noise_std: of the log-mel of white noise, float32[bands].
        noise_level: mean log level of white noise in the upper bands, float32[upper_bands].
        loudness: of the kinds, where it is known.
    """

    def __init__(self, config: DetailConfig, spec: MelSpec) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self.network = DetailNetwork(config)
        self.log_mel = LogMel(spec)
        rate = self.sample_rate_hz
        hop = spec.hop_length * rate // spec.sample_rate_hz // config.subframes
        if hop * config.subframes * spec.sample_rate_hz != spec.hop_length * rate:
            raise ValueError(f"{config.subframes} subframes do not divide a frame of the mel at {rate} Hz")
        self.upper_band = UpperBand(
            lower_rate_hz=spec.sample_rate_hz,
            sample_rate_hz=rate,
            hop_length=hop,
            bands=config.upper_bands,
            from_hz=config.upper_from_hz,
        )
        self.levels = BandLevels(
            sample_rate_hz=rate,
            hop_length=hop,
            bands=config.upper_bands,
            from_hz=config.upper_from_hz,
            to_hz=config.upper_to_hz,
        )
        self.loudness = KindLoudness(config.kinds, config.condition_width) if config.kinds else None
        self.noise_mean: Tensor
        self.noise_std: Tensor
        self.noise_level: Tensor
        self.register_buffer("noise_mean", torch.zeros(config.bands))
        self.register_buffer("noise_std", torch.ones(config.bands))
        self.register_buffer("noise_level", torch.zeros(config.upper_bands))

    @property
    def sample_rate_hz(self) -> int:
        """Of the finished sound."""
        return round(2 * self.config.upper_to_hz)

    def with_kinds(self, conditions: Tensor, lufs: Tensor) -> SpectralDetail:
        """The same that knows how loud kinds are: conditions float32[kinds, width] and LUFS float32[kinds]."""
        config = replace(self.config, kinds=len(lufs), condition_width=conditions.shape[1])
        knowing = SpectralDetail(config, self.spec)
        levels = {"loudness.conditions": nn.functional.normalize(conditions, dim=-1), "loudness.lufs": lufs}
        knowing.load_state_dict({**self.state_dict(), **levels})
        return knowing.train(self.training)

    @torch.no_grad()
    def measure_noise(self, seconds: float = 60.0) -> None:
        """Set the statistics of white noise, once before training."""
        generator = torch.Generator().manual_seed(0)
        lower = torch.randn(1, round(seconds * self.spec.sample_rate_hz), generator=generator)
        log_mel = self.log_mel(lower * _NOISE_LEVEL)[0]
        self.noise_mean.copy_(log_mel.mean(dim=0))
        self.noise_std.copy_(log_mel.std(dim=0))
        upper = torch.randn(1, round(seconds * self.sample_rate_hz), generator=generator)
        self.noise_level.copy_(self.levels(upper)[0].mean(dim=0))

    def grain(self, frames: int, generator: torch.Generator) -> Tensor:
        """Standardised log-mel of white noise, float32[1, frames, bands]: right in its correlation over time and bands.

        Drawn on the CPU, so that a seed means the same everywhere.
        """
        hop = self.spec.hop_length
        blocks = []
        for start in range(0, frames, _PIECE_FRAMES):
            count = min(_PIECE_FRAMES, frames - start)
            # The analysis mirrors the ends, which takes more samples than a few frames have.
            length = max(count * hop, 2 * self.spec.n_fft)
            noise = torch.randn(1, length, generator=generator) * _NOISE_LEVEL
            blocks.append(self.log_mel(noise.to(self.noise_mean.device))[:, :count])
        return (torch.cat(blocks, dim=1) - self.noise_mean) / self.noise_std

    def predict(self, log_mel: Tensor, grain: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mel and grain float32[B, T, bands] -> log-mel with grain, and the upper bands' log levels."""
        bands, per_frame = self.config.bands, self.config.subframes * self.config.upper_bands
        both = in_pieces(
            self._predict_piece,
            torch.cat([log_mel, grain], dim=-1),
            piece=_PIECE_FRAMES,
            overlap=_OVERLAP_FRAMES,
            factor=1,
        )
        refined, levels = both.split([bands, per_frame], dim=-1)
        return refined, levels.reshape(len(levels), -1, self.config.upper_bands)

    def _predict_piece(self, both: Tensor) -> Tensor:
        frames = both.shape[1]
        short = -frames % TIME_MULTIPLE
        if short:
            both = functional.pad(both.transpose(1, 2), (0, short), mode="replicate").transpose(1, 2)
        log_mel, grain = both.split(self.config.bands, dim=-1)
        refined, levels = self.finish(log_mel, grain)
        levels = levels.reshape(len(levels), -1, self.config.subframes * self.config.upper_bands)
        return torch.cat([refined, levels], dim=-1)[:, :frames]

    def sounding(self, log_mel: Tensor) -> Tensor:
        """Where there is sound, bool of the same shape."""
        return log_mel > self.spec.log_silence + _SILENCE_MARGIN

    def finish(self, log_mel: Tensor, grain: Tensor) -> tuple[Tensor, Tensor]:
        """What `predict` does, for one piece whose length is a multiple of `TIME_MULTIPLE`; differentiable."""
        sounding = self.sounding(log_mel)
        grain = grain * sounding
        detail = self.network(log_mel, grain)
        drawn = self.config.grain * torch.exp(detail.log_deviation) * grain
        refined = log_mel + (detail.mean + drawn + detail.texture) * sounding
        levels = detail.upper.clamp(max=self.config.loudest_upper) - self.noise_level
        heard = sounding.any(dim=-1, keepdim=True).repeat_interleave(self.config.subframes, dim=1)
        return refined.clamp(min=self.spec.log_silence), torch.where(heard, levels, _SILENT_LEVEL)

    @torch.no_grad()
    def render(
        self,
        log_mel: Tensor,
        synthesise: Callable[[Tensor], Tensor],
        *,
        seed: int,
        condition: Tensor | None = None,
    ) -> Tensor:
        """Finish one sound: log-mel float32[1, T, bands] -> float32[1, n] at `sample_rate_hz`.

        With a condition and kinds of known loudness it is as loud as they are, and peaks at -1 dBFS at most; else a
        peak above the mel's is brought down to it.

        Args:
            synthesise: the vocoder, from a log-mel to a waveform at the mel's rate.
            seed: of the take; the same seed draws the same noise on every device.
            condition: what the sound was asked for with, float32[width].
        """
        finished = self.unlevelled(log_mel, synthesise, seed=seed)
        if condition is not None and self.loudness is not None:
            lufs = self.loudness.expected_lufs(condition)
            return finished * level_gain(finished[0], sample_rate_hz=self.sample_rate_hz, lufs=lufs)
        peak = finished.abs().amax(dim=-1, keepdim=True)
        return finished * (self.spec.peak / peak.clamp(min=self.spec.peak))

    @torch.no_grad()
    def unlevelled(self, log_mel: Tensor, synthesise: Callable[[Tensor], Tensor], *, seed: int) -> Tensor:
        """What `render` brings to its level.

        What peaks over full scale is louder than any sound that detail and vocoder learned from. It is finished once
        more from a spectrogram that is lowered to where recordings peak, with the same noise (decision 130).
        """
        log_mel = log_mel.float()
        sounding, silence = self.sounding(log_mel), self.spec.log_silence
        log_mel = into_range(log_mel, sounding, loudest=self.config.loudest_frame, silence=silence)
        finished = self._finished(log_mel, synthesise, seed=seed)
        peak = float(finished.abs().max())
        if peak > 1.0:
            lowered = log_mel - math.log(peak / self.spec.peak)
            log_mel = torch.where(sounding, lowered, log_mel).clamp(min=silence)
            finished = self._finished(log_mel, synthesise, seed=seed)
        return finished

    def _finished(self, log_mel: Tensor, synthesise: Callable[[Tensor], Tensor], *, seed: int) -> Tensor:
        """Grain, waveform and upper band of a log-mel float32[1, T, bands]."""
        state = np.random.SeedSequence([seed, _STREAM]).generate_state(1, np.uint64)
        generator = torch.Generator("cpu").manual_seed(int(state[0] >> np.uint64(1)))
        refined, levels = self.predict(log_mel, self.grain(log_mel.shape[1], generator))
        levels = self.upper_band.limited(levels, self.config.loudest_upper_frame)
        finished: Tensor = self.upper_band(synthesise(refined), levels, generator, replicated=self.config.replicated)
        return finished

    @classmethod
    def load(cls, folder: Path, spec: MelSpec) -> SpectralDetail:
        """Read a folder that `save` wrote. Raises: ValueError or OSError, files that do not fit."""
        config = load(DetailConfig, folder / "config.json")
        if config.bands != spec.n_mels:
            raise ValueError(f"it is for {config.bands} bands, the bundle's mel has {spec.n_mels}")
        model = build_within(lambda: cls(config, spec), folder)
        model.load_state_dict(load_weights(folder / "model.safetensors"))
        return model.eval()

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self.config), indent=2) + "\n", encoding="utf-8")
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, folder / "model.safetensors")

"""Log-mel spectrogram to waveform."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.limits import Range
from sounddesk.engine.models.diffusers_weights import load_transformers_model
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.weight_budget import build_within
from sounddesk.engine.specs import MelSpec
from sounddesk.storage.codec import load

_CAUTION: Final = 0.7


class Vocoder(Protocol):
    """What the pipeline needs of a vocoder."""

    def synthesise(self, log_mel: Tensor) -> Tensor:
        """Log-mel float32[B, T, n_mels] -> waveform float32[B, T * hop_length]."""
        ...


class DetailRenderer(Protocol):
    """Component between codec and vocoder that finishes a sound: optional, for codecs that decode an expectation."""

    @property
    def sample_rate_hz(self) -> int:
        """Of the finished sound."""
        ...

    def render(self, log_mel: Tensor, synthesise: Callable[[Tensor], Tensor], *, seed: int) -> Tensor:
        """Log-mel float32[1, T, n_mels] -> waveform float32[1, n] at `sample_rate_hz`; a pure function of its inputs.

        `synthesise` is the vocoder.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class IstftVocoderConfig:
    """Shape of an `IstftVocoder`.

    `refinements`: how often `forward` makes the predicted frames agree with each other and with the mel.
    """

    width: Annotated[int, Range(1, 1 << 16)] = 256
    hidden: Annotated[int, Range(1, 1 << 16)] = 768
    blocks: Annotated[int, Range(1, 256)] = 8
    kernel: Annotated[int, Range(1, 255)] = 7
    refinements: Annotated[int, Range(0, 64)] = 6


class ConvNextBlock(nn.Module):
    """ConvNeXt block over time: depthwise convolution, layer norm, two pointwise layers, scaled residual."""

    def __init__(self, *, width: int, hidden: int, kernel: int, blocks: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand = nn.Linear(width, hidden)
        self.contract = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), 1.0 / blocks))

    def forward(self, x: Tensor) -> Tensor:
        """float[B, width, T] -> the same shape."""
        y = self.norm(self.depthwise(x).transpose(1, 2))
        y = self.contract(nn.functional.gelu(self.expand(y)))
        return x + (self.scale * y).transpose(1, 2)


class IstftVocoder(nn.Module):
    """Vocoder that works at the frame rate and ends in an inverse STFT, after Vocos (Siuzdak 2023, arXiv 2306.00814).

    HiFi-GAN upsamples to the sample rate inside the network, which costs about 20 times as much on a
    CPU; here every layer runs at 100 frames a second. The log magnitude is predicted as a correction to the
    pseudo-inverse of the mel filter bank, so that an untrained network already has the right envelope.
    """

    def __init__(self, config: IstftVocoderConfig, spec: MelSpec) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        bins = spec.n_fft // 2 + 1
        self.embed = nn.Conv1d(spec.n_mels, config.width, config.kernel, padding=config.kernel // 2)
        self.norm_in = nn.LayerNorm(config.width, eps=1e-6)
        self.blocks = nn.ModuleList(
            ConvNextBlock(width=config.width, hidden=config.hidden, kernel=config.kernel, blocks=config.blocks)
            for _ in range(config.blocks)
        )
        self.norm_out = nn.LayerNorm(config.width, eps=1e-6)
        self.head = nn.Linear(config.width, 3 * bins)
        self.inverse_filters: Tensor
        self.window: Tensor
        self.log_mel = LogMel(spec)
        filters = self.log_mel.filters
        self.register_buffer("inverse_filters", torch.linalg.pinv(filters), persistent=False)
        self.register_buffer("window", torch.hann_window(spec.win_length, periodic=True), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def spectrum(self, log_mel: Tensor) -> Tensor:
        """Log-mel float32[B, T, n_mels] -> complex STFT [B, n_fft // 2 + 1, T]."""
        # Log-mels lie between -11.5 and about 2: bring them to unit size for the network.
        x = self.embed(((log_mel + 5.0) / 3.0).transpose(1, 2))
        x = self.norm_in(x.transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        out = self.head(self.norm_out(x.transpose(1, 2))).float()
        correction, real, imaginary = out.chunk(3, dim=-1)
        envelope = torch.clamp(torch.exp(log_mel.float()) @ self.inverse_filters, min=1e-4)
        # At most +17 dB over the envelope: a mel that no recording has must not blow up one frame.
        magnitude = envelope * torch.exp(correction.clamp(-8.0, 2.0))
        # A direction instead of an angle: no jump at +-pi, and the gradient never vanishes for long.
        norm = torch.sqrt(real**2 + imaginary**2 + 1e-6)
        return torch.complex(magnitude * real / norm, magnitude * imaginary / norm).transpose(1, 2)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Log-mel float32[B, T, n_mels] -> waveform float32[B, T * hop_length]."""
        spectrum = self.spectrum(log_mel)
        waveform = self.inverse(spectrum)
        magnitude = spectrum.abs()
        # The analysis mirrors the ends, which a sound of less than three frames is too short for.
        enough = waveform.shape[1] > (self.spec.n_fft - self.spec.hop_length) // 2
        for _ in range(self.config.refinements if enough else 0):
            waveform = self.refine(waveform, magnitude, log_mel.float())
        return waveform

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Overlap-add of the frames, aligned with `LogMel`'s framing (no centring)."""
        n_fft, hop = self.spec.n_fft, self.spec.hop_length
        frames = torch.fft.irfft(spectrum, n=n_fft, dim=1) * self.window[:, None]
        length = (spectrum.shape[2] - 1) * hop + n_fft
        count = spectrum.shape[2]
        summed = nn.functional.fold(frames, (1, length), (1, n_fft), stride=(1, hop))[:, 0, 0]
        weight = (self.window**2)[None, :, None].expand(1, n_fft, count)
        weights = nn.functional.fold(weight, (1, length), (1, n_fft), stride=(1, hop))[:, 0, 0]
        pad = (n_fft - hop) // 2
        return (summed / weights.clamp(min=1e-3))[:, pad : length - pad]

    def refine(self, waveform: Tensor, magnitude: Tensor, log_mel: Tensor) -> Tensor:
        """One step of Griffin and Lim (1984) that also pulls the mel to `log_mel`; shapes as `spectrum` and `forward`.

        Overlapping frames that a network predicts one by one never quite agree, so their sum has another spectrum
        than they had. The phase of that sum is kept, the predicted magnitude put back, corrected in each mel band by
        the error that the sum showed there.
        """
        spectrum = self.log_mel.stft(waveform).transpose(1, 2)
        reached = self.log_mel.from_magnitude(spectrum.abs().transpose(1, 2))
        filters = self.log_mel.filters
        shares = filters / filters.sum(dim=1, keepdim=True).clamp(min=1e-9)
        # Cautious, because bands overlap: all would correct the same bin by the whole error.
        correction = (_CAUTION * (log_mel - reached).clamp(-1.0, 1.0) @ shares.T).transpose(1, 2)
        phase = spectrum / spectrum.abs().clamp(min=1e-9)
        return self.inverse(magnitude * torch.exp(correction) * phase)

    @torch.no_grad()
    def synthesise(self, log_mel: Tensor) -> Tensor:
        return self(log_mel)

    @classmethod
    def load(cls, folder: Path, spec: MelSpec) -> IstftVocoder:
        config = load(IstftVocoderConfig, folder / "config.json")
        model = build_within(lambda: cls(config, spec), folder)
        model.load_state_dict(load_weights(folder / "model.safetensors"))
        return model.eval()

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self.config), indent=2) + "\n")
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, folder / "model.safetensors")


class HifiGanVocoder(nn.Module):
    """AudioLDM's vocoder: transformers' SpeechT5HifiGan, trimmed to whole hops.

    Its 16/5 upsampling layer is odd, so it returns 32 samples more than `T * hop_length`.
    """

    def __init__(self, model: nn.Module, spec: MelSpec) -> None:
        super().__init__()
        self.model = model
        self.spec = spec

    @torch.no_grad()
    def synthesise(self, log_mel: Tensor) -> Tensor:
        waveform: Tensor = self.model(log_mel)
        return waveform[:, : log_mel.shape[1] * self.spec.hop_length]

    @classmethod
    def load(cls, folder: Path, spec: MelSpec) -> HifiGanVocoder:
        from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

        return cls(load_transformers_model(SpeechT5HifiGan, folder).eval(), spec)

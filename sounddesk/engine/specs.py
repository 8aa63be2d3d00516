"""Every length and shape of the engine, derived in one place from a bundle's manifest."""

from __future__ import annotations

import math
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Annotated
from typing import Any
from typing import Final

from sounddesk.domain.limits import Range

MIN_SECONDS: Final = 1.0
MAX_SECONDS: Final = 60.0
# A bed is generated in windows, so only its samples take memory.
MAX_BED_SECONDS: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class MelSpec:
    """Mel front end (AudioLDM's by default: magnitude mel, Slaney scale and norm, natural log).

    `peak` is the absolute peak that a waveform is scaled to before its mel spectrogram.
    """

    sample_rate_hz: Annotated[int, Range(1_000, 400_000)] = 16_000
    n_fft: Annotated[int, Range(16, 1 << 16)] = 1024
    win_length: Annotated[int, Range(16, 1 << 16)] = 1024
    hop_length: Annotated[int, Range(1, 1 << 16)] = 160
    n_mels: Annotated[int, Range(1, 2048)] = 64
    fmin_hz: Annotated[float, Range(0.0, 200_000.0)] = 0.0
    fmax_hz: Annotated[float, Range(0.0, 200_000.0)] = 8_000.0
    log_floor: Annotated[float, Range(1e-12, 1.0)] = 1e-5
    peak: Annotated[float, Range(1e-6, 1.0)] = 0.5

    def __post_init__(self) -> None:
        if self.win_length > self.n_fft:
            raise ValueError(f"win_length {self.win_length} exceeds n_fft {self.n_fft}")
        if self.fmax_hz > self.sample_rate_hz / 2:
            raise ValueError(f"fmax_hz {self.fmax_hz} exceeds half of {self.sample_rate_hz} Hz")

    @property
    def log_silence(self) -> float:
        """Log-mel value of digital silence (-11.513 for AudioLDM)."""
        return math.log(self.log_floor)

    @property
    def frames_per_s(self) -> float:
        return self.sample_rate_hz / self.hop_length


@dataclass(frozen=True, kw_only=True)
class LatentSpec:
    """Geometry of the latent: `channels` maps on a grid `time_factor` x `freq_factor` coarser than the mel.

    `mel_fold` (time, frequency) is space-to-depth before the VAE; (1, 1) for AudioLDM, whose VAE
    does all the downsampling with strided convolutions.
    """

    channels: Annotated[int, Range(1, 4096)] = 8
    time_factor: Annotated[int, Range(1, 1024)] = 4
    freq_factor: Annotated[int, Range(1, 1024)] = 4
    mel_fold: tuple[Annotated[int, Range(1, 1024)], Annotated[int, Range(1, 1024)]] = (1, 1)

    def __post_init__(self) -> None:
        if self.time_factor % self.mel_fold[0] or self.freq_factor % self.mel_fold[1]:
            raise ValueError(f"mel_fold {self.mel_fold} must divide the factors {self.time_factor, self.freq_factor}")


@dataclass(frozen=True, kw_only=True)
class RequestShape:
    """Shapes of one generation of `n_samples` samples at the rate of the takes."""

    n_samples: int
    mel_frames: int
    latent_frames: int
    latent_bins: int
    latent_channels: int

    @property
    def latent(self) -> tuple[int, int, int]:
        """(channels, time, frequency) of one latent."""
        return (self.latent_channels, self.latent_frames, self.latent_bins)


@dataclass(frozen=True, kw_only=True)
class AudioSpec:
    """Mel and latent geometry together.

    `latent_multiple`: the latent's time axis is rounded up to this, so that every U-Net level divides
    evenly and the surplus is generated as sound, never as padding (AudioLDM: 1000 frames -> 1024).
    `finished_rate_hz`: of the takes, where a component adds a band above the mel; None where the vocoder's is theirs.
    """

    mel: MelSpec
    latent: LatentSpec
    latent_multiple: Annotated[int, Range(1, 4096)] = field(default=8, metadata={"required": True})
    finished_rate_hz: Annotated[int, Range(1_000, 400_000)] | None = field(
        default=None, metadata={"omit_default": True}
    )

    def __post_init__(self) -> None:
        if self.finished_rate_hz is not None and self.finished_rate_hz % self.mel.sample_rate_hz:
            raise ValueError(
                f"finished_rate_hz is {self.finished_rate_hz}: give a multiple of the mel's {self.mel.sample_rate_hz}"
            )

    @property
    def sample_rate_hz(self) -> int:
        """Of every take."""
        return self.finished_rate_hz or self.mel.sample_rate_hz

    def request_shape(self, seconds: float) -> RequestShape:
        """Shapes for `seconds` of sound.

        Raises:
            ValueError: outside 1 s to 60 s.
        """
        check_seconds(seconds)
        return self.shape_of(seconds)

    def shape_of(self, seconds: float) -> RequestShape:
        """Shapes for any length, as for a bed that is generated in windows."""
        n_samples = round(seconds * self.sample_rate_hz)
        mel_frames = math.ceil(round(seconds * self.mel.sample_rate_hz) / self.mel.hop_length)
        step = self.latent.time_factor * self.latent_multiple
        mel_frames = math.ceil(mel_frames / step) * step
        return RequestShape(
            n_samples=n_samples,
            mel_frames=mel_frames,
            latent_frames=mel_frames // self.latent.time_factor,
            latent_bins=self.mel.n_mels // self.latent.freq_factor,
            latent_channels=self.latent.channels,
        )

    def to_json(self) -> dict[str, Any]:
        data = {"mel": asdict(self.mel), "latent": asdict(self.latent), "latent_multiple": self.latent_multiple}
        if self.finished_rate_hz is not None:
            data["finished_rate_hz"] = self.finished_rate_hz
        return data


def check_seconds(seconds: float) -> None:
    """Refuse a length that the engine cannot make.

    Raises:
        ValueError: with the value and the remedy.
    """
    if not math.isfinite(seconds) or not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise ValueError(f"length is {seconds:g} s: choose from {MIN_SECONDS:g} s to {MAX_SECONDS:g} s")

"""How published networks expect a sound: channels, rate and spectrograms, each after the network's own code."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor
from transformers.audio_utils import mel_filter_bank

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.audio.resample import resample
from sounddesk.engine.types import Waveform


def mono_at(sound: SoundFile, rate_hz: int) -> Waveform:
    """All channels averaged, float32[n] at `rate_hz`."""
    return resample(sound.mono, from_hz=sound.sample_rate_hz, to_hz=rate_hz)


def first_channel_at(sound: SoundFile, rate_hz: int) -> Waveform:
    """The first channel without its mean, float32[n] at `rate_hz`, as audioldm_eval reads files for PANNs."""
    channel = sound.samples if sound.samples.ndim == 1 else np.ascontiguousarray(sound.samples[:, 0])
    return resample(channel - channel.mean(), from_hz=sound.sample_rate_hz, to_hz=rate_hz)


def padded_to(waveform: Waveform, n_samples: int) -> Waveform:
    """With silence at its end where it is shorter."""
    missing = max(0, n_samples - len(waveform))
    return np.pad(waveform, (0, missing)) if missing else waveform


def power_spectrogram(waveforms: Tensor, *, n_fft: int, hop: int) -> Tensor:
    """float32[B, n] -> float32[B, n_fft // 2 + 1, 1 + n // hop]: periodic Hann window, ends reflected."""
    window = torch.hann_window(n_fft, device=waveforms.device)
    stft = torch.stft(waveforms, n_fft, hop, window=window, center=True, pad_mode="reflect", return_complex=True)
    return stft.real**2 + stft.imag**2


def slaney_filters(*, rate_hz: int, n_fft: int, bands: int, low_hz: float, high_hz: float) -> Tensor:
    """Mel filters float32[n_fft // 2 + 1, bands] as librosa makes them by default: Slaney's scale and areas."""
    filters = mel_filter_bank(
        num_frequency_bins=n_fft // 2 + 1,
        num_mel_filters=bands,
        min_frequency=low_hz,
        max_frequency=high_hz,
        sampling_rate=rate_hz,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.from_numpy(filters).float()


def htk_filters(*, rate_hz: int, n_fft: int, bands: int, low_hz: float, high_hz: float) -> Tensor:
    """Mel filters float32[n_fft // 2 + 1, bands] as HTK and Kaldi make them: triangles on the mel scale, height 1."""
    with warnings.catch_warnings():
        # Narrow bands at the bottom hold no bin, in the published networks too.
        warnings.simplefilter("ignore")
        filters = mel_filter_bank(
            num_frequency_bins=n_fft // 2 + 1,
            num_mel_filters=bands,
            min_frequency=low_hz,
            max_frequency=high_hz,
            sampling_rate=rate_hz,
            norm=None,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )
    return torch.from_numpy(filters).float()

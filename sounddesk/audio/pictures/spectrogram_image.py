"""Spectrograms as pictures: levels over time and mel-spaced frequency, in colours of our own."""

from __future__ import annotations

import io
import math
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from sounddesk.audio.files.pcm import check_samples
from sounddesk.audio.mel_bands import LOWEST_HZ
from sounddesk.audio.mel_bands import mel_triangles

RgbImage = npt.NDArray[np.uint8]
DecibelMap = npt.NDArray[np.float32]

_N_FFT: Final = 2048
_SILENCE_DB: Final = -200.0
# Brightness rises evenly from night to flame, so that a grey print reads the same.
_ANCHORS: Final = np.array(
    [
        (10, 10, 22),
        (30, 22, 70),
        (78, 30, 108),
        (134, 42, 106),
        (188, 62, 80),
        (226, 98, 50),
        (246, 150, 44),
        (252, 206, 96),
        (255, 250, 214),
    ],
    dtype=np.float64,
)
COLOURS: Final[RgbImage] = np.stack(
    [np.interp(np.linspace(0.0, 8.0, 256), np.arange(9), _ANCHORS[:, c]).round() for c in range(3)], axis=1
).astype(np.uint8)


def spectrogram_db(
    samples: npt.NDArray[np.floating[Any]],
    *,
    sample_rate_hz: int,
    n_columns: int,
    n_rows: int,
    highest_hz: float | None = None,
) -> DecibelMap:
    """Levels of a sound over time and frequency.

    Args:
        samples: float[n] or float[n, channels] (averaged).
        sample_rate_hz: of the samples.
        n_columns: moments, from the first sample to the last.
        n_rows: frequencies, mel-spaced from `highest_hz` (row 0) down to 40 Hz.
        highest_hz: half of the sample rate by default, and at most.

    Returns:
        float32[n_rows, n_columns] in dB; a full-scale sine reaches 0, digital silence is -200.

    Raises:
        ValueError: no samples or not finite, or no room for a picture.
    """
    check_samples(samples)
    if n_columns < 1 or n_rows < 1:
        raise ValueError(f"spectrogram of {n_columns} x {n_rows} pixels: both must be at least 1")
    top_hz = min(highest_hz or math.inf, sample_rate_hz / 2)
    if top_hz <= LOWEST_HZ:
        raise ValueError(f"highest frequency is {top_hz:g} Hz: it must be above {LOWEST_HZ:g} Hz")
    power = _power_frames(_mono(samples), n_columns=n_columns)
    starts = np.arange(n_columns) * len(power) // n_columns
    columns = np.add.reduceat(power, starts, axis=0) / np.diff(np.append(starts, len(power)))[:, None]
    filters = _filters(sample_rate_hz=sample_rate_hz, n_rows=n_rows, top_hz=top_hz)
    with np.errstate(divide="ignore"):
        levels = 10.0 * np.log10(filters @ columns.T)
    return np.maximum(levels, _SILENCE_DB).astype(np.float32)


def highest_frequency_hz(samples: npt.NDArray[np.floating[Any]], *, sample_rate_hz: int) -> float:
    """A top for the frequency axis: the lowest of 4, 8, 12, 16 and 20 kHz (or half the rate) that hides nothing.

    Nothing means 75 dB below the strongest frequency of the whole sound.
    """
    check_samples(samples)
    mean_power = _power_frames(_mono(samples), n_columns=1).mean(axis=0)
    # A filter's skirt around the band limit is no content: one step of a hundred hertz or so is forgiven.
    present = np.flatnonzero(mean_power > mean_power.max() * 10.0**-7.5)
    last_hz = 0.0 if present.size == 0 else present[-1] * sample_rate_hz / _N_FFT
    tops = [top for top in (4_000.0, 8_000.0, 12_000.0, 16_000.0, 20_000.0) if top < sample_rate_hz / 2]
    return next((top for top in tops if last_hz <= top * 1.025), sample_rate_hz / 2)


def colour(levels_db: npt.NDArray[np.floating[Any]], *, low_db: float, high_db: float) -> RgbImage:
    """Colours of levels: float[...] -> uint8[..., 3], darkest at `low_db` and below, brightest at `high_db`."""
    if not high_db > low_db:
        raise ValueError(f"range is {low_db:g} dB to {high_db:g} dB: it must rise")
    shares = (levels_db - low_db) / (high_db - low_db)
    return COLOURS[np.rint(np.clip(shares, 0.0, 1.0) * 255).astype(np.uint8)]


def spectrogram_image(
    samples: npt.NDArray[np.floating[Any]],
    *,
    sample_rate_hz: int,
    width: int = 800,
    height: int = 256,
    range_db: float = 75.0,
    highest_hz: float | None = None,
) -> RgbImage:
    """A sound's spectrogram as a bare picture, uint8[height, width, 3]; its loudest point is the brightest colour.

    Digital silence is dark.

    Raises:
        ValueError: as `spectrogram_db`.
    """
    levels = spectrogram_db(
        samples, sample_rate_hz=sample_rate_hz, n_columns=width, n_rows=height, highest_hz=highest_hz
    )
    top_db = max(float(levels.max()), _SILENCE_DB + range_db)
    return colour(levels, low_db=top_db - range_db, high_db=top_db)


def encode_png(image: RgbImage) -> bytes:
    """PNG file of uint8[H, W, 3]; the same pixels always give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


def encode_jpeg(image: RgbImage) -> bytes:
    """JPEG file of uint8[H, W, 3] in good quality; the same pixels always give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=88)
    return buffer.getvalue()


def _mono(samples: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    return mono.astype(np.float32)


def _power_frames(mono: npt.NDArray[np.float32], *, n_columns: int) -> npt.NDArray[np.float32]:
    """Power spectra float32[frames, bins], at least one frame per column; a full-scale sine reaches 1."""
    hop = max(1, min(_N_FFT // 4, len(mono) // n_columns))
    n_frames = max(n_columns, len(mono) // hop)
    padded = np.pad(mono, (_N_FFT // 2, max(0, n_frames * hop + _N_FFT // 2 - len(mono))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::hop][:n_frames]
    window = np.hanning(_N_FFT).astype(np.float32)
    power = np.empty((n_frames, _N_FFT // 2 + 1), dtype=np.float32)
    # In pieces, because a minute of windowed frames at once would take hundreds of megabytes.
    for start in range(0, n_frames, 256):
        spectrum = np.fft.rfft(frames[start : start + 256] * window, axis=1)
        power[start : start + 256] = np.square(np.abs(spectrum)) / (window.sum() / 2.0) ** 2
    return power


def _filters(*, sample_rate_hz: int, n_rows: int, top_hz: float) -> npt.NDArray[np.float32]:
    """Weights float32[n_rows, bins], each row a triangle around its frequency and summing to 1; row 0 is the top."""
    weights = mel_triangles(sample_rate_hz=sample_rate_hz, n_fft=_N_FFT, n_bands=n_rows, top_hz=top_hz)
    return (weights / weights.sum(axis=1, keepdims=True))[::-1].astype(np.float32)

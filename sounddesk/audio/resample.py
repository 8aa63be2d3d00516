"""Change of sample rate to an exact number of samples."""

from __future__ import annotations

from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.pcm import check_samples

# soxr's length differs from the exact one by rounding; more than this is another length than the caller thinks.
_MAX_LENGTH_ERROR: Final = 4


def resample(
    samples: npt.NDArray[np.floating[Any]],
    *,
    from_hz: int,
    to_hz: int,
    n_samples: int | None = None,
) -> Waveform:
    """Resample a sound to another sample rate.

    Band-limited (soxr, very high quality, linear phase), aligned to the sample, never normalised; peaks between
    samples may come out above the largest input sample.

    Args:
        samples: float[n] or float[n, channels] at `from_hz`.
        from_hz: present rate.
        to_hz: rate asked for.
        n_samples: exact length to return; by default n * to_hz / from_hz, rounded to nearest.

    Returns:
        float32[n_samples] or float32[n_samples, channels].

    Raises:
        ValueError: no samples or not finite, a rate that is not positive, or `n_samples` further from the true
            length than rounding explains.

    Example:
        >>> import numpy as np
        >>> second = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
        >>> resample(second, from_hz=16_000, to_hz=48_000).shape
        (48000,)
    """
    check_samples(samples)
    if from_hz <= 0 or to_hz <= 0:
        raise ValueError(f"cannot resample from {from_hz} Hz to {to_hz} Hz: both must be positive")
    exact = len(samples) * to_hz / from_hz
    if n_samples is None:
        n_samples = max(1, int(np.floor(exact + 0.5)))
    if n_samples < 1 or abs(n_samples - exact) > _MAX_LENGTH_ERROR:
        raise ValueError(f"{len(samples)} samples at {from_hz} Hz are {exact:g} at {to_hz} Hz, not {n_samples}")
    out = samples.astype(np.float32)
    if from_hz != to_hz:
        out = soxr.resample(out, from_hz, to_hz, quality="VHQ")
    if len(out) < n_samples:
        out = np.concatenate([out, np.zeros((n_samples - len(out), *out.shape[1:]), dtype=np.float32)])
    return np.ascontiguousarray(out[:n_samples])

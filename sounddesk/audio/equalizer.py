"""The equalizer of a strip: second-order sections, filtered by scipy."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.timeline import PROJECT_RATE_HZ

Sections = npt.NDArray[np.float64]

# What a filter still remembers of a sound is dropped once it is so far below it: under a step of 24 bits.
_FORGOTTEN: Final = 1e-7


def equalizer_sections(equalizer: Equalizer) -> Sections:
    """Second-order sections float64[n, 6] at the project rate; none where the equalizer changes nothing.

    High and low pass are Butterworth filters; the bell is that of Bristow-Johnson's *Cookbook formulae for audio
    equalizer biquad filter coefficients*.
    """
    sections = []
    if equalizer.high_pass_hz is not None:
        sections.append(_pass(equalizer.high_pass_hz, high=True))
    if equalizer.bell_db != 0.0:
        sections.append(_bell(equalizer))
    if equalizer.low_pass_hz is not None:
        sections.append(_pass(equalizer.low_pass_hz, high=False))
    return np.array(sections).reshape(-1, 6)


def response_db(sections: Sections, hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Level in dB, float64[n], by which the filter changes tones of the frequencies `hz`, float64[n].

    Example:
        >>> bell = Equalizer(bell_hz=1000.0, bell_db=-4.5)
        >>> response_db(equalizer_sections(bell), np.array([1000.0])).round(3)
        array([-4.5])
    """
    delay = np.exp(-2j * math.pi * hz / PROJECT_RATE_HZ)
    above = np.polynomial.polynomial.polyval(delay, sections[:, :3].T)
    below = np.polynomial.polynomial.polyval(delay, sections[:, 3:].T)
    return np.asarray(20.0 * np.log10(np.maximum(np.abs((above / below).prod(axis=0)), 1e-6)))


def settling_frames(sections: Sections) -> int:
    """Frames after which a filter has forgotten what it heard: it then sounds as if it had run forever."""
    radius = max((float(np.abs(np.roots(section[3:])).max()) for section in sections), default=0.0)
    if radius <= 0.0:
        return 0
    return math.ceil(len(sections) * math.log(_FORGOTTEN) / math.log(radius))


def filtered(sound: npt.NDArray[np.float32], sections: Sections, *, settling: int) -> npt.NDArray[np.float32]:
    """The sound behind the filter, without its first `settling` frames, which are what went before.

    Args:
        sound: float32[n] or float32[n, channels].
    """
    from scipy.signal import sosfilt

    if not sound.any():
        return np.zeros((len(sound) - settling, *sound.shape[1:]), dtype=np.float32)
    return np.asarray(sosfilt(sections, sound.astype(np.float64), axis=0)[settling:].astype(np.float32))


def _pass(corner_hz: float, *, high: bool) -> list[float]:
    turn = 2.0 * math.pi * corner_hz / PROJECT_RATE_HZ
    # Butterworth: a quality of one over the square root of two.
    alpha, cosine = math.sin(turn) / math.sqrt(2.0), math.cos(turn)
    middle = -(1.0 + cosine) if high else 1.0 - cosine
    outer = -middle / 2.0 if high else middle / 2.0
    return _normalised([outer, middle, outer], [1.0 + alpha, -2.0 * cosine, 1.0 - alpha])


def _bell(equalizer: Equalizer) -> list[float]:
    turn = 2.0 * math.pi * equalizer.bell_hz / PROJECT_RATE_HZ
    alpha, cosine = math.sin(turn) / (2.0 * equalizer.bell_q), math.cos(turn)
    height = 10.0 ** (equalizer.bell_db / 40.0)
    return _normalised(
        [1.0 + alpha * height, -2.0 * cosine, 1.0 - alpha * height],
        [1.0 + alpha / height, -2.0 * cosine, 1.0 - alpha / height],
    )


def _normalised(zeros: list[float], poles: list[float]) -> list[float]:
    return [value / poles[0] for value in (*zeros, *poles)]

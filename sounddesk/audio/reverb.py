"""The reverb that strips send to: a room that is synthesised from its decay, and convolution with it.

Convolution in parts (uniformly partitioned overlap-save, Stockham 1966) on transforms of scipy: `oaconvolve` would
transform the whole room again for every block, some ten times the work while a fader is moved. Blocks lie at fixed
places of the timeline, so what comes back does not depend on where playing began.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.lane_sound import read_pieces
from sounddesk.domain.bounded_cache import BoundedCache
from sounddesk.domain.mixer_effects import Reverb
from sounddesk.domain.timeline import PROJECT_RATE_HZ

Stereo = npt.NDArray[np.float32]

BLOCK_FRAMES: Final = 4096
# Blocks of what came back that are kept: a step back after an edit stays within them.
_KEPT_BLOCKS: Final = 8
# Early reflections: milliseconds, and amplitude on the left and on the right.
_EARLY: Final = ((7.1, 0.6, 0.3), (11.3, 0.3, 0.55), (17.9, 0.45, 0.25), (23.7, 0.2, 0.4), (31.3, 0.25, 0.2))
_EARLY_SHARE: Final = 0.35
_SEED: Final = 20261130


@functools.lru_cache(maxsize=4)
def impulse_response(reverb: Reverb) -> npt.NDArray[np.float32]:
    """The room float32[n, 2], left and right; each has an energy of 1, so that noise comes back as loud as it was sent.

    A few early reflections, then noise whose two bands decay by 60 dB in `decay_s` and in half of that.
    """
    from scipy.signal import butter
    from scipy.signal import sosfilt

    frames = round(reverb.decay_s * PROJECT_RATE_HZ)
    noise = np.random.Generator(np.random.PCG64(_SEED)).standard_normal((frames, 2))
    low = sosfilt(butter(1, reverb.damping_hz, fs=PROJECT_RATE_HZ, output="sos"), noise, axis=0)
    time_s = np.arange(frames)[:, None] / PROJECT_RATE_HZ
    fall = math.log(1000.0) / reverb.decay_s
    late = low * np.exp(-fall * time_s) + (noise - low) * np.exp(-2.0 * fall * time_s)
    late /= np.sqrt((late * late).sum(axis=0))
    early = np.zeros_like(late)
    for place_ms, left, right in _EARLY:
        place = round(place_ms / 1000.0 * PROJECT_RATE_HZ)
        if place < frames:
            early[place] = left, right
    room = late * math.sqrt(1.0 - _EARLY_SHARE) + early * math.sqrt(_EARLY_SHARE)
    room /= np.sqrt((room * room).sum(axis=0))
    before = np.zeros((round(reverb.pre_delay_s * PROJECT_RATE_HZ), 2))
    return np.asarray(np.concatenate([before, room]).astype(np.float32))


@functools.lru_cache(maxsize=4)
def _partitions(reverb: Reverb) -> npt.NDArray[np.complex64]:
    """Spectra complex64[channels, parts, bins] of the room, cut into blocks."""
    from scipy.fft import rfft

    room = impulse_response(reverb)
    n_parts = -(-len(room) // BLOCK_FRAMES)
    padded = np.zeros((n_parts * BLOCK_FRAMES, 2), dtype=np.float32)
    padded[: len(room)] = room
    parts = padded.reshape(n_parts, BLOCK_FRAMES, 2).transpose(2, 0, 1)
    return np.asarray(rfft(parts, n=2 * BLOCK_FRAMES, axis=2))


class ReverbReturn:
    """What comes back from the reverb. Safe to be read from several threads.

    Args:
        sent: (first frame, number of frames) -> what is sent to it, float32[count].
    """

    def __init__(self, reverb: Reverb, sent: Callable[[int, int], npt.NDArray[np.float32]]) -> None:
        self._reverb = reverb
        self._sent = sent
        self._blocks = BoundedCache[int, Stereo](max_items=_KEPT_BLOCKS)
        n_parts = -(-round((reverb.decay_s + reverb.pre_delay_s) * PROJECT_RATE_HZ + 2) // BLOCK_FRAMES)
        # Each block of what is sent is in two spectra that follow each other.
        self._inputs = BoundedCache[int, npt.NDArray[np.float32]](max_items=4)
        self._spectra = BoundedCache[int, npt.NDArray[np.complex64]](max_items=n_parts + _KEPT_BLOCKS)

    def read(self, start: int, count: int) -> Stereo:
        """What comes back from frame `start` on, before its fader, float32[count, 2]."""
        return read_pieces(self._block, start, count, shape=(count, 2), frames=BLOCK_FRAMES)

    def _block(self, index: int) -> Stereo:
        return self._blocks.get_or_make(index, lambda: self._convolved(index))

    def _convolved(self, index: int) -> Stereo:
        from scipy.fft import irfft

        parts = _partitions(self._reverb)
        # The newest block meets the first part of the room.
        spectra = np.stack([self._spectrum(index - part) for part in range(parts.shape[1])])
        out = irfft(np.einsum("pf,cpf->cf", spectra, parts), n=2 * BLOCK_FRAMES, axis=1)
        return np.ascontiguousarray(out[:, BLOCK_FRAMES:].T.astype(np.float32))

    def _spectrum(self, index: int) -> npt.NDArray[np.complex64]:
        """Of a block of what is sent, with the one before it."""

        def make() -> npt.NDArray[np.complex64]:
            from scipy.fft import rfft

            if index < 0:
                return np.zeros(BLOCK_FRAMES + 1, dtype=np.complex64)
            return np.asarray(rfft(np.concatenate([self._sent_block(index - 1), self._sent_block(index)])))

        return self._spectra.get_or_make(index, make)

    def _sent_block(self, index: int) -> npt.NDArray[np.float32]:
        return self._inputs.get_or_make(index, lambda: self._sent(index * BLOCK_FRAMES, BLOCK_FRAMES))

"""Cuts recordings into events by energy and spectral flux, and recognises textures, which have none.

A recording is read once, in blocks; what is kept of it are two numbers for each hundredth of a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import median_filter
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.mel_bands import mel_triangles
from sounddesk.domain.recordings import Behaviour
from sounddesk.domain.recordings import SoundEvent

FRAMES_PER_S: Final = 100
MOST_EVENTS: Final = 4096
"""Of one recording; beyond that the loudest are kept."""

_Curve = npt.NDArray[np.float32]

_SILENT_DB: Final = -70.0
_LOWEST_DB: Final = -120.0
_BANDS: Final = 24
_TOP_HZ: Final = 8_000.0

# A sound that leaves its running median by less than this goes on evenly: rain by 3 dB, an engine by 6, steps by 20.
_TEXTURE_SPREAD_DB: Final = 9.0
_TEXTURE_LEAST_S: Final = 1.2
_TEXTURE_MEDIAN_S: Final = 1.5
_TEXTURE_STRETCH_S: Final = 20.0
_MOST_STRETCHES: Final = 64

# An event begins this far over the background, and lasts while it is a little over it.
_ON_OVER_FLOOR_DB: Final = 10.0
_OFF_OVER_FLOOR_DB: Final = 3.0
_ON_UNDER_PEAK_DB: Final = 36.0
_OFF_UNDER_PEAK_DB: Final = 48.0
_FLOOR_WINDOW_S: Final = 20.0
# Quiet between two parts of one event.
_BRIDGED_S: Final = 0.06
# A new attack within a sound: so far over the dip before it, and so much more flux than is usual there.
_NEW_ATTACK_DB: Final = 8.0
_NEW_ATTACK_FLUX: Final = 1.5
_ATTACKS_APART_S: Final = 0.12
# In hundredths of a second.
_BEFORE: Final = 1
_AFTER: Final = 5
# From here on events repeat.
_REPEATING: Final = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundCurves:
    """What cutting looks at, `FRAMES_PER_S` values a second.

    Attributes:
        level_db: RMS of each hundredth, dBFS, not under -120.
        flux: rise of the logarithmic spectrum in 24 bands of the mel scale since the hundredth before, mean of bands.
        peak: largest absolute sample of all.
        seconds: length of the recording.
    """

    level_db: _Curve
    flux: _Curve
    peak: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CutRecording:
    """Events in order of time, and how the recording sounds over time."""

    events: tuple[SoundEvent, ...]
    behaviour: Behaviour
    dropped: int = 0


def sound_curves(blocks: Iterable[Waveform], *, sample_rate_hz: int) -> SoundCurves:
    """Curves of a sound given as consecutive blocks float32[n]; memory is that of a block."""
    hop = max(1, round(sample_rate_hz / FRAMES_PER_S))
    n_fft = 1 << max(6, (2 * hop - 1).bit_length())
    window = np.hanning(n_fft).astype(np.float32)
    bands = mel_triangles(sample_rate_hz=sample_rate_hz, n_fft=n_fft, n_bands=_BANDS, top_hz=_TOP_HZ).astype(np.float32)
    levels: list[_Curve] = []
    fluxes: list[_Curve] = []
    rest = np.zeros(0, dtype=np.float32)
    last = np.zeros((1, _BANDS), dtype=np.float32)
    peak, samples = 0.0, 0
    for block in blocks:
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        samples += len(block)
        joined = np.concatenate([rest, block])
        whole = len(joined) // hop
        rest = joined[whole * hop :]
        if not whole:
            continue
        frames = joined[: whole * hop].reshape(whole, hop)
        levels.append(_decibels(np.mean(np.square(frames, dtype=np.float64), axis=1)))
        log_bands = _log_bands(joined[: whole * hop], hop=hop, window=window, bands=bands)
        rise = np.diff(np.concatenate([last, log_bands]), axis=0)
        fluxes.append(np.maximum(rise, 0.0).mean(axis=1))
        last = log_bands[-1:]
    if len(rest):
        levels.append(_decibels(np.array([np.mean(np.square(rest, dtype=np.float64))])))
        fluxes.append(np.zeros(1, dtype=np.float32))
    return SoundCurves(
        level_db=np.concatenate(levels) if levels else np.zeros(0, np.float32),
        flux=np.concatenate(fluxes) if fluxes else np.zeros(0, np.float32),
        peak=peak,
        seconds=samples / sample_rate_hz,
    )


def cut_events(curves: SoundCurves) -> CutRecording:
    """The events of a recording, or the stretches of a texture.

    Example:
        >>> knocks = np.zeros(48_000, np.float32)
        >>> knocks[[9_600, 24_000, 38_400]] = 0.5
        >>> found = cut_events(sound_curves([knocks], sample_rate_hz=48_000))
        >>> found.behaviour, [round(each.start_s, 1) for each in found.events]
        ('repeating', [0.2, 0.5, 0.8])
    """
    if not len(curves.level_db) or curves.peak <= 10 ** (_SILENT_DB / 20):
        return CutRecording(events=(), behaviour="silent")
    if is_texture(curves):
        return CutRecording(events=_stretches(curves), behaviour="continuous")
    spans = _spans(curves)
    # A little before and after each, where no other event is.
    before = [0, *(last for _, last in spans[:-1])]
    starts = [max(first - _BEFORE, end) for (first, _), end in zip(spans, before, strict=True)]
    after = [*starts[1:], len(curves.level_db)]
    ends = [min(last + _AFTER, start) for (_, last), start in zip(spans, after, strict=True)]
    events = [_event(curves, first, last) for first, last in zip(starts, ends, strict=True)]
    dropped = len(events) - MOST_EVENTS
    if dropped > 0:
        quietest = sorted(event.level_db for event in events)[dropped]
        events = [event for event in events if event.level_db >= quietest][:MOST_EVENTS]
    behaviour: Behaviour = "repeating" if len(events) >= _REPEATING else "one-shot"
    return CutRecording(events=tuple(events), behaviour=behaviour, dropped=max(0, dropped))


def is_texture(curves: SoundCurves) -> bool:
    """Whether the sound goes on evenly: hardly ever far from its own running median, slow swells apart."""
    level = uniform_filter1d(curves.level_db, size=round(0.1 * FRAMES_PER_S), mode="nearest")
    loud = level > level.max() - 40.0
    # Silence before and after it does not matter, pauses do.
    inside = np.flatnonzero(loud)
    level = level[inside[0] : inside[-1] + 1]
    if len(level) < _TEXTURE_LEAST_S * FRAMES_PER_S or np.mean(loud[inside[0] : inside[-1] + 1]) < 0.95:
        return False
    # Hardly longer than the median's window, a sound that dies away would pass for even.
    size = min(round(_TEXTURE_MEDIAN_S * FRAMES_PER_S), len(level) // 2) | 1
    off = level - median_filter(level, size=size, mode="nearest")
    edge = min(size // 4, len(level) // 8)
    off = off[edge : len(off) - edge]
    low, high = np.percentile(off, (3, 97))
    decay = float(np.median(level[: len(level) // 4]) - np.median(level[-len(level) // 4 :]))
    short = len(level) < 3 * _TEXTURE_MEDIAN_S * FRAMES_PER_S
    return bool(high - low < _TEXTURE_SPREAD_DB and not (short and abs(decay) > _TEXTURE_SPREAD_DB))


def _stretches(curves: SoundCurves) -> tuple[SoundEvent, ...]:
    """Parts of a texture, spread over it."""
    loud = np.flatnonzero(curves.level_db > curves.level_db.max() - 40.0)
    start, stop = int(loud[0]), int(loud[-1]) + 1
    count = max(1, min(_MOST_STRETCHES, round((stop - start) / (_TEXTURE_STRETCH_S * FRAMES_PER_S))))
    edges = np.linspace(start, stop, count + 1).astype(int)
    return tuple(_event(curves, int(a), int(b), texture=True) for a, b in pairwise(edges) if b > a)


def _spans(curves: SoundCurves) -> list[tuple[int, int]]:
    """First and last frame (excluded) of each event."""
    level = curves.level_db
    top = float(level.max())
    # A sound that fills its file has no background to rise from.
    floor = np.minimum(_background(level), top - 30.0)
    on = np.maximum(floor + _ON_OVER_FLOOR_DB, top - _ON_UNDER_PEAK_DB)
    off = np.maximum(np.minimum(floor + _OFF_OVER_FLOOR_DB, on), top - _OFF_UNDER_PEAK_DB)
    runs = _runs(level >= off)
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined and first - joined[-1][1] <= _BRIDGED_S * FRAMES_PER_S:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    spans: list[tuple[int, int]] = []
    for first, last in joined:
        if (level[first:last] >= on[first:last]).any():
            spans += _split_at_attacks(curves, first, last)
    return spans or [(0, len(level))]


def _background(level: _Curve) -> _Curve:
    """What is there between events: the tenth percentile of stretches of 20 s, interpolated."""
    count = max(1, round(len(level) / (_FLOOR_WINDOW_S * FRAMES_PER_S)))
    parts = np.array_split(level, count)
    middles = np.cumsum([len(part) for part in parts]) - [len(part) / 2 for part in parts]
    floors = [float(np.percentile(part, 10)) for part in parts]
    return np.interp(np.arange(len(level)), middles, floors).astype(np.float32)


def _split_at_attacks(curves: SoundCurves, first: int, last: int) -> list[tuple[int, int]]:
    """A stretch that is loud throughout, cut in the dips before further attacks."""
    level = uniform_filter1d(curves.level_db[first:last], size=3, mode="nearest")
    # Silence on both sides, so that an attack at the very start counts.
    padded = np.concatenate([[_LOWEST_DB], level, [_LOWEST_DB]])
    peaks = find_peaks(padded, prominence=_NEW_ATTACK_DB, distance=round(_ATTACKS_APART_S * FRAMES_PER_S))[0] - 1
    if len(peaks) < 2:
        return [(first, last)]
    usual = float(np.median(curves.flux[first:last])) + 1e-6
    cuts = [first]
    for before, peak in pairwise(peaks):
        dip = int(before) + int(level[before : peak + 1].argmin())
        if curves.flux[first + dip : first + int(peak) + 1].max() >= _NEW_ATTACK_FLUX * usual:
            cuts.append(first + dip)
    return list(zip(cuts, [*cuts[1:], last], strict=True))


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _event(curves: SoundCurves, first: int, last: int, *, texture: bool = False) -> SoundEvent:
    level = curves.level_db[first:last].astype(np.float64)
    return SoundEvent(
        start_s=first / FRAMES_PER_S,
        end_s=min(curves.seconds, last / FRAMES_PER_S),
        peak_db=float(level.max()),
        level_db=float(10 * np.log10(np.mean(10 ** (level / 10)))),
        texture=texture,
    )


def _log_bands(samples: Waveform, *, hop: int, window: _Curve, bands: _Curve) -> _Curve:
    """log(1 + 1000 x magnitude) of each hop in bands, float32[n, bands]; the window begins with the hop."""
    padded = np.concatenate([samples, np.zeros(len(window), dtype=np.float32)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(window))[::hop][: len(samples) // hop]
    made = []
    # In parts, so that the windows of a long block do not take many times its memory.
    for start in range(0, len(frames), 2000):
        spectrum = np.abs(scipy.fft.rfft(frames[start : start + 2000] * window, axis=1))
        made.append(np.log1p(1000.0 / len(window) * (spectrum @ bands.T)).astype(np.float32))
    return np.concatenate(made)


def _decibels(power: npt.NDArray[np.float64]) -> _Curve:
    return np.maximum(10 * np.log10(np.maximum(power, 1e-13)), _LOWEST_DB).astype(np.float32)

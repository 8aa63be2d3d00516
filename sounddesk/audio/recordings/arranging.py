"""Lays events of recordings out over a length asked for, as a thing of their kind sounds: once, again and again, on.

Nothing is heard twice in the same way: no event follows itself where there is another, and each is changed a little in
pitch, level and colour, within what one and the same thing does by itself. Textures go on for ever by crossfades at
places that match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy.signal
import soxr

from sounddesk.audio.recordings.crossfade import joined
from sounddesk.audio.recordings.crossfade import likeness

_Samples = npt.NDArray[np.float32]
Layout = Literal["one-shot", "repeating", "continuous"]

# Ranges within which a thing varies by itself.
_CENTS: Final = 35.0
_LEVEL_DB: Final = 1.5
_TILT_DB: Final = 1.0
_TILT_HZ: Final = 1_500.0
# How far a rhythm that was recorded is from being even, at most.
_RHYTHM: Final = 0.08
# Between calls of a thing whose rhythm nobody recorded: the median pause and its spread.
_PAUSE_S: Final = 0.7
_PAUSE_SPREAD: Final = 0.5
_LEAST_GAP_S: Final = 0.02
# Of the room behind an event.
_TAIL_S: Final = 0.5
_EDGE_S: Final = 0.004
# Of what lies between events, a stretch of at least so long tells of the room; it comes back over the end of each.
_LEAST_QUIET_S: Final = 0.3
_ROOM_FADE_S: Final = 0.15
# Texture: how long a piece is at most, how long two overlap, and among how many places the best is looked for.
_PIECE_S: Final = (2.5, 6.0)
_OVERLAP_S: Final = 0.35
_CANDIDATES: Final = 24
_ALIGNED_S: Final = 0.006


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceEvent:
    """One event that may be laid out.

    Attributes:
        samples: float32[n, channels].
        gap_s: from its start to that of the next one in its recording; None for the last.
    """

    samples: _Samples
    gap_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where an event was laid: index of its source, start in seconds, how it was changed."""

    source: int
    start_s: float
    cents: float = 0.0
    gain_db: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrangement:
    """A sound of exactly the length asked for, float32[n, channels], and what it is made of."""

    samples: _Samples
    placements: tuple[Placement, ...]


def arrange(
    sources: Sequence[SourceEvent],
    *,
    seconds: float,
    sample_rate_hz: int,
    layout: Layout,
    seed: int,
    quiet: Sequence[_Samples] = (),
) -> Arrangement:
    """Lay `sources` out over `seconds`. The same seed gives the same samples.

    Args:
        sources: at least one, all with as many channels, at `sample_rate_hz`.
        quiet: stretches float32[n, channels] between events, whose room goes on where nothing else sounds.

    Raises:
        ValueError: no source, another number of channels, or a length that is not positive.
    """
    if not sources or any(not len(each.samples) for each in sources):
        raise ValueError("nothing to arrange: give at least one event that is not empty")
    channels = sources[0].samples.shape[1]
    if any(each.samples.shape[1] != channels for each in sources):
        raise ValueError("events have different numbers of channels: bring them to one")
    n_samples = round(seconds * sample_rate_hz)
    if n_samples < 1:
        raise ValueError(f"length is {seconds:g} s: choose more than 0")
    rng = np.random.default_rng(seed)
    if layout == "continuous":
        return _texture(sources, n_samples, sample_rate_hz, rng)
    starts = [0.0] if layout == "one-shot" else _rhythm(sources, seconds, sample_rate_hz, rng)
    out = np.zeros((n_samples, channels), dtype=np.float32)
    # By numbers of its own: the same seed lays the events out alike with and without it.
    room = _room(quiet, n_samples, sample_rate_hz, np.random.default_rng([seed, 1]))
    placements: list[Placement] = []
    for start_s, index in zip(starts, _order(len(sources), len(starts), rng), strict=True):
        start = round(start_s * sample_rate_hz)
        first = not placements
        cents = 0.0 if first else float(rng.uniform(-_CENTS, _CENTS))
        gain_db = 0.0 if first else float(rng.uniform(-_LEVEL_DB, _LEVEL_DB))
        tilt_db = 0.0 if first else float(rng.uniform(-_TILT_DB, _TILT_DB))
        event = _changed(sources[index].samples, sample_rate_hz, cents=cents, gain_db=gain_db, tilt_db=tilt_db)
        length = min(len(event), n_samples - start)
        # One that does not fit any more is left out, but for the first.
        if length <= 0 or (placements and length < 0.6 * len(event)):
            continue
        gain = _edges(length, sample_rate_hz, cut=length < len(event))
        if room is not None:
            way = _making_way(length, sample_rate_hz)
            room[start : start + length] *= way
            fade = min(length // 2, round(_ROOM_FADE_S * sample_rate_hz))
            gain[length - fade :] *= np.sqrt(np.maximum(0.0, 1.0 - np.square(way[length - fade :])))
        out[start : start + length] += event[:length] * gain
        placements.append(Placement(source=index, start_s=start_s, cents=cents, gain_db=gain_db))
    return Arrangement(samples=out if room is None else out + room, placements=tuple(placements))


def quiet_spans(spans_s: Sequence[tuple[float, float]], *, seconds: float) -> list[tuple[float, float]]:
    """What lies between events and their tails, in seconds; spans as `with_tails` gives them.

    Example:
        >>> quiet_spans([(0.5, 1.5), (3.0, 3.5)], seconds=4.0)
        [(0.0, 0.5), (1.5, 3.0), (3.5, 4.0)]
    """
    starts = [0.0, *(end for _, end in spans_s)]
    ends = [*(start for start, _ in spans_s), seconds]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if end - start >= _LEAST_QUIET_S]


def with_tails(spans_s: Sequence[tuple[float, float]], *, seconds: float) -> list[tuple[float, float]]:
    """Events as they are to be laid out, in seconds: each goes on into what follows it, for at most half a second.

    Cut off where it is no longer louder than the background it would leave silence behind, as no room does.

    Args:
        spans_s: starts and ends, in order of time.
        seconds: length of the recording.
    """
    following = [*(start for start, _ in spans_s[1:]), seconds]
    return [
        (start, max(end, min(after, end + _TAIL_S))) for (start, end), after in zip(spans_s, following, strict=True)
    ]


def _rhythm(
    sources: Sequence[SourceEvent], seconds: float, sample_rate_hz: int, rng: np.random.Generator
) -> list[float]:
    """Starts of events in seconds: at the distances of the recordings where they tell any, else with free pauses."""
    gaps = [each.gap_s for each in sources if each.gap_s is not None]
    lengths = [len(each.samples) / sample_rate_hz for each in sources]
    longest = float(np.median(lengths))
    starts: list[float] = []
    at = float(rng.uniform(0.0, 0.15)) if seconds > 1.0 else 0.0
    while at < seconds and len(starts) < 10_000:
        starts.append(at)
        if len(gaps) >= 2:
            gap = float(gaps[int(rng.integers(len(gaps)))]) * (1.0 + float(rng.uniform(-_RHYTHM, _RHYTHM)))
        else:
            gap = longest + _PAUSE_S * float(np.exp(rng.normal(0.0, _PAUSE_SPREAD)))
        at += max(gap, _LEAST_GAP_S)
    return starts


def _order(count: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """Which event is laid when: all before any comes again, and none twice in a row where there is another."""
    order: list[int] = []
    while len(order) < wanted:
        bag = [int(each) for each in rng.permutation(count)]
        if order and count > 1 and bag[0] == order[-1]:
            bag.append(bag.pop(0))
        order += bag
    return order[:wanted]


def _changed(samples: _Samples, rate: int, *, cents: float, gain_db: float, tilt_db: float) -> _Samples:
    """The event a little higher or lower (and so shorter or longer), louder or softer, brighter or darker."""
    out = samples
    if cents:
        factor = 2.0 ** (cents / 1200.0)
        out = soxr.resample(out, rate * factor, rate, quality="HQ")
    if tilt_db:
        # What lies below the corner falls by as much as the rest rises.
        b, a = scipy.signal.butter(1, min(_TILT_HZ, 0.4 * rate) / (rate / 2))
        low = scipy.signal.lfilter(b, a, out, axis=0)
        low_gain, high_gain = 10 ** (-tilt_db / 40), 10 ** (tilt_db / 40)
        out = low * low_gain + (out - low) * high_gain
    return np.asarray(out * 10 ** (gain_db / 20), dtype=np.float32)


def _edges(n: int, rate: int, *, cut: bool) -> _Samples:
    """Gain float32[n, 1] with short fades, so that nothing clicks; a longer one where the sound's end cuts it off."""
    gain = np.ones((n, 1), dtype=np.float32)
    edge = min(n // 2, max(1, round(_EDGE_S * rate)))
    gain[:edge, 0] = np.linspace(0.0, 1.0, edge, endpoint=False, dtype=np.float32)
    tail = min(n // 2, max(1, round(0.05 * rate))) if cut else edge
    gain[n - tail :, 0] *= np.linspace(1.0, 0.0, tail, dtype=np.float32)
    return gain


def _making_way(n: int, rate: int) -> _Samples:
    """Gain float32[n, 1] of the room under an event, in which its own room sounds already; it comes back at its end."""
    gain = np.zeros((n, 1), dtype=np.float32)
    edge, fade = (min(n // 2, max(1, round(each * rate))) for each in (_EDGE_S, _ROOM_FADE_S))
    gain[:edge, 0] = np.linspace(1.0, 0.0, edge, endpoint=False, dtype=np.float32)
    gain[n - fade :, 0] = np.sin(np.linspace(0.0, np.pi / 2, fade, dtype=np.float32))
    return gain


def _room(quiet: Sequence[_Samples], n_samples: int, rate: int, rng: np.random.Generator) -> _Samples | None:
    """The room of a recording for `n_samples`, float32[n, channels], of its softest stretches; None without any."""
    usable = [each for each in quiet if len(each) >= _LEAST_QUIET_S * rate]
    if not usable:
        return None
    softest = sorted(usable, key=lambda each: float(np.mean(np.square(each, dtype=np.float64))))
    sources = [SourceEvent(samples=each) for each in softest[: max(1, len(softest) // 2)]]
    return _texture(sources, n_samples, rate, rng).samples


# ---------------------------------------------------------------------- textures


def _texture(sources: Sequence[SourceEvent], n_samples: int, rate: int, rng: np.random.Generator) -> Arrangement:
    """Pieces of textures, each begun where it goes on most like the one before ended."""
    usable = [index for index, each in enumerate(sources) if len(each.samples) >= 4 * round(_OVERLAP_S * rate)]
    chosen = usable or [max(range(len(sources)), key=lambda index: len(sources[index].samples))]
    first = max(chosen, key=lambda index: len(sources[index].samples))
    source = sources[first].samples
    if len(source) >= n_samples:
        start = int(rng.integers(len(source) - n_samples + 1))
        part = source[start : start + n_samples]
        return Arrangement(
            samples=part * _edges(len(part), rate, cut=False),
            placements=(Placement(source=first, start_s=start / rate),),
        )
    overlap = min(round(_OVERLAP_S * rate), len(source) // 3)
    out, placements, last_start = source, [Placement(source=first, start_s=0.0)], 0
    order = _order(len(chosen), n_samples // max(1, overlap) + 2, rng)
    turn = 0
    while len(out) < n_samples:
        index = chosen[order[turn % len(order)]]
        turn += 1
        pool = sources[index].samples
        length = min(round(float(rng.uniform(*_PIECE_S)) * rate), len(pool))
        start = _matching_start(out[-overlap:], pool, length=length, avoid=last_start, rate=rate, rng=rng)
        last_start = start
        placements.append(Placement(source=index, start_s=(len(out) - overlap) / rate))
        out = joined(out, pool[start : start + length], overlap=overlap)
    out = out[:n_samples]
    return Arrangement(samples=out * _edges(len(out), rate, cut=False), placements=tuple(placements))


def _matching_start(
    ending: _Samples, pool: _Samples, *, length: int, avoid: int, rate: int, rng: np.random.Generator
) -> int:
    """Where in `pool` a piece of `length` begins that sounds as `ending` does, aligned to its waveform."""
    overlap = len(ending)
    last = len(pool) - max(length, overlap)
    if last <= 0:
        return 0
    candidates = rng.integers(0, last + 1, size=_CANDIDATES)
    # What was heard just now shall not be heard again.
    apart = [int(each) for each in candidates if abs(int(each) - avoid) > overlap] or [int(candidates[0])]
    wanted = _spectrum(ending)
    best = min(apart, key=lambda start: float(np.abs(_spectrum(pool[start : start + overlap]) - wanted).mean()))
    reach = round(_ALIGNED_S * rate)
    shifts = range(max(0, best - reach), min(last, best + reach) + 1, max(1, reach // 40))
    return max(shifts, key=lambda start: likeness(ending, pool[start : start + overlap]))


def _spectrum(samples: _Samples) -> npt.NDArray[np.float64]:
    """Logarithmic power in thirds of octaves of all channels together, float64[bands]."""
    power = np.square(np.abs(np.fft.rfft(samples.mean(axis=1) * np.hanning(len(samples)))))
    edges = np.unique(np.geomspace(4, len(power), 25).astype(int))
    return np.log(np.add.reduceat(power, edges[:-1]) + 1e-9)

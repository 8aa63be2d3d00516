"""Arrangements of events: exact length, no repetition that is heard, no click, the same for the same seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.recordings.arranging import Layout
from sounddesk.audio.recordings.arranging import SourceEvent
from sounddesk.audio.recordings.arranging import arrange
from sounddesk.audio.recordings.arranging import with_tails
from sounddesk.audio.recordings.crossfade import as_loop
from sounddesk.audio.recordings.crossfade import crossfaded

RATE = 8_000


def event(seconds: float, *, seed: int, channels: int = 1, gap_s: float | None = None) -> SourceEvent:
    n = round(seconds * RATE)
    noise = np.random.default_rng(seed).normal(0, 0.2, (n, channels)) * np.hanning(n)[:, None]
    return SourceEvent(samples=noise.astype(np.float32), gap_s=gap_s)


def noise(seconds: float, *, channels: int = 1) -> SourceEvent:
    made = np.random.default_rng(5).normal(0, 0.1, (round(seconds * RATE), channels))
    return SourceEvent(samples=made.astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(
    seconds=st.floats(0.01, 12.0),
    layout=st.sampled_from(["one-shot", "repeating", "continuous"]),
    channels=st.integers(1, 3),
    lengths=st.lists(st.floats(0.01, 1.5), min_size=1, max_size=4),
    quiet=st.lists(st.floats(0.01, 1.0), max_size=3),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_request_gives_the_exact_length_and_channels(
    seconds: float, layout: Layout, channels: int, lengths: list[float], quiet: list[float], seed: int
) -> None:
    sources = [event(each, seed=number, channels=channels) for number, each in enumerate(lengths)]
    room = [noise(each, channels=channels).samples for each in quiet]
    made = arrange(sources, seconds=seconds, sample_rate_hz=RATE, layout=layout, seed=seed, quiet=room)
    assert made.samples.shape == (max(1, round(seconds * RATE)), channels)
    assert np.isfinite(made.samples).all()
    again = arrange(sources, seconds=seconds, sample_rate_hz=RATE, layout=layout, seed=seed, quiet=room)
    assert np.array_equal(made.samples, again.samples)


def test_the_room_goes_on_between_events_and_makes_way_for_them() -> None:
    sources = [event(0.4, seed=number) for number in range(3)]
    room = np.random.default_rng(9).normal(0, 0.01, (RATE, 1)).astype(np.float32)
    asked = {"seconds": 20.0, "sample_rate_hz": RATE, "layout": "repeating", "seed": 1}
    dry = arrange(sources, **asked)  # type: ignore[arg-type]
    made = arrange(sources, **asked, quiet=[room, 8 * room])  # type: ignore[arg-type]
    assert made.placements == dry.placements
    between = ~np.convolve(np.abs(dry.samples[:, 0]) > 0, np.ones(RATE // 10), "same").astype(bool)
    assert between.sum() > RATE
    # The softer of the two stretches, everywhere: nothing is silent.
    assert np.std(made.samples[between]) == pytest.approx(0.01, rel=0.15)
    start = round(made.placements[0].start_s * RATE)
    middle = slice(start + RATE // 20, start + RATE // 5)
    assert np.abs(made.samples[middle] - dry.samples[middle]).max() < 1e-6


def test_no_event_follows_itself_and_none_is_heard_twice_alike() -> None:
    sources = [event(0.2, seed=number) for number in range(3)]
    made = arrange(sources, seconds=30.0, sample_rate_hz=RATE, layout="repeating", seed=1)
    order = [each.source for each in made.placements]
    assert len(order) > 10
    assert all(before != after for before, after in pairwise(order))
    assert set(order) == {0, 1, 2}
    assert len({(each.source, each.cents) for each in made.placements}) == len(order)
    assert all(abs(each.cents) <= 35 and abs(each.gain_db) <= 1.5 for each in made.placements)


def test_a_recorded_rhythm_is_kept_nearly() -> None:
    sources = [event(0.1, seed=number, gap_s=0.5) for number in range(4)]
    made = arrange(sources, seconds=10.0, sample_rate_hz=RATE, layout="repeating", seed=1)
    gaps = np.diff([each.start_s for each in made.placements])
    assert gaps.min() >= 0.45
    assert gaps.max() <= 0.55


def test_a_one_shot_sounds_once() -> None:
    made = arrange([event(0.3, seed=0)], seconds=5.0, sample_rate_hz=RATE, layout="one-shot", seed=3)
    assert len(made.placements) == 1
    assert not made.samples[round(0.31 * RATE) :].any()


def test_a_texture_goes_on_evenly_and_does_not_just_repeat() -> None:
    source = noise(4.0)
    made = arrange([source], seconds=20.0, sample_rate_hz=RATE, layout="continuous", seed=2).samples[:, 0]
    block = RATE // 4
    level = np.sqrt(np.mean(np.square(made[: len(made) // block * block].reshape(-1, block)), axis=1))
    assert 20 * np.log10(level.max() / level.min()) < 3.0
    # As a loop of its source it would be equal to itself one length later.
    later = made[4 * RATE : 8 * RATE]
    assert np.abs(np.dot(made[: 4 * RATE], later)) < 0.5 * np.dot(later, later)


def test_joins_of_a_tone_neither_click_nor_beat() -> None:
    t = np.arange(3 * RATE) / RATE
    tone = SourceEvent(samples=(0.3 * np.sin(2 * np.pi * 220 * t))[:, None].astype(np.float32))
    made = arrange([tone], seconds=12.0, sample_rate_hz=RATE, layout="continuous", seed=4).samples[:, 0]
    steepest = np.abs(np.diff(made)).max()
    assert steepest < 1.3 * 0.3 * 2 * np.pi * 220 / RATE
    block = RATE // 20
    peaks = np.abs(made[block:-block][: (len(made) - 2 * block) // block * block].reshape(-1, block)).max(axis=1)
    assert 20 * np.log10(peaks.max() / peaks.min()) < 1.0


def test_a_crossfade_keeps_the_power_of_strangers_and_of_equals() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.normal(0, 0.2, 8_000).astype(np.float32) for _ in range(2))
    mixed = crossfaded(first, second)
    assert np.std(mixed[3_000:5_000]) == pytest.approx(0.2, rel=0.06)
    assert crossfaded(first, first) == pytest.approx(first, abs=1e-5)


def test_three_rounds_of_a_loop_have_no_step_at_the_seam() -> None:
    made: npt.NDArray[np.float32] = as_loop(noise(3.0).samples[:, 0], overlap=RATE // 2)
    rounds = np.concatenate([made, made, made])
    block = RATE // 8
    seam = len(made)
    around = [
        float(np.std(rounds[seam + shift : seam + shift + block])) for shift in range(-3 * block, 3 * block, block)
    ]
    assert 20 * np.log10(max(around) / min(around)) < 1.0
    assert abs(rounds[seam] - rounds[seam - 1]) < np.abs(np.diff(made)).max()


def test_what_cannot_be_arranged_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to arrange"):
        arrange([], seconds=1.0, sample_rate_hz=RATE, layout="repeating", seed=0)
    with pytest.raises(ValueError, match="numbers of channels"):
        arrange(
            [event(0.1, seed=0), event(0.1, seed=1, channels=2)],
            seconds=1.0,
            sample_rate_hz=RATE,
            layout="repeating",
            seed=0,
        )


def test_an_event_rings_out_until_the_next_begins() -> None:
    spans = with_tails([(0.1, 0.3), (0.5, 0.6), (2.0, 2.4)], seconds=2.6)
    assert spans == [(0.1, 0.5), (0.5, 1.1), (2.0, 2.6)]

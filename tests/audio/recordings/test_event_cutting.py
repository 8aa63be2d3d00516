"""Events of recordings: cut where they are, textures recognised, whatever the block size."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from sounddesk.audio.recordings import event_cutting
from sounddesk.audio.recordings.event_cutting import cut_events
from sounddesk.audio.recordings.event_cutting import sound_curves

RATE = 16_000


def burst(seconds: float, *, level: float = 0.5, seed: int = 0) -> npt.NDArray[np.float32]:
    """Noise that dies away."""
    n = round(seconds * RATE)
    noise = np.random.default_rng(seed).normal(0, level / 3, n)
    return (noise * np.exp(-5.0 * np.arange(n) / n)).astype(np.float32)


def laid_out(starts_s: list[float], *, seconds: float, background: float = 1e-4) -> npt.NDArray[np.float32]:
    out = np.random.default_rng(1).normal(0, background, round(seconds * RATE)).astype(np.float32)
    for number, start_s in enumerate(starts_s):
        event = burst(0.3, seed=number)
        out[round(start_s * RATE) :][: len(event)] += event
    return out


def test_events_are_found_where_they_are() -> None:
    starts_s = [0.5, 1.4, 3.0, 4.2]
    cut = cut_events(sound_curves([laid_out(starts_s, seconds=6.0)], sample_rate_hz=RATE))
    assert cut.behaviour == "repeating"
    assert [round(each.start_s, 1) for each in cut.events] == [0.5, 1.4, 3.0, 4.2]
    assert all(0.15 < each.seconds < 0.5 for each in cut.events)
    assert all(before.end_s <= after.start_s for before, after in pairwise(cut.events))


def test_attacks_in_the_tail_of_the_one_before_are_events_of_their_own() -> None:
    cut = cut_events(sound_curves([laid_out([0.2, 0.45, 0.7], seconds=1.2)], sample_rate_hz=RATE))
    assert [round(each.start_s, 1) for each in cut.events] == [0.2, 0.4, 0.7]


def test_a_single_sound_that_fills_its_file_is_one_event() -> None:
    cut = cut_events(sound_curves([burst(0.8)], sample_rate_hz=RATE))
    assert cut.behaviour == "one-shot"
    assert len(cut.events) == 1
    assert cut.events[0].start_s == 0.0


@pytest.mark.parametrize("seconds", [2.0, 30.0])
def test_steady_noise_is_a_texture(seconds: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    cut = cut_events(sound_curves([noise], sample_rate_hz=RATE))
    assert cut.behaviour == "continuous"
    assert all(each.texture for each in cut.events)
    assert cut.events[0].start_s == 0.0
    assert cut.events[-1].end_s == pytest.approx(seconds)


def test_waves_that_swell_slowly_are_a_texture_and_steps_in_noise_are_not() -> None:
    t = np.arange(20 * RATE) / RATE
    noise = np.random.default_rng(0).normal(0, 0.05, len(t))
    swell = (noise * (1.2 + np.sin(2 * np.pi * t / 9))).astype(np.float32)
    assert cut_events(sound_curves([swell], sample_rate_hz=RATE)).behaviour == "continuous"
    steps = laid_out([0.5 + 0.6 * each for each in range(30)], seconds=20.0, background=1e-3)
    assert cut_events(sound_curves([steps], sample_rate_hz=RATE)).behaviour == "repeating"


def test_silence_has_no_events() -> None:
    cut = cut_events(sound_curves([np.zeros(RATE, np.float32)], sample_rate_hz=RATE))
    assert (cut.behaviour, cut.events) == ("silent", ())


@pytest.mark.parametrize("block", [999, 4_000, 50_000])
def test_blocks_do_not_change_what_is_found(block: int) -> None:
    sound = laid_out([0.5, 1.4, 3.0], seconds=4.0)
    whole = cut_events(sound_curves([sound], sample_rate_hz=RATE))
    parts = [sound[start : start + block] for start in range(0, len(sound), block)]
    cut = cut_events(sound_curves(parts, sample_rate_hz=RATE))
    assert [each.start_s for each in cut.events] == pytest.approx([each.start_s for each in whole.events], abs=0.011)


def test_of_too_many_events_the_loudest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_cutting, "MOST_EVENTS", 2)
    sound = laid_out([0.5, 1.4, 3.0], seconds=4.0)
    sound[round(1.4 * RATE) : round(1.8 * RATE)] *= 0.2
    cut = cut_events(sound_curves([sound], sample_rate_hz=RATE))
    assert cut.dropped == 1
    assert [round(each.start_s, 1) for each in cut.events] == [0.5, 3.0]

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.audio.loudest_event import loudest_event_s

RATE = 16_000


def knocks(*at_s: float) -> np.ndarray:
    """Two seconds with knocks of 10 ms; the second one is the loudest."""
    sound = np.zeros(2 * RATE, np.float32)
    for number, begin_s in enumerate(at_s):
        first = round(begin_s * RATE)
        sound[first : first + RATE // 100] = 0.9 if number == 1 else 0.5
    return sound


@pytest.mark.parametrize(
    ("at_s", "event_s"),
    [
        # Each by itself.
        ((0.2, 1.0, 1.6), (1.0, 1.0, 1.01)),
        # 150 ms of quiet behind it are still within the event, 150 ms before it are not.
        ((0.84, 1.0, 1.16), (1.0, 1.0, 1.17)),
        # 30 ms of quiet before it are.
        ((0.96, 1.0, 1.6), (0.96, 1.0, 1.01)),
    ],
)
def test_the_event_goes_on_over_a_short_quiet(at_s: tuple[float, ...], event_s: tuple[float, ...]) -> None:
    assert loudest_event_s(knocks(*at_s), sample_rate_hz=RATE) == pytest.approx(event_s, abs=1e-9)


def test_what_is_36_db_below_the_peak_is_quiet() -> None:
    sound = knocks(0.5, 1.0)
    sound[round(0.94 * RATE) : RATE] = 0.9 * 10 ** (-37 / 20)
    assert loudest_event_s(sound, sample_rate_hz=RATE)[0] == 1.0
    sound[round(0.94 * RATE) : RATE] = 0.9 * 10 ** (-35 / 20)
    assert loudest_event_s(sound, sample_rate_hz=RATE)[0] == pytest.approx(0.94)


def test_silence_is_one_event() -> None:
    assert loudest_event_s(np.zeros(RATE, np.float32), sample_rate_hz=RATE) == (0.0, 0.0, 1.0)
    assert loudest_event_s(np.zeros(0, np.float32), sample_rate_hz=RATE) == (0.0, 0.0, 0.0)

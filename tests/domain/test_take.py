from __future__ import annotations

import numpy as np
import pytest

from sounddesk.domain.take import Take


def test_a_take_cannot_be_changed_afterwards() -> None:
    samples = np.zeros(8_000, dtype=np.float32)
    take = Take(object_name="dog", waveform=samples, sample_rate_hz=16_000, recipe={"seed": 1})
    assert take.seconds == 0.5
    samples[0] = 1.0
    assert take.waveform[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        take.waveform[0] = 1.0


@pytest.mark.parametrize(
    ("waveform", "rate", "message"),
    [
        (np.zeros(4), 16_000, r"float64\[4\]"),
        (np.zeros((4, 2), dtype=np.float32), 16_000, r"\[4, 2\]"),
        (np.zeros(0, dtype=np.float32), 16_000, "at least one sample"),
        (np.array([np.inf], dtype=np.float32), 16_000, "not finite"),
        (np.zeros(4, dtype=np.float32), 0, "0 Hz"),
    ],
)
def test_wrong_values_are_named(waveform: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Take(object_name="dog", waveform=waveform, sample_rate_hz=rate, recipe={})

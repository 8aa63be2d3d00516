"""What a take may hold: mono or stereo, finite, and never changed."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.domain.take import Take


def take_of(waveform: np.ndarray) -> Take:
    return Take(
        id="t", object_id="o", number=1, seed=0, waveform=waveform, sample_rate_hz=4, recipe={}, created="2026-11-30"
    )


def test_a_stereo_take_has_sides_and_a_mono_of_both() -> None:
    take = take_of(np.array([[0.5, 0.0], [1.0, 0.5]], np.float32))
    assert (take.channels, take.seconds) == (2, 0.5)
    assert take.mono.tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match="read-only"):
        take.waveform[0, 0] = 1.0


def test_the_mono_of_a_mono_take_is_its_waveform_itself() -> None:
    take = take_of(np.ones(4, np.float32))
    assert take.channels == 1
    assert take.mono is take.waveform


@pytest.mark.parametrize("shape", [(0,), (0, 2), (4, 1), (4, 3), (2, 2, 2), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"give float32\[n\] or float32\[n, 2\]"):
        take_of(np.ones(shape, np.float32))

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sounddesk.audio import mixing
from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.wav_io import encode_wav

GAINS = st.lists(st.floats(-40.0, 12.0), min_size=1, max_size=6)


def stems_of(data: st.DataObject, n_stems: int, limit: float = 1.0) -> list[np.ndarray]:
    shape = data.draw(st.integers(1, 20))
    return [
        data.draw(hnp.arrays(np.float32, shape, elements=st.floats(-limit, limit, width=32))) for _ in range(n_stems)
    ]


def as_written(samples: np.ndarray, *, wav_format: WavFormat) -> np.ndarray:
    """Samples as a reader of the file gets them, float64."""
    data, report = encode_wav(samples, wav_format=wav_format)
    assert report.clipped_samples == 0
    return soundfile.read(io.BytesIO(data))[0]


@given(st.floats(-200.0, 100.0))
def test_decibels_round_trip(gain_db: float) -> None:
    assert mixing.linear_to_db(mixing.db_to_linear(gain_db)) == pytest.approx(gain_db, abs=1e-9)


def test_decibels_at_the_ends() -> None:
    assert mixing.db_to_linear(-math.inf) == 0.0
    assert mixing.linear_to_db(0.0) == -math.inf
    assert mixing.db_to_linear(6.0) == pytest.approx(1.9953, abs=1e-4)
    for wrong in (-1.0, math.nan):
        with pytest.raises(ValueError, match="must not be negative"):
            mixing.linear_to_db(wrong)


@given(st.floats(-1.0, 1.0))
def test_pan_keeps_the_power_and_mirrors(pan: float) -> None:
    left, right = mixing.pan_gains(pan)
    assert left**2 + right**2 == pytest.approx(1.0)
    assert left >= 0.0
    assert right >= 0.0
    assert mixing.pan_gains(-pan) == pytest.approx((right, left))


def test_pan_at_centre_and_ends() -> None:
    assert mixing.pan_gains(0.0) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))
    assert mixing.pan_gains(-1.0) == pytest.approx((1.0, 0.0))
    with pytest.raises(ValueError, match="pan is 1.1"):
        mixing.pan_gains(1.1)


@given(st.data(), GAINS, st.sampled_from(["PCM_16", "PCM_24"]))
def test_written_stems_sum_to_the_written_mix(
    data: st.DataObject, gains_db: list[float], wav_format: WavFormat
) -> None:
    stems = stems_of(data, len(gains_db))
    result = mixing.mix_stems(stems, gains_db=gains_db, wav_format=wav_format)
    if result.clipped_samples:
        result = mixing.mix_stems(stems, gains_db=gains_db, common_gain_db=result.needed_gain_db, wav_format=wav_format)
    total = sum(as_written(stem, wav_format=wav_format) for stem in result.stems)
    # Within one step is asked for; rounding before summing makes it exact.
    assert np.array_equal(as_written(result.mix, wav_format=wav_format), total)


@given(st.data(), GAINS)
def test_stems_are_at_their_gains(data: st.DataObject, gains_db: list[float]) -> None:
    stems = stems_of(data, len(gains_db))
    result = mixing.mix_stems(stems, gains_db=gains_db, common_gain_db=-2.0, wav_format="FLOAT")
    for stem, written, gain_db in zip(stems, result.stems, gains_db, strict=True):
        assert written == pytest.approx(stem * 10 ** ((gain_db - 2.0) / 20), rel=1e-5, abs=1e-30)
    assert result.clipped_samples == 0
    assert result.needed_gain_db == -2.0


@given(st.data(), GAINS, st.sampled_from(["PCM_16", "PCM_24"]))
def test_needed_gain_is_the_highest_that_does_not_clip(
    data: st.DataObject, gains_db: list[float], wav_format: WavFormat
) -> None:
    stems = stems_of(data, len(gains_db))
    result = mixing.mix_stems(stems, gains_db=gains_db, wav_format=wav_format)
    if result.clipped_samples == 0:
        assert result.needed_gain_db == 0.0
        return
    assert result.needed_gain_db < 0.0
    quieter = mixing.mix_stems(stems, gains_db=gains_db, common_gain_db=result.needed_gain_db, wav_format=wav_format)
    assert quieter.clipped_samples == 0
    assert quieter.needed_gain_db == quieter.common_gain_db == result.needed_gain_db
    louder = mixing.mix_stems(
        stems, gains_db=gains_db, common_gain_db=min(0.0, result.needed_gain_db + 0.2), wav_format=wav_format
    )
    assert louder.clipped_samples > 0


def test_a_clipping_stem_counts_even_where_the_mix_does_not_clip() -> None:
    loud = np.array([1.5, 0.0], dtype=np.float32)
    result = mixing.mix_stems([loud, -loud])
    assert not result.mix.any()
    assert result.clipped_samples == 2
    assert result.needed_gain_db == -3.6


def test_rounding_the_stems_is_part_of_the_search() -> None:
    # At -0.1 dB the sum is just under full scale, but each of the four stems rounds up.
    stem = np.array([8191.74 / 32768 / mixing.db_to_linear(-0.1)])
    result = mixing.mix_stems([stem] * 4, wav_format="PCM_16")
    assert result.needed_gain_db == -0.2


def test_muting_is_minus_infinity() -> None:
    result = mixing.mix_stems([np.ones(3) * 0.5, np.ones(3) * 0.25], gains_db=[0.0, -math.inf])
    assert not result.stems[1].any()
    assert np.all(result.mix == 0.5)


@pytest.mark.parametrize(
    ("stems", "gains_db", "message"),
    [
        ([], None, "no stem to sum"),
        ([np.zeros(3), np.zeros(4)], None, r"stem 1 has \[4\] samples and another \[3\]"),
        ([np.zeros(3)], [0.0, 0.0], "2 gains for 1 stems"),
        ([np.zeros(3)], [math.nan], "gain is nan dB"),
        ([np.zeros(3)], [math.inf], "gain is inf dB"),
        ([np.array([np.nan])], None, "not finite"),
    ],
)
def test_wrong_stems_and_gains_are_named(stems: list[np.ndarray], gains_db: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mixing.mix_stems(stems, gains_db=gains_db)

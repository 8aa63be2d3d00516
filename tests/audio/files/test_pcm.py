from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sounddesk.audio.files import pcm

SAMPLES = hnp.arrays(np.float32, st.integers(1, 50), elements=st.floats(-1.5, 1.5, width=32))


@given(SAMPLES, st.sampled_from([16, 24]))
def test_rounding_is_to_the_nearest_step_and_only_once(samples: np.ndarray, bits: int) -> None:
    wav_format: pcm.WavFormat = "PCM_16" if bits == 16 else "PCM_24"
    rounded = pcm.quantize(samples, wav_format=wav_format)
    assert np.abs(rounded.astype(np.float64) - samples).max() <= 2.0**-bits
    assert np.array_equal(pcm.quantize(rounded, wav_format=wav_format), rounded)
    inside = (rounded >= -1.0) & (rounded <= 1.0 - 2.0 ** (1 - bits))
    integers = pcm.to_integers(samples, bits=bits)
    assert np.array_equal(integers[inside] / 2.0**31, rounded[inside])
    assert pcm.count_clipped(samples, wav_format=wav_format) == np.count_nonzero(~inside)
    assert not (integers & (2 ** (32 - bits) - 1)).any()


def test_full_scale_is_cut_not_wrapped() -> None:
    samples = np.array([1.0, 2.0, -1.0, -2.0], dtype=np.float32)
    assert pcm.to_integers(samples, bits=24).tolist() == [0x7FFFFF00, 0x7FFFFF00, -(2**31), -(2**31)]
    assert pcm.count_clipped(samples, wav_format="PCM_24") == 3
    assert pcm.count_clipped(samples, wav_format="FLOAT") == 0


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(0, dtype=np.float32), "give float"),
        (np.zeros((2, 2, 2)), "give float"),
        (np.zeros(4, dtype=np.int16), "give float"),
        (np.array([0.0, np.nan, np.inf]), "has 2 samples that are not finite"),
    ],
)
def test_what_is_no_sound_is_refused(samples: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=f"sound of 'dog' .*{message}"):
        pcm.check_samples(samples, name="dog")
    with pytest.raises(ValueError, match=message):
        pcm.check_samples(samples)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="WAV format is 'MP3': choose one of PCM_16, PCM_24, FLOAT"):
        pcm.bits_of("MP3")  # type: ignore[arg-type]


@given(
    st.integers(0, 40).flatmap(
        lambda n: st.lists(hnp.arrays(np.int32, n, elements=st.integers(-(2**23), 2**23 - 1)), min_size=1, max_size=2)
    ),
    st.sampled_from([16, 24]),
    st.booleans(),
)
def test_packed_steps_are_the_low_bytes_of_each(columns: list[np.ndarray], bits: int, twice: bool) -> None:
    steps = [(column >> (24 - bits)).astype(np.float32) for column in columns]
    if twice:
        steps = [steps[0], steps[0]]
    packed = pcm.pack_steps(steps, wav_format="PCM_16" if bits == 16 else "PCM_24").tobytes()
    whole = np.stack(steps, axis=1).astype("<i4").view(np.uint8).reshape(-1, 4)[:, : bits // 8]
    assert packed == whole.tobytes()

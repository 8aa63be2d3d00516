from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.audio.balance import balance_gains_db
from sounddesk.audio.balance import band_energies
from sounddesk.audio.balance import suggest_gains
from sounddesk.audio.resample import resample

BANDS = 64
RATE_HZ = 16_000


def spectrum(centre: float, *, width: float = 6.0) -> np.ndarray:
    return np.exp(-0.5 * ((np.arange(BANDS) - centre) / width) ** 2) + 1e-3


@given(gains_db=st.lists(st.floats(-20.0, 10.0), min_size=1, max_size=4), seed=st.integers(0, 2**32 - 1))
# Stems that add up already: rounding to hundredths moved them away.
@example(gains_db=[0.0] * 4, seed=1033)
def test_known_gains_are_found_again(gains_db: list[float], seed: int) -> None:
    # Within reach of the floor, which is relative to the highest.
    gains_db = [max(gain, max(gains_db) - 20.0) for gain in gains_db]
    spectra = [spectrum(8 + 16 * i) for i in range(len(gains_db))]
    blend = np.sum([s * 10 ** (g / 10) for s, g in zip(spectra, gains_db, strict=True)], axis=0)
    # What is taken together differs a little from the sum.
    blend *= np.random.default_rng(seed).uniform(0.99, 1.01, BANDS)
    found = balance_gains_db(spectra, blend)
    assert found.gains_db == pytest.approx(gains_db, abs=0.3)
    assert found.residual < 0.02
    assert found.residual <= found.residual_before + 1e-9
    assert set(found.notes) == {""}


def test_overlapping_spectra_are_told_apart() -> None:
    spectra = [spectrum(25), spectrum(32), spectrum(40, width=20)]
    gains_db = [0.0, -12.0, -6.0]
    blend = np.sum([s * 10 ** (g / 10) for s, g in zip(spectra, gains_db, strict=True)], axis=0)
    found = balance_gains_db(spectra, blend)
    assert found.gains_db == pytest.approx(gains_db, abs=0.5)


def test_stems_that_sound_the_same_get_the_same_gain() -> None:
    energies = spectrum(20)
    found = balance_gains_db([energies, energies], energies)
    assert found.gains_db == pytest.approx([-3.01, -3.01], abs=0.01)


def test_an_object_missing_from_the_blend_stays_audible_at_the_floor() -> None:
    found = balance_gains_db([spectrum(10), spectrum(50)], spectrum(10))
    assert found.gains_db == pytest.approx([0.0, -24.0], abs=0.1)
    assert found.notes == ("", "floor")
    nearer = balance_gains_db([spectrum(10), spectrum(50)], spectrum(10), floor_db=-6.0)
    assert nearer.gains_db[1] == pytest.approx(nearer.gains_db[0] - 6.0)


def test_a_gain_never_exceeds_the_cap() -> None:
    found = balance_gains_db([spectrum(10) * 1e-2, spectrum(50)], spectrum(10) + spectrum(50))
    assert found.gains_db == pytest.approx([12.0, 0.0], abs=0.1)
    assert found.notes == ("cap", "")
    assert found.residual > 0.1


def test_a_silent_stem_is_left_as_it_is() -> None:
    silence = np.zeros(BANDS)
    found = balance_gains_db([silence, spectrum(10)], spectrum(10) * 0.5)
    assert found.gains_db == pytest.approx([0.0, -3.01], abs=0.05)
    assert found.notes == ("silent", "")
    only = balance_gains_db([silence], spectrum(10))
    assert only.gains_db == (0.0,)
    assert only.residual == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("stems", "blend", "message"),
    [
        ([], np.ones(4), "no stem to balance"),
        ([np.ones(3)], np.ones(4), r"shape \[3\]: give \[4\]"),
        ([np.ones((5, 4))], np.ones(4), r"shape \[5, 4\]: give \[4\]"),
        ([np.full(4, np.nan)], np.ones(4), "not finite"),
        ([-np.ones(4)], np.ones(4), "negative"),
        ([np.ones(4)], np.zeros(4), "blend is silent"),
    ],
)
def test_wrong_energies_are_named(stems: list[np.ndarray], blend: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        balance_gains_db(stems, blend)


@pytest.mark.parametrize("limits", [{"floor_db": 1.0}, {"cap_db": -1.0}])
def test_limits_must_enclose_zero(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="they must enclose 0 dB"):
        balance_gains_db([np.ones(4)], np.ones(4), **limits)


def test_band_energies_add_up_to_the_power_of_the_sound() -> None:
    rng = np.random.default_rng(3)
    noise = resample(rng.normal(0.0, 0.1, 16_000).astype(np.float32), from_hz=8_000, to_hz=RATE_HZ)
    energies = band_energies(noise, RATE_HZ)
    assert energies.shape == (BANDS,)
    # What lies below the lowest band is no noise of note.
    assert energies.sum() == pytest.approx(float(np.mean(np.square(noise))), rel=0.03)


def test_neither_length_nor_sample_rate_matters() -> None:
    rng = np.random.default_rng(4)
    stem, blend = (
        resample(rng.normal(0.0, sigma, 8_000 * seconds).astype(np.float32), from_hz=8_000, to_hz=RATE_HZ)
        for sigma, seconds in ((0.1, 4), (0.05, 1))
    )
    wide = resample(blend, from_hz=RATE_HZ, to_hz=48_000)
    for other, rate_hz in ((blend, RATE_HZ), (wide, 48_000)):
        assert suggest_gains([(stem, RATE_HZ)], (other, rate_hz)).gains_db == pytest.approx([-6.02], abs=0.4)


def test_a_gain_is_a_number_that_can_be_shown_whole() -> None:
    found = balance_gains_db([spectrum(10), spectrum(50)], spectrum(10) * 0.3 + spectrum(50) * 0.7)
    assert found.gains_db == tuple(float(f"{gain_db:.2f}") for gain_db in found.gains_db)


def test_only_mono_sounds_are_balanced() -> None:
    with pytest.raises(ValueError, match="2 channels: balance mono"):
        band_energies(np.zeros((10, 2), dtype=np.float32), RATE_HZ)

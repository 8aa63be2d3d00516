from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.audio.balance import balance_gains_db

FLOOR = 1e-5
BANDS = 64


def log_mel(energies: np.ndarray, *, frames: int = 100, seed: int = 0) -> np.ndarray:
    """A log-mel whose energy per band, averaged over time, is `energies`, with events at random times."""
    rng = np.random.default_rng(seed)
    envelope = rng.gamma(0.5, size=(frames, 1)) + 0.01
    energy = energies * envelope / envelope.mean()
    return np.log(np.maximum(np.sqrt(energy), FLOOR)).astype(np.float32)


def spectrum(centre: float, *, width: float = 6.0) -> np.ndarray:
    return np.exp(-0.5 * ((np.arange(BANDS) - centre) / width) ** 2) + 1e-3


@given(st.lists(st.floats(-20.0, 10.0), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_known_gains_are_found_again(gains_db: list[float], seed: int) -> None:
    # Within reach of the floor, which is relative to the highest.
    gains_db = [max(gain, max(gains_db) - 20.0) for gain in gains_db]
    spectra = [spectrum(8 + 16 * i) for i in range(len(gains_db))]
    blend = np.sum([s * 10 ** (g / 10) for s, g in zip(spectra, gains_db, strict=True)], axis=0)
    found = balance_gains_db([log_mel(s, seed=seed + i) for i, s in enumerate(spectra)], log_mel(blend, seed=seed + 9))
    assert found.gains_db == pytest.approx(gains_db, abs=0.3)
    assert found.residual < 0.02
    assert found.residual <= found.residual_before + 1e-9
    assert set(found.notes) == {""}


def test_overlapping_spectra_are_told_apart() -> None:
    spectra = [spectrum(25), spectrum(32), spectrum(40, width=20)]
    gains_db = [0.0, -12.0, -6.0]
    blend = np.sum([s * 10 ** (g / 10) for s, g in zip(spectra, gains_db, strict=True)], axis=0)
    found = balance_gains_db([log_mel(s) for s in spectra], log_mel(blend))
    assert found.gains_db == pytest.approx(gains_db, abs=0.5)


def test_stems_that_sound_the_same_get_the_same_gain() -> None:
    mel = log_mel(spectrum(20))
    found = balance_gains_db([mel, mel], mel)
    assert found.gains_db == pytest.approx([-3.01, -3.01], abs=0.01)


def test_length_does_not_matter() -> None:
    found = balance_gains_db([log_mel(spectrum(20), frames=500)], log_mel(spectrum(20) * 0.25, frames=90, seed=3))
    assert found.gains_db == pytest.approx([-6.02], abs=0.05)


def test_an_object_missing_from_the_blend_stays_audible_at_the_floor() -> None:
    found = balance_gains_db([log_mel(spectrum(10)), log_mel(spectrum(50))], log_mel(spectrum(10)))
    assert found.gains_db == pytest.approx([0.0, -24.0], abs=0.1)
    assert found.notes == ("", "floor")
    nearer = balance_gains_db([log_mel(spectrum(10)), log_mel(spectrum(50))], log_mel(spectrum(10)), floor_db=-6.0)
    assert nearer.gains_db[1] == pytest.approx(nearer.gains_db[0] - 6.0)


def test_a_gain_never_exceeds_the_cap() -> None:
    found = balance_gains_db(
        [log_mel(spectrum(10) * 1e-2), log_mel(spectrum(50))], log_mel(spectrum(10) + spectrum(50))
    )
    assert found.gains_db == pytest.approx([12.0, 0.0], abs=0.1)
    assert found.notes == ("cap", "")
    assert found.residual > 0.1


def test_a_silent_stem_is_left_as_it_is() -> None:
    silence = np.full((50, BANDS), math.log(FLOOR), dtype=np.float32)
    found = balance_gains_db([silence, log_mel(spectrum(10))], log_mel(spectrum(10) * 0.5))
    assert found.gains_db == pytest.approx([0.0, -3.01], abs=0.05)
    assert found.notes == ("silent", "")
    only = balance_gains_db([silence], log_mel(spectrum(10)))
    assert only.gains_db == (0.0,)
    assert only.residual == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("stems", "blend", "message"),
    [
        ([], np.zeros((5, 4)), "no stem to balance"),
        ([np.zeros((5, 3))], np.zeros((5, 4)), r"shape \[5, 3\]: give \[frames, 4\]"),
        ([np.zeros((5, 4))], np.zeros(4), r"shape \[4\]: give \[frames, n_mels\]"),
        ([np.full((5, 4), np.nan)], np.zeros((5, 4)), "not finite"),
        ([np.zeros((5, 4))], np.full((5, 4), math.log(FLOOR)), "blend is silent"),
    ],
)
def test_wrong_mels_are_named(stems: list[np.ndarray], blend: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        balance_gains_db(stems, blend)


@pytest.mark.parametrize("limits", [{"floor_db": 1.0}, {"cap_db": -1.0}])
def test_limits_must_enclose_zero(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="they must enclose 0 dB"):
        balance_gains_db([np.zeros((5, 4))], np.zeros((5, 4)), **limits)

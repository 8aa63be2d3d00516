"""The separator learns kinds that lie in different bands, and is what it was after it was written."""

from __future__ import annotations

import numpy as np
import pytest

from sounddesk.domain.errors import EngineError
from sounddesk.evaluation.metrics.si_sdr import si_sdr_db
from sounddesk.evaluation.separation.mask_separator import MaskSeparator
from sounddesk.evaluation.separation.mask_separator import SeparatorShape
from sounddesk.evaluation.separation.separator_learning import draw_mixture
from sounddesk.evaluation.separation.separator_learning import improvements_db
from sounddesk.evaluation.separation.separator_learning import learn

SHAPE = SeparatorShape(condition_width=4, widths=(8, 8), maps=4)


def band_noise(low: float, high: float, seed: int, *, n: int = 20_000) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    frequency = np.fft.rfftfreq(n, 1 / 16_000)
    spectrum[(frequency < low) | (frequency > high)] = 0
    sound = np.fft.irfft(spectrum, n)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def kinds(*seeds: int) -> dict[str, list[np.ndarray]]:
    return {"low": [band_noise(200, 1500, s) for s in seeds], "high": [band_noise(3000, 7000, s) for s in seeds]}


CONDITIONS = {"low": np.array([1, 0, 0, 1], np.float32), "high": np.array([0, 1, 1, 0], np.float32)}


def test_si_sdr_by_hand() -> None:
    rng = np.random.default_rng(0)
    wanted, other = rng.standard_normal((2, 100_000))
    assert si_sdr_db(5 * (wanted + 0.1 * other) + 3, wanted) == pytest.approx(20.0, abs=0.1)
    assert si_sdr_db(wanted + other, wanted) == pytest.approx(0.0, abs=0.1)
    assert si_sdr_db(wanted, wanted) > 100
    assert np.isnan(si_sdr_db(wanted, np.zeros_like(wanted)))
    with pytest.raises(ValueError, match="one length"):
        si_sdr_db(wanted, wanted[:-1])


def test_mixtures_are_of_two_kinds_within_five_decibels() -> None:
    rng = np.random.default_rng(0)
    sounds = kinds(1, 2)
    asked = set()
    for _ in range(30):
        kind, wanted, other = draw_mixture(sounds, rng)
        asked.add(kind)
        assert len(wanted) == len(other) == 40_960
        level_db = 20 * np.log10(np.std(other) / np.std(wanted))
        assert abs(level_db) < 5.5
    assert asked == {"low", "high"}


@pytest.mark.slow
def test_what_is_asked_for_is_taken_out_of_mixtures_that_it_has_not_heard(tmp_path) -> None:
    network = learn(kinds(1, 2, 3), CONDITIONS, steps=60, shape=SHAPE)
    told = improvements_db(network, kinds(11, 12), CONDITIONS, mixtures=6)
    values = [value for _, value in told]
    assert {kind for kind, _ in told} == {"low", "high"}
    assert min(values) > 4.0, values
    network.save(tmp_path, facts={"note": "kept"})
    again = MaskSeparator.load(tmp_path)
    mixture = kinds(20)["low"][0] + kinds(20)["high"][0]
    first, second = (each.separate(mixture, CONDITIONS["low"]) for each in (network, again))
    assert len(first) == len(mixture)
    assert np.allclose(first, second, atol=1e-3)
    (tmp_path / "separator.safetensors").write_bytes(b"x")
    with pytest.raises(EngineError, match="sha256 of"):
        MaskSeparator.load(tmp_path)


def test_any_length_is_separated() -> None:
    network = MaskSeparator(SHAPE).eval()
    for n in (600, 20_001):
        assert network.separate(np.ones(n, np.float32), CONDITIONS["low"]).shape == (n,)

"""The separator's network: bands and bins, any length, and that it is what it was after it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.mask_separator import MaskSeparator
from sounddesk.engine.perception.mask_separator import SeparatorShape
from sounddesk.engine.perception.mask_separator import band_weights
from sounddesk.engine.perception.mask_separator import spectrum
from sounddesk.engine.perception.mask_separator import waveform_of

SHAPE = SeparatorShape(condition_width=4, widths=(8, 8), hidden=8, templates=1, maps=4, bands=16)
ASKED = np.array([1, 0, 0, 1], np.float32)


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(n).astype(np.float32)


def test_bands_cover_every_bin_once() -> None:
    weights = band_weights(64)
    assert weights.shape == (513, 64)
    assert np.allclose(weights.sum(axis=1), 1.0) and (weights >= 0).all()
    assert weights[0, 0] == 1.0 and weights[-1, -1] == pytest.approx(1.0)


def test_the_power_of_bands_is_that_of_their_bins() -> None:
    network = MaskSeparator(SHAPE)
    flat = torch.full((1, 513, 3), 2.0 + 0.0j, dtype=torch.complex64)
    assert torch.allclose(network.band_power(flat), torch.tensor(4.0), atol=1e-4)


def test_a_mask_of_ones_changes_nothing() -> None:
    sound = noise(9000)
    spectra = spectrum(torch.from_numpy(sound)[None])
    whole = MaskSeparator(SHAPE).of_bins(torch.ones(1, 16, spectra.shape[2]))
    assert np.allclose(waveform_of((whole * spectra)[0], n_samples=9000), sound, atol=1e-5)


@pytest.mark.parametrize("n", [600, 20_001])
def test_any_length_is_separated(n: int) -> None:
    separated = MaskSeparator(SHAPE).eval().separate(noise(n), ASKED)
    assert separated.shape == (n,) and np.isfinite(separated).all()


def test_silence_stays_silence() -> None:
    assert not MaskSeparator(SHAPE).eval().separate(np.zeros(4000, np.float32), ASKED).any()


def test_a_saved_separator_is_the_same_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MaskSeparator(SHAPE).eval()
    network.save(tmp_path)
    again = MaskSeparator.load(tmp_path)
    first, second = (each.separate(noise(5000), ASKED) for each in (network, again))
    assert np.allclose(first, second, atol=5e-3)
    (tmp_path / "separator.safetensors").write_bytes(b"x")
    with pytest.raises(EngineError, match="sha256 of"):
        MaskSeparator.load(tmp_path)
    with pytest.raises(BadInputError, match="holds no separator"):
        MaskSeparator.load(tmp_path / "elsewhere")


def test_shapes_that_cannot_be_built_are_named() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        SeparatorShape(condition_width=4, widths=(8, 12))
    with pytest.raises(ValueError, match="bands is 18"):
        SeparatorShape(condition_width=4, widths=(8, 8, 8), bands=18)

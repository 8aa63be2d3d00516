"""The separator's task: what it draws, that it learns kinds which lie in different bands, and that a run exports it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from sounddesk.engine.perception.mask_separator import MaskSeparator
from sounddesk.evaluation.metrics.si_sdr import si_sdr_db
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.recordings import Kind
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.tasks.separator import SeparatorModelRecipe
from sounddesk.training.tasks.separator import SeparatorShapeRecipe
from sounddesk.training.tasks.separator import SeparatorTask

RATE = 16_000
VECTORS = {"low": torch.tensor([[1.0, 0, 0, 1]]), "high": torch.tensor([[0.0, 1, 1, 0]])}
RECIPE = SeparatorModelRecipe(
    shape=SeparatorShapeRecipe(widths=(8, 8, 8), hidden=8, templates=1, maps=4, bands=16), seconds=0.5, tone_db=1.0
)


def band_noise(low: float, high: float, seed: int, *, n: int = 12_000) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    spectrum[(frequency < low) | (frequency > high)] = 0
    sound = np.fft.irfft(spectrum, n)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def task(*seeds: int) -> SeparatorTask:
    torch.manual_seed(0)
    sounds = {"low": [band_noise(200, 1500, s) for s in seeds], "high": [band_noise(3000, 7000, s) for s in seeds]}
    kinds = {name: Kind(name=name, caption=name, alt_captions=(), repeat="continuous") for name in sounds}
    return SeparatorTask(RECIPE, kinds=kinds, sounds=sounds, vectors=VECTORS)


def test_a_mixture_is_of_two_kinds_at_levels_that_the_recipe_allows() -> None:
    batch = task(1, 2).draw(np.random.default_rng(0), 6, step=0)
    assert batch["sounds"].shape == (6, 2, 8000)
    levels_db = 20 * torch.log10(batch["sounds"].square().mean(dim=2).sqrt())
    apart = (levels_db[:, 0] - levels_db[:, 1]).abs()
    # Stretches of an even noise are hardly louder or softer than all of it.
    assert 0 < apart.max() <= RECIPE.levels_db + 0.5
    likeness = torch.einsum("bpw,kw->bpk", batch["conditions"], torch.cat(list(VECTORS.values())))
    assert (likeness.argmax(dim=2).sum(dim=1) == 1).all(), "one of each kind"


def test_the_level_is_that_of_the_recording_and_not_of_the_stretch() -> None:
    learning = task(1)
    fading = band_noise(200, 1500, 3, n=32_000) * np.linspace(1.0, 0.01, 32_000, dtype=np.float32)
    learning.sounds["low"][:] = [fading]
    sounds = [learning._sound("low", np.random.default_rng(seed)) for seed in range(30)]
    levels_db = [20 * np.log10(np.sqrt(np.mean(each**2)) / 0.1) for each in sounds]
    assert min(levels_db) < -8
    assert 0 < max(levels_db) < 6


def test_si_sdr_does_not_depend_on_the_level_of_what_is_separated() -> None:
    """Masks of one half everywhere are the mixture: two sounds of one level that share no band are at 0 dB."""
    learning = task(1)
    with torch.no_grad():
        for each in learning.module.parameters():
            each.zero_()
    sounds = torch.from_numpy(np.stack([learning.sounds["low"][0][:8000], learning.sounds["high"][0][:8000]]))[None]
    for gain in (1.0, 0.01):
        _, found = learning.loss_of({"sounds": gain * sounds, "conditions": torch.zeros(1, 2, 4)})
        assert found["si_sdr_db"] == pytest.approx(0.0, abs=0.2)


def test_training_goes_on_from_a_separator_of_the_same_shape_alone() -> None:
    first = task(1)
    again = SeparatorTask(RECIPE, kinds=first.kinds, sounds=first.sounds, vectors=VECTORS, start=first.separator)
    assert again.module is first.separator
    other = dataclasses.replace(RECIPE, shape=dataclasses.replace(RECIPE.shape, bands=32))
    with pytest.raises(TrainingRecipeError, match="another shape"):
        SeparatorTask(other, kinds=first.kinds, sounds=first.sounds, vectors=VECTORS, start=first.separator)


def test_a_mixture_needs_two_kinds() -> None:
    whole = task(1)
    with pytest.raises(DataError, match="of 1 kinds"):
        SeparatorTask(RECIPE, kinds=whole.kinds, sounds={"low": whole.sounds["low"]}, vectors=VECTORS)


@pytest.mark.slow
def test_what_is_asked_for_is_taken_out_of_mixtures_that_it_has_not_heard(tmp_path) -> None:
    learning = task(1, 2, 3)
    optimiser = torch.optim.AdamW(learning.module.parameters(), lr=1e-2)
    for step in range(40):
        loss, _ = learning.loss(np.random.default_rng(step), 4)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    learning.export(tmp_path)
    separator = MaskSeparator.load(tmp_path / "separator")
    low, high = band_noise(200, 1500, 20), band_noise(3000, 7000, 20)
    for name, wanted in (("low", low), ("high", high)):
        separated = separator.separate(low + high, VECTORS[name][0].numpy())
        assert si_sdr_db(separated, wanted) > 6.0, name

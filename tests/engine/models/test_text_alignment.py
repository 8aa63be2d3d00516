"""The closed-form map between two encoders' spaces: what it must find again, and that it is honest about it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from sounddesk.engine.models.text_alignment import fit_alignment
from sounddesk.engine.models.text_alignment import retrieve
from sounddesk.engine.models.text_alignment import ridge


def vectors(count: int, width: int, *, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_a_rotation_is_found_again_and_things_held_out_are_right() -> None:
    source = vectors(300, 12)
    rotation = torch.linalg.qr(vectors(12, 12, seed=1)).Q
    alignment, report = fit_alignment(source, source @ rotation, range(300), features=16)
    torch.testing.assert_close(alignment.map_texts(source), source @ rotation, atol=0.05, rtol=0)
    assert report.held_out.first > 0.95 > report.nearest_word.first
    assert report.held_out.trials == 60
    assert report.held_out.chance == pytest.approx(1 / 300)


def test_targets_that_have_nothing_to_do_with_the_sources_are_not_found() -> None:
    _, report = fit_alignment(vectors(200, 12), vectors(200, 12, seed=1), range(200))
    assert report.held_out.first < 0.05


def test_texts_of_one_thing_are_held_out_together() -> None:
    """A thing's other texts would give it away: with random targets that a thing's texts share, nothing is found."""
    things = [index // 4 for index in range(400)]
    source = normalize(vectors(100, 12).repeat_interleave(4, 0) + 0.05 * vectors(400, 12, seed=2), dim=-1)
    target = vectors(100, 12, seed=1).repeat_interleave(4, 0)
    _, report = fit_alignment(source, target, things)
    assert report.things == 100
    assert report.held_out.first < 0.15


def test_random_features_are_used_only_where_they_help() -> None:
    source = vectors(600, 4)
    bent = normalize((3.0 * source).abs() - 1.0, dim=-1)
    alignment, report = fit_alignment(source, bent, range(600), features=64)
    assert report.features == 64
    # Without the mean that the features have it is 0.82.
    assert (alignment.map_texts(source) * bent).sum(dim=-1).mean() > 0.95
    assert fit_alignment(source, source.flip(-1), range(600), features=64)[1].features == 0


def test_ridge_without_a_penalty_is_least_squares() -> None:
    x, y = vectors(50, 5), vectors(50, 3, seed=1)
    torch.testing.assert_close(ridge(x, y, strength=0.0), torch.linalg.lstsq(x, y).solution, atol=1e-4, rtol=1e-4)


def test_ranks_are_counted_by_hand() -> None:
    candidates = torch.eye(3)
    predicted = torch.tensor([[1.0, 0.1, 0.0], [0.4, 0.5, 0.0]])
    found = retrieve(predicted, candidates, [0, 0], centre=torch.zeros(3))
    assert (found.first, found.first_five, found.among, found.trials) == (0.5, 1.0, 3, 2)


def test_too_few_things_are_refused() -> None:
    with pytest.raises(ValueError, match="9 things are too few"):
        fit_alignment(vectors(9, 4), vectors(9, 4), range(9))

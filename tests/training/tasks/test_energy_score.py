from __future__ import annotations

import pytest
import torch

from sounddesk.training.tasks.energy_score import energy_score
from sounddesk.training.tasks.energy_score import loudness_score

SHAPE = (24, 32, 16)


def drawn(deviation: float, *, seed: int, smooth: bool = False) -> torch.Tensor:
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))
    if smooth:
        x = torch.nn.functional.avg_pool2d(x[:, None], (3, 1), 1, (1, 0))[:, 0] * 3**0.5
    return deviation * x


@pytest.mark.parametrize("upper", [False, True])
def test_the_true_spread_scores_best(upper: bool) -> None:
    true = drawn(1.0, seed=0)
    scores = {
        deviation: float(energy_score(true, drawn(deviation, seed=1), drawn(deviation, seed=2), upper=upper))
        for deviation in (0.0, 0.6, 1.0, 1.6)
    }
    assert min(scores, key=lambda deviation: scores[deviation]) == 1.0


def test_how_neighbours_hang_together_counts() -> None:
    true = drawn(1.0, seed=0, smooth=True)
    alike = energy_score(true, drawn(1.0, seed=1, smooth=True), drawn(1.0, seed=2, smooth=True))
    unlike = energy_score(true, drawn(1.0, seed=1), drawn(1.0, seed=2))
    assert alike < 0.98 * unlike


def test_what_is_soft_hardly_counts_for_loudness() -> None:
    true = torch.full(SHAPE, -2.0)
    true[:, :4] = 4.0
    soft, loud = true.clone(), true.clone()
    soft[:, 4:] -= 1.0
    loud[:, :4] -= 1.0
    assert loudness_score(true, soft, soft) < 0.5 * loudness_score(true, loud, loud)

"""FAD, KL and IS where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sounddesk.evaluation.metrics.classifier_divergence import inception_score
from sounddesk.evaluation.metrics.classifier_divergence import paired_kl
from sounddesk.evaluation.metrics.frechet import frechet_distance


def whitened(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    """Samples whose mean is exactly 0 and covariance exactly 1."""
    x = rng.standard_normal((rows, width))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T


def test_frechet_distance_of_a_set_to_itself_is_zero() -> None:
    x = np.random.default_rng(0).standard_normal((50, 4))
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-6)


def test_frechet_distance_of_shifted_and_scaled_gaussians() -> None:
    x = whitened(np.random.default_rng(0), 200, 3)
    shift = np.array([1.0, -2.0, 0.5])
    # Covariances 1 and 9: 3 * (1 + 9 - 2 * 3) = 12.
    assert frechet_distance(x, 3.0 * x + shift) == pytest.approx(shift @ shift + 12.0, rel=1e-6)


def test_frechet_distance_refuses_what_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="equal width"):
        frechet_distance(np.zeros((5, 2)), np.zeros((5, 3)))


def test_kl_of_two_known_distributions() -> None:
    reference, generated = np.log([[0.5, 0.5]]), np.log([[0.9, 0.1]])
    expected = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    assert paired_kl(reference, generated) == pytest.approx(expected, abs=1e-5)
    assert paired_kl(generated, reference) != pytest.approx(expected, abs=1e-2)
    assert paired_kl(reference, reference) == pytest.approx(0.0, abs=1e-5)
    with pytest.raises(ValueError, match="equal shapes"):
        paired_kl(reference, np.zeros((2, 2)))


def test_inception_score_is_the_number_of_classes_for_sure_and_even_predictions() -> None:
    logits = np.kron(np.ones((10, 1)), np.eye(4)) * 100.0
    mean, spread = inception_score(logits, splits=1)
    assert mean == pytest.approx(4.0, rel=1e-6)
    assert spread == 0.0
    assert inception_score(np.zeros((40, 4)))[0] == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(ValueError, match="10 splits"):
        inception_score(np.zeros((3, 4)))

"""KL divergence and inception score of a tagger's logits, in the conventions of audioldm_eval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.special import softmax

Logits = npt.NDArray[np.floating]


def paired_kl(reference: Logits, generated: Logits) -> float:
    """Mean KL(reference || generated) of softmax over classes, pairs by row; logits [n, classes].

    The toolbox adds 1e-6 to the generated probability before the logarithm; so does this.

    Raises:
        ValueError: different shapes.
    """
    return float(np.mean(kl_of(reference, generated)))


def kl_of(reference: Logits, generated: Logits) -> npt.NDArray[np.float64]:
    """The same for each pair, float64[n]. Raises: ValueError, different shapes."""
    _check_pairs(reference, generated)
    return _divergence(softmax(reference, axis=1), softmax(generated, axis=1))


def sigmoid_kl_of(reference: Logits, generated: Logits) -> npt.NDArray[np.float64]:
    """Of each pair the sum of p (log p - log q) over classes taken one by one, float64[n]; absence has no part in it.

    Raises:
        ValueError: different shapes.
    """
    _check_pairs(reference, generated)
    return _divergence(expit(reference), expit(generated))


def _check_pairs(reference: Logits, generated: Logits) -> None:
    if reference.shape != generated.shape or reference.ndim != 2:
        raise ValueError(f"logits {reference.shape} and {generated.shape}: give equal shapes [n, classes]")


def _divergence(p: Logits, q: Logits) -> npt.NDArray[np.float64]:
    p, q = p.astype(np.float64), q.astype(np.float64)
    return np.asarray(np.sum(p * (np.log(np.maximum(p, 1e-300)) - np.log(q + 1e-6)), axis=1))


def inception_score(logits: Logits, *, splits: int = 10, seed: int = 2020) -> tuple[float, float]:
    """exp of the mean KL(p(y|x) || p(y)) per split, rows shuffled by `seed`: mean and standard deviation over splits.

    Raises:
        ValueError: fewer rows than splits.
    """
    if len(logits) < splits:
        raise ValueError(f"{len(logits)} rows for {splits} splits: give at least one row a split")
    order = np.random.RandomState(seed).permutation(len(logits))  # the toolbox's own shuffle
    probabilities = softmax(logits[order], axis=1)
    scores = []
    for part in np.array_split(probabilities, splits):
        marginal = part.mean(axis=0, keepdims=True)
        terms = part * (np.log(np.maximum(part, 1e-300)) - np.log(np.maximum(marginal, 1e-300)))
        scores.append(float(np.exp(terms.sum(axis=1).mean())))
    return float(np.mean(scores)), float(np.std(scores))

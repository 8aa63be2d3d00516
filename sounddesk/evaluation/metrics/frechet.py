"""Frechet distance between two sets of embeddings (FAD, Kilgour et al. 2019, when they are VGGish windows)."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Embeddings = npt.NDArray[np.floating]

AXES: Final = 64
_DRAWS: Final = 200


def frechet_distance(reference: Embeddings, generated: Embeddings) -> float:
    """|mu_r - mu_g|^2 + tr(C_r + C_g - 2 (C_r C_g)^(1/2)) for embeddings [n, d], covariances over all windows.

    Raises:
        ValueError: fewer than two rows, or different widths.
    """
    if reference.ndim != 2 or generated.ndim != 2 or reference.shape[1] != generated.shape[1]:
        raise ValueError(f"embeddings {reference.shape} and {generated.shape}: give two arrays [n, d] of equal width")
    if min(len(reference), len(generated)) < 2:
        raise ValueError(f"{len(reference)} and {len(generated)} rows: a covariance needs at least 2 of each")
    mean_r, mean_g = reference.mean(axis=0), generated.mean(axis=0)
    root_r = _factor(reference - mean_r)
    root_g = _factor(generated - mean_g)
    difference = mean_r - mean_g
    # With C = A'A the roots of the eigenvalues of C_r C_g are the singular values of A_r A_g', and none is negative.
    cross = np.linalg.svd(root_r @ root_g.T, compute_uv=False).sum()
    return float(difference @ difference + np.square(root_r).sum() + np.square(root_g).sum() - 2.0 * cross)


def _factor(centred: Embeddings) -> Embeddings:
    """A of the covariance A'A, with no more rows than there are dimensions."""
    scaled = centred.astype(np.float64) / np.sqrt(len(centred) - 1)
    return np.asarray(np.linalg.qr(scaled, mode="r")) if len(scaled) > scaled.shape[1] else scaled


def on_principal_axes(
    reference: Embeddings, generated: Embeddings, *, axes: int = AXES
) -> tuple[Embeddings, Embeddings]:
    """Both sets on the principal axes of both together, float64[n, a]; few members know no larger covariance.

    a is `axes`, or less where there are fewer dimensions or members.
    """
    both = np.concatenate([reference, generated]).astype(np.float64)
    centred = both - both.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][: min(axes, len(both) - 1)]
    projected = centred @ directions.T
    return projected[: len(reference)], projected[len(reference) :]


def frechet_interval(
    reference: Embeddings,
    generated: Embeddings,
    *,
    reference_groups: Sequence[str],
    generated_groups: Sequence[str],
    level: float = 0.95,
    seed: int = 0,
    on_draw: Callable[[], None] | None = None,
) -> tuple[float, float]:
    """Bootstrap interval of `frechet_distance`, drawn by whole groups.

    A set drawn with repetition has fewer different members, which alone makes distances larger; so the draws are
    shifted to have their mean at the distance of the whole sets.

    Args:
        on_draw: called before each of the draws; may raise to stop.
    """
    rng = np.random.default_rng(seed)
    names = sorted({*reference_groups, *generated_groups})
    real = [np.flatnonzero([group == name for group in reference_groups]) for name in names]
    made = [np.flatnonzero([group == name for group in generated_groups]) for name in names]
    drawn = []
    for chosen in rng.integers(len(names), size=(_DRAWS, len(names))):
        if on_draw is not None:
            on_draw()
        first, second = (np.concatenate([side[i] for i in chosen]) for side in (real, made))
        if min(len(first), len(second)) >= 2:
            drawn.append(frechet_distance(reference[first], generated[second]))
    shift = frechet_distance(reference, generated) - float(np.mean(drawn))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return max(0.0, float(low) + shift), float(high) + shift

"""Frechet distance between two sets of embeddings (FAD, Kilgour et al. 2019, when they are VGGish windows)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import sqrtm

Embeddings = npt.NDArray[np.floating]


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
    cov_r = np.atleast_2d(np.cov(reference, rowvar=False))
    cov_g = np.atleast_2d(np.cov(generated, rowvar=False))
    # The product's square root can have a tiny imaginary part from rounding only.
    root = np.real(sqrtm(cov_r @ cov_g))
    difference = mean_r - mean_g
    return float(difference @ difference + np.trace(cov_r) + np.trace(cov_g) - 2.0 * np.trace(root))

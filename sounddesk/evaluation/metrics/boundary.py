"""How well the edge of a mask follows the true one."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import BoolMask

TOLERANCE: Final = 0.008
"""How far apart two edges may be and still match, in shares of the image's diagonal (Perazzi et al. 2016)."""


def boundary_f_score(answer: BoolMask, truth: BoolMask, *, tolerance_px: float | None = None) -> float:
    """Harmonic mean of the shares of each mask's edge that lies near the other's, 0 to 1.

    The image's border is no edge. 1 where neither mask has an edge, 0 where only one has.

    Args:
        tolerance_px: how near; `TOLERANCE` of the diagonal by default.
    """
    height, width = truth.shape
    near = TOLERANCE * float(np.hypot(height, width)) if tolerance_px is None else tolerance_px
    edges = _edge(answer), _edge(truth)
    if not edges[0].any() or not edges[1].any():
        return float(edges[0].any() == edges[1].any())
    precision = float((_distance_to(edges[1])[edges[0]] <= near).mean())
    recall = float((_distance_to(edges[0])[edges[1]] <= near).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _edge(mask: BoolMask) -> BoolMask:
    """Pixels of the mask beside one that is not in it, above, below, left or right."""
    padded = np.pad(mask, 1, mode="edge")
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge: BoolMask = mask & ~inside
    return edge


def _distance_to(edge: BoolMask) -> npt.NDArray[np.float32]:
    return np.asarray(
        cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), dtype=np.float32
    )

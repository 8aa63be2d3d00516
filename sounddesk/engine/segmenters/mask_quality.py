"""How good a mask looks without knowing the truth: measures of its edge, colours and shape, and a predicted IoU.

The prediction is a linear model of the measures, fitted by least squares on composed scenes with known
masks (`benchmarks/segmenter_scenes.py --fit` repeats it); on scenes of other cut-outs
and backgrounds it chooses nearly as well as the truth would.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from sounddesk.engine.segmenters.grabcut_solver import N_COLOUR_BINS
from sounddesk.engine.segmenters.grabcut_solver import WorkImage
from sounddesk.engine.segmenters.grabcut_solver import bounds_of
from sounddesk.engine.types import BoolMask

# Weight of each measure in the predicted IoU; see `measure` for what they are.
WEIGHTS: Final[dict[str, float]] = {
    "agreement": 0.376,
    "ring_likeness": -1.979,
    "colour_overlap": 0.781,
    "touches_border": -0.172,
    "border_share": -0.157,
    "edge_over_outside": 0.111,
    "log_area": 0.733,
    "area": -0.502,
}
BIAS: Final = 0.011


def overlap(one: BoolMask, other: BoolMask) -> float:
    """Intersection over union, 0 where both are empty."""
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 0.0


def measure(work: WorkImage, mask: BoolMask, *, agreement: float) -> dict[str, float]:
    """What tells an object from a patch of background; `mask` is bool at work size and not empty.

    Args:
        work: the image.
        mask: what to judge.
        agreement: the second highest IoU with the masks that other starting discs led to, 0 to 1.

    Returns:
        By name: `agreement`; how alike the colours of a ring around are to those inside (0 to 1); the overlap
        of both histograms (0 to 1); whether the image's border is touched and by what share of the edge; log of
        the gradient at the edge over that around; log size (1 = the whole image) and size as a share of the image.
    """
    height, width = mask.shape
    area = int(np.count_nonzero(mask))
    left, top, right, bottom = bounds_of(mask)
    margin = int(0.3 * max(right - left, bottom - top)) + 4
    rows = slice(max(0, top - margin), min(height, bottom + margin))
    columns = slice(max(0, left - margin), min(width, right + margin))
    part = mask[rows, columns]
    gradient, colours = work.gradient[rows, columns], work.colour_bin[rows, columns]

    bits = part.astype(np.uint8)
    # The border of the image is no edge of the object.
    edge = part & (cv2.erode(bits, np.ones((3, 3), np.uint8), borderValue=1) == 0)
    if not edge.any():
        edge = part
    reach = max(3, int(0.25 * area**0.5)) | 1
    ring = (cv2.dilate(bits, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) > 0) & ~part
    n_ring = int(np.count_nonzero(ring))

    inside = np.bincount(colours[part], minlength=N_COLOUR_BINS) / area
    around = np.bincount(colours[ring], minlength=N_COLOUR_BINS) / max(1, n_ring)
    likeness = inside / (inside + around + 1e-9)
    at_border = sum(int(np.count_nonzero(line)) for line in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    outside_gradient = float(gradient[ring].mean()) if n_ring else 0.0
    return {
        "agreement": agreement,
        "ring_likeness": float((around * likeness).sum()) if n_ring else 0.5,
        "colour_overlap": float(np.minimum(inside, around).sum()),
        "touches_border": float(at_border > 0),
        "border_share": min(1.0, at_border / int(np.count_nonzero(edge))),
        "edge_over_outside": float(np.log((gradient[edge].mean() + 0.5) / (outside_gradient + 0.5))),
        "log_area": float(np.log(area) / np.log(height * width)),
        "area": area / (height * width),
    }


def predicted_iou(measures: dict[str, float]) -> float:
    """The linear model, kept within 0..1."""
    total = BIAS + sum(weight * measures[name] for name, weight in WEIGHTS.items())
    return min(1.0, max(0.0, total))

"""Cosines of sounds and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import seen_of


def cosines(evidence: Sequence[ClipEvidence]) -> npt.NDArray[np.float64]:
    """Of each sound's 'embedding' and its picture's, float64[n]; 0 for a vector of zeros."""
    heard = np.stack([each.heard["embedding"] for each in evidence]).astype(np.float64)
    seen = np.stack([seen_of(each)["embedding"] for each in evidence]).astype(np.float64)
    lengths = np.linalg.norm(heard, axis=1) * np.linalg.norm(seen, axis=1)
    return np.asarray((heard * seen).sum(axis=1) / np.maximum(lengths, 1e-12))

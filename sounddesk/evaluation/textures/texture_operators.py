"""Weather and materials by colour and noise: what makes paired pictures of one scene."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.types import RgbImage

_Map = npt.NDArray[np.float32]


def clear_sky(image: RgbImage, _rng: np.random.Generator) -> RgbImage:
    """Bright, and a blue sky that fades into the lower half."""
    light = np.clip(image.astype(np.float32) * 1.15 + 12, 0, 255)
    return _towards(light, (120, 185, 245), _from_above(image, 0.85))


def rain(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Dark, grey and blue, with slanted streaks."""
    grey = image.mean(axis=2, keepdims=True)
    dull = (0.35 * image + 0.65 * grey) * np.array([0.5, 0.55, 0.65], dtype=np.float32)
    dull = _towards(dull, (70, 78, 90), _from_above(image, 0.7)).astype(np.float32)
    drops = (rng.random(image.shape[:2]) > 0.992).astype(np.float32)
    length = max(9, image.shape[0] // 20)
    slanted = np.zeros((length, length), dtype=np.float32)
    cv2.line(slanted, (length * 2 // 3, 0), (length // 3, length - 1), 1.0)
    streaks = np.clip(cv2.filter2D(drops, -1, slanted), 0, 1)[..., None]
    return np.clip(dull + 130 * streaks, 0, 255).astype(np.uint8)


def water(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Blue, with long flat ripples."""
    ripples = _noise(image, rng, width=0.18, height=0.008)
    tinted = _towards(image.astype(np.float32), (30, 105, 150), np.full((*image.shape[:2], 1), 0.7, np.float32))
    return np.clip(tinted + 45 * ripples[..., None], 0, 255).astype(np.uint8)


def leaves(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Green, with fine blotches."""
    blotches = _noise(image, rng, width=0.012, height=0.02)
    tinted = _towards(image.astype(np.float32), (50, 110, 35), np.full((*image.shape[:2], 1), 0.7, np.float32))
    return np.clip(tinted + 45 * blotches[..., None], 0, 255).astype(np.uint8)


def flames(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Black to yellow along tall tongues."""
    tongues = np.clip(_noise(image, rng, width=0.03, height=0.15) * 0.5 + 0.5, 0, 1)[..., None]
    colour = np.concatenate([255 * tongues**0.5, 190 * tongues**1.5, 60 * tongues**4], axis=2)
    return np.clip(0.3 * image + 0.75 * colour, 0, 255).astype(np.uint8)


OPERATORS: Final[dict[str, Callable[[RgbImage, np.random.Generator], RgbImage]]] = {
    "wind": clear_sky,
    "rain": rain,
    "river": water,
    "sea waves": water,
    "forest": leaves,
    "fire": flames,
}
"""By the kind of sound that the texture stands for."""


def _towards(image: _Map, colour: tuple[int, int, int], share: _Map) -> RgbImage:
    mixed = image * (1 - share) + np.array(colour, dtype=np.float32) * share
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _from_above(image: RgbImage, most: float) -> _Map:
    """A share that falls from `most` at the top to nothing in the middle, float32[H, W, 1]."""
    height, width = image.shape[:2]
    rows = np.clip(1 - np.linspace(0, 2, height, dtype=np.float32), 0, 1) * most
    return np.repeat(rows[:, None, None], width, axis=1)


def _noise(image: RgbImage, rng: np.random.Generator, *, width: float, height: float) -> _Map:
    """Smooth noise of standard deviation 1 with grains of these shares of the picture, float32[H, W]."""
    rows, columns = image.shape[:2]
    grains = rng.standard_normal((max(2, round(1 / height)), max(2, round(1 / width)))).astype(np.float32)
    smooth = cv2.resize(grains, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth / max(float(smooth.std()), 1e-6), dtype=np.float32)

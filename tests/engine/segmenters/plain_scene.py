"""Two objects on grass, drawn by formula."""

from __future__ import annotations

import cv2
import numpy as np

WIDTH, HEIGHT = 320, 200
BALL, BAR = (100, 100, 40), (210, 60, 280, 150)


def scene(scale: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A two-coloured ball and a blue bar on a grassy gradient; image, mask of the ball, mask of the bar."""
    width, height = WIDTH * scale, HEIGHT * scale
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:height, 0:width] / scale
    grain = cv2.resize(rng.normal(0, 9, (HEIGHT, WIDTH)).astype(np.float32), (width, height))
    image = np.stack([70 + y * 0.2, 140 + x * 0.1, 60 + 0 * x], axis=-1) + grain[..., None]
    ball = np.hypot(x - BALL[0], y - BALL[1]) < BALL[2]
    image[ball] = (210, 60, 50) + grain[ball][:, None]
    image[ball & (x > BALL[0] + 10)] = (230, 200, 60)
    bar = (x >= BAR[0]) & (x < BAR[2]) & (y >= BAR[1]) & (y < BAR[3])
    image[bar] = (40, 60, 190) + grain[bar][:, None]
    return image.clip(0, 255).astype(np.uint8), ball, bar

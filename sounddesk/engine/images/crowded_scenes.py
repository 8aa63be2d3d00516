"""Hard scenes with known masks: objects of all sizes on photographs, hiding each other, among clutter.

What a segmenter is trained and judged on. `scene_composition` makes the easy ones, a cell for each object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from sounddesk.engine.images.scene_composition import ComposedScene
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.images.scene_composition import fit_background
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

FORMATS: Final = ((720, 960), (960, 720), (720, 1280), (1280, 720), (800, 800))
"""Heights and widths of scenes in pixels."""

# Longer side of an object, as a share of the scene's shorter side.
_SIZES: Final = (0.1, 0.85)
# Share of an object's sides that may lie beyond the border.
_BEYOND: Final = 0.15
_BESIDE_ANOTHER: Final = 0.25
_MOST_CLUTTER: Final = 6
_LEAST_VISIBLE: Final = 0.4
_LEAST_AREA: Final = 0.0012
_ONE_PIECE: Final = 0.75


def in_one_piece(cut_out: CutOut) -> bool:
    """Whether a click can mean it: most of its opaque pixels hang together (rain and swarms do not)."""
    opaque = (cut_out[..., 3] > 127).astype(np.uint8)
    if not opaque.any():
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats(opaque, connectivity=8)
    return bool(stats[1:, cv2.CC_STAT_AREA].max() >= _ONE_PIECE * opaque.sum())


def compose_crowded_scene(
    cut_outs: Sequence[CutOut],
    *,
    background: RgbImage,
    photographs: Sequence[RgbImage],
    height: int,
    width: int,
    rng: np.random.Generator,
) -> ComposedScene:
    """Lay cut-outs over each other at random places, 10 to 85 % of the scene's shorter side long.

    Up to six pieces of `photographs` (blobs and bars) lie among them as clutter that belongs to no object. Objects
    reach beyond the border by up to 15 % of their sides; edges are softened; some throw a shadow; the whole gets
    noise, blur or JPEG's traces. Objects of which less than 40 %, or next to nothing, remains visible are in
    the picture but not among the masks, so there may be fewer masks than cut-outs, or none.
    """
    image = fit_background(background, height=height, width=width, rng=rng)
    pieces = int(rng.integers(_MOST_CLUTTER + 1)) if photographs else 0
    # True for an object; clutter may lie above and below each.
    order = rng.permutation([True] * len(cut_outs) + [False] * pieces)
    visible: list[BoolMask] = []
    whole: list[int] = []
    waiting = iter(cut_outs)
    for is_object in order:
        if is_object:
            layer = resized_cut_out(next(waiting), shorter=min(height, width), rng=rng)
        else:
            layer = _clutter(photographs[int(rng.integers(len(photographs)))], shorter=min(height, width), rng=rng)
        beside = visible[-1] if visible and visible[-1].any() and rng.random() < _BESIDE_ANOTHER else None
        covered = lay_on(image, layer, beside=beside, rng=rng)
        for mask in visible:
            mask &= ~covered
        if is_object:
            visible.append(covered)
            whole.append(int((layer[..., 3] > 127).sum()))
    least = _LEAST_AREA * height * width
    masks = tuple(
        mask for mask, area in zip(visible, whole, strict=True) if mask.sum() >= max(least, _LEAST_VISIBLE * area)
    )
    return ComposedScene(image=worn(image, rng), masks=masks)


def resized_cut_out(cut_out: CutOut, *, shorter: int, rng: np.random.Generator) -> CutOut:
    """At a random size between 10 and 85 % of `shorter`, small ones as often as large ones."""
    side = shorter * float(np.exp(rng.uniform(*np.log(_SIZES))))
    scale = side / max(cut_out.shape[:2])
    size = (max(2, round(cut_out.shape[1] * scale)), max(2, round(cut_out.shape[0] * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(cut_out), size, interpolation=interpolation).astype(np.uint8)


def _clutter(photograph: RgbImage, *, shorter: int, rng: np.random.Generator) -> CutOut:
    """A blob, or a bar at any angle, cut from a photograph."""
    side = max(8, int(shorter * np.exp(rng.uniform(np.log(0.08), np.log(0.6)))))
    texture = fit_background(photograph, height=side, width=side, rng=rng)
    alpha = np.zeros((side, side), np.uint8)
    if rng.random() < 0.5:
        thickness = side * rng.uniform(0.04, 0.2)
        rectangle = ((side / 2, side / 2), (side * 0.95, thickness), float(rng.uniform(0, 180)))
        outline = np.asarray(cv2.boxPoints(rectangle), dtype=np.float64)
    else:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 14))))
        radii = side / 2 * rng.uniform(0.4, 1.0, len(angles))
        around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        outline = (side / 2 + around * radii[:, None]).astype(np.float64)
    cv2.fillPoly(alpha, [np.round(outline).astype(np.int32)], 255, lineType=cv2.LINE_AA)
    if rng.random() < 0.5:
        # Rounds the corners.
        alpha = (cv2.GaussianBlur(alpha, (0, 0), side / 24) > 127).astype(np.uint8) * 255
    return np.dstack([texture, alpha]).astype(np.uint8)


def lay_on(image: RgbImage, layer: CutOut, *, beside: BoolMask | None, rng: np.random.Generator) -> BoolMask:
    """Blend `layer` into `image` in place, near `beside` where there is one; the pixels that it covers."""
    height, width = image.shape[:2]
    rows, columns = layer.shape[:2]
    if beside is not None:
        # Centred on some pixel of the other object, shifted by up to its own size.
        known = np.argwhere(beside)
        row, column = known[int(rng.integers(len(known)))] + rng.uniform(-0.6, 0.6, 2) * (rows, columns)
        top, left = int(row - rows / 2), int(column - columns / 2)
    else:
        top = int(rng.uniform(-_BEYOND * rows, height - (1 - _BEYOND) * rows))
        left = int(rng.uniform(-_BEYOND * columns, width - (1 - _BEYOND) * columns))
    top = int(np.clip(top, -_BEYOND * rows, max(0, height - (1 - _BEYOND) * rows)))
    left = int(np.clip(left, -_BEYOND * columns, max(0, width - (1 - _BEYOND) * columns)))
    canvas = np.zeros((height, width, 4), np.uint8)
    into = (slice(max(0, top), min(height, top + rows)), slice(max(0, left), min(width, left + columns)))
    out_of = (
        slice(into[0].start - top, into[0].stop - top),
        slice(into[1].start - left, into[1].stop - left),
    )
    canvas[into] = layer[out_of]
    if rng.random() < 0.35:
        _shade(image, canvas[..., 3], rng)
    alpha = canvas[into][..., 3:].astype(np.float32) / 255.0
    softness = rng.uniform(0, 1.2)
    if softness > 0.3:
        alpha = cv2.GaussianBlur(alpha, (0, 0), softness).astype(np.float32)[..., None]
    colour = canvas[into][..., :3].astype(np.float32)
    if rng.random() < 0.5:
        # Part of the way to the light of the place where it stands.
        colour = colour + rng.uniform(0, 0.4) * (image[into].mean(axis=(0, 1)) - colour.mean(axis=(0, 1)))
    mixed = colour * alpha + image[into] * (1 - alpha)
    image[into] = np.clip(mixed, 0, 255).astype(np.uint8)
    covered: BoolMask = canvas[..., 3] > 127
    return covered


def _shade(image: RgbImage, alpha: npt.NDArray[np.uint8], rng: np.random.Generator) -> None:
    """A soft shadow beside the object, in place."""
    shift = np.array([[1, 0, rng.uniform(-20, 20)], [0, 1, rng.uniform(2, 24)]], dtype=np.float32)
    small = cv2.resize(cv2.warpAffine(alpha, shift, alpha.shape[::-1]), None, fx=0.25, fy=0.25)
    soft = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(1.5, 4)))
    shadow = cv2.resize(soft, alpha.shape[::-1]).astype(np.float32)[..., None] / 255.0
    image[:] = (image * (1 - rng.uniform(0.2, 0.6) * shadow)).astype(np.uint8)


def worn(image: RgbImage, rng: np.random.Generator) -> RgbImage:
    """What cameras and files do to an image: blur, noise, JPEG."""
    style = rng.random()
    if style < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.0))).astype(np.uint8)
    elif style < 0.6:
        noise = rng.normal(0, rng.uniform(2, 9), (*image.shape[:2], 1))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))])
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)  # noqa: TID251  # what it has just encoded
        assert decoded is not None
        image = decoded.astype(np.uint8)
    return image

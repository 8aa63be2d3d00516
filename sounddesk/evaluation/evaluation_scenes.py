"""Composes evaluation scenes: cut-outs on photographs, or on backgrounds that are generated."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sounddesk.domain.picture_suffixes import PICTURE_SUFFIXES
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.images.scene_composition import ComposedScene
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.images.scene_composition import compose_scene
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.picture_folder import PictureFolderError


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationScene:
    """One scene: image, visible pixels of each object, and the kinds in the order of the masks."""

    composed: ComposedScene
    kinds: tuple[str, ...]


def draw_scene(
    cut_outs: Mapping[str, Sequence[CutOut]],
    *,
    counts: Sequence[int],
    seed: int,
    index: int,
    backgrounds: Sequence[RgbImage] = (),
) -> EvaluationScene:
    """Scene `index` of the evaluation `seed`; it does not depend on how many others are drawn.

    The number of objects, their kinds (each once, all kinds alike), the picture of each kind, the format
    (640 x 480 or 480 x 640) and the places are drawn; the cut-outs themselves are not varied.

    Raises:
        PictureFolderError: fewer kinds than the largest of `counts`.
    """
    kinds = sorted(cut_outs)
    if len(kinds) < max(counts):
        raise PictureFolderError(
            f"pictures of {len(kinds)} usable kinds: add more, a scene of {max(counts)} objects needs as many"
        )
    rng = np.random.default_rng((seed, index))
    count = int(counts[int(rng.integers(len(counts)))])
    chosen = tuple(kinds[int(i)] for i in rng.choice(len(kinds), size=count, replace=False))
    pictures = [cut_outs[kind][int(rng.integers(len(cut_outs[kind])))] for kind in chosen]
    return EvaluationScene(composed=_compose(pictures, backgrounds=backgrounds, rng=rng), kinds=chosen)


def draw_single(
    cut_out: CutOut, *, kind: str, seed: int, number: int, backgrounds: Sequence[RgbImage] = ()
) -> ComposedScene:
    """Scene `number` of one kind alone, which fills most of it; depends on no other kind.

    Format, background and place are drawn.
    """
    rng = np.random.default_rng((seed, zlib.crc32(kind.encode()), number))
    return _compose([cut_out], backgrounds=backgrounds, rng=rng)


def _compose(pictures: Sequence[CutOut], *, backgrounds: Sequence[RgbImage], rng: np.random.Generator) -> ComposedScene:
    height, width = (480, 640) if rng.random() < 0.5 else (640, 480)
    if backgrounds:
        background = backgrounds[int(rng.integers(len(backgrounds)))]
    else:
        background = made_background(rng)
    return compose_scene(pictures, background=background, height=height, width=width, rng=rng)


def made_background(rng: np.random.Generator, size: int = 256) -> RgbImage:
    """A plain colour, a gradient in any direction, or soft noise (a third each); uint8[size, size, 3]."""
    first, second = rng.uniform(40, 245, 3), rng.uniform(40, 245, 3)
    style = int(rng.integers(3))
    if style == 0:
        share = np.zeros((size, size))
    elif style == 1:
        angle = rng.uniform(0, 2 * np.pi)
        rows, columns = np.mgrid[0:size, 0:size] / (size - 1) - 0.5
        share = np.clip(0.5 + (np.cos(angle) * columns + np.sin(angle) * rows) / 1.5, 0.0, 1.0)
    else:
        cells = int(rng.integers(4, 24))
        coarse = rng.random((cells, cells)).astype(np.float32)
        share = np.clip(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), 0.0, 1.0)
    return (first + (second - first) * share[..., None]).astype(np.uint8)


def read_backgrounds(directory: Path) -> list[RgbImage]:
    """Every picture file directly in `directory`, as sRGB uint8[H, W, 3].

    Raises:
        PictureFolderError: no readable picture there.
    """
    found = []
    for file in sorted(directory.iterdir()) if directory.is_dir() else []:
        if file.suffix.lower() in PICTURE_SUFFIXES:
            with contextlib.suppress(ImageFileError):
                found.append(load_image(file).pixels)
    if not found:
        raise PictureFolderError(f"{directory} holds no readable background: put PNG, JPEG or WebP files there")
    return found

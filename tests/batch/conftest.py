"""A little shot on disk, and a batch as a function of its options, rendered in this process by the tiny bundle."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL import ImageDraw

from sounddesk.batch.options import BatchObject
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.run import BatchResult
from sounddesk.batch.run import run_batch
from sounddesk.domain.selection import Selection
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import SamplingSettings

WIDTH, HEIGHT = 160, 120


def texture(seed: int = 0, *, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Smooth noise float[height, width, 3] about 0: something for optical flow to hold on to."""
    import cv2

    coarse = np.random.default_rng(seed).normal(0, 40, (height // 4, width // 4, 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def draw_frame(shift: int, *, seed: int = 0) -> Image.Image:
    """A red box that lies `shift` pixels to the right of where it began, and a blue disc that stays."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (120, 130, 120))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20 + shift, 30, 60 + shift, 90), fill=(200, 40, 40))
    draw.ellipse((110, 45, 150, 85), fill=(40, 40, 210))
    pixels = np.asarray(image).astype(np.float32)
    inside = box_mask(shift)[..., None]
    # The box carries its own texture with it.
    pixels += np.where(inside, np.roll(texture(seed + 1), shift, axis=1), texture(seed))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def box_mask(shift: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[30:91, 20 + shift : 61 + shift] = True  # cut off where it leaves the picture
    return mask


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """shot/f.1.png to f.4.png (the box moves by 3 pixels a frame), red.png and blue.png (masks of f.1)."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(4):
        draw_frame(3 * number).save(folder / f"f.{number + 1}.png")
    Image.fromarray(box_mask(0)).save(tmp_path / "red.png")
    disc = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(disc).ellipse((110, 45, 150, 85), fill=255)
    disc.save(tmp_path / "blue.png")
    return folder


def masked(name: str, file: Path, **changes: Any) -> BatchObject:
    return BatchObject(name=name, selection=Selection(how="mask_file", mask_file=str(file)), **changes)


@pytest.fixture
def options(shot: Path, bundle_folder: Path) -> BatchOptions:
    """Two objects, 1 s, 2 steps, masks that stay."""
    return BatchOptions(
        folder=shot,
        out=shot.parent / "out",
        project="shot",
        objects=(masked("red", shot.parent / "red.png"), masked("blue", shot.parent / "blue.png")),
        follow="fixed",
        seconds=1.0,
        sampling=SamplingSettings(steps=2),
        bundle=str(bundle_folder),
        device="cpu",
    )


def run(options: BatchOptions, **changes: Any) -> BatchResult:
    """A batch in this process."""
    return run_batch(replace(options, **changes), on_progress=lambda _: None, cancel=CancelToken())


def contents(out: Path) -> dict[str, str]:
    """Hash of every visible file but the manifests, which tell of times."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith("manifest") and not path.name.endswith(".lock")
    }

"""What the batch benchmarks share: a shot drawn on the spot, the command as a process, and the hashes of its result."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import sounddesk

ROOT = Path(sounddesk.__file__).parent.parent


def draw_shot(folder: Path, *, frames: int, width: int = 320, height: int = 240) -> None:
    """Frames with two textured objects, one moving and growing slowly, and the masks of the first frame beside them.

    Masks go to `folder`-masks/red.png and blue.png.
    """
    folder.mkdir(parents=True)
    masks = folder.with_name(f"{folder.name}-masks")
    masks.mkdir()
    rng = np.random.default_rng(0)
    background = rng.integers(90, 150, (height, width, 3))
    rows, columns = np.mgrid[:height, :width]
    for number in range(frames):
        share = number / max(1, frames - 1)
        radius = height * (0.16 + 0.06 * share)
        red = (columns - width * (0.3 + 0.1 * share)) ** 2 + (rows - height * 0.5) ** 2 < radius**2
        blue = (abs(columns - width * 0.78) < width * 0.12) & (abs(rows - height * 0.45) < height * 0.25)
        pixels = background.copy()
        pixels[red] = (200, 50, 40) + background[red] // 4
        pixels[blue] = (30, 50, 190) + background[blue] // 4
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"shot.{number + 1:04d}.png")
        if number == 0:
            Image.fromarray(red).save(masks / "red.png")
            Image.fromarray(blue).save(masks / "blue.png")


def mask_arguments(folder: Path) -> list[str]:
    masks = folder.with_name(f"{folder.name}-masks")
    return ["--mask", f"red@{masks / 'red.png'}", "--mask", f"blue@{masks / 'blue.png'}"]


def sounddesk_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sounddesk", *arguments]


def start(*arguments: str) -> subprocess.Popen[str]:
    """The command in a process group of its own, so that a kill can reach its workers too."""
    return subprocess.Popen(
        sounddesk_command(*arguments),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def contents(out: Path) -> dict[str, str]:
    """Hash of every visible file but the manifests, which tell of times."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith(("manifest", "."))
    }

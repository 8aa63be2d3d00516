"""A fine-tune of the tiny bundle on three tiny clips, in this process or in one that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.tiny_bundle import build_tiny_bundle
from tests.training.tiny_clips import tones
from tests.training.tiny_clips import write_pair
from tests.training.tiny_clips import write_video

ROOT = Path(__file__).parents[2]


def build_tiny_work(folder: Path) -> Path:
    """Bundle `tiny` and clips (one video, two pairs with masks) in `folder`."""
    build_tiny_bundle(folder)
    clips = folder / "clips"
    write_video(clips / "clock.mp4", seconds=2)
    noise = 0.2 * np.random.default_rng(0).standard_normal(16_000)
    write_pair(clips / "dog", colour=(20, 30, 200), sound=tones(1), mask=True)
    write_pair(clips / "sea", colour=(200, 80, 20), sound=noise, mask=True)
    for name, caption in (("clock", "a photo of a car"), ("dog", "dog bark"), ("sea", "a sea")):
        (clips / f"{name}.txt").write_text(caption)
    return folder


def write_recipe(work: Path, name: str, *, model: dict[str, Any] | None = None, **sections: Any) -> Path:
    """A recipe for a run named `name`; `sections` are merged into it."""
    recipe: dict[str, Any] = {
        "task": "fine_tune",
        "data": str(work / "clips"),
        "run_dir": str(work / name),
        "seed": 3,
        "model": {"bundle": str(work / "tiny"), "seconds": 1.0, "frames_per_clip": 2, **(model or {})},
        "optimiser": {"steps": 6, "batch_size": 4, "learning_rate": 1e-3, "ema_decay": 0.9, "checkpoint_steps": 2},
        "live": {"log_steps": 2},
    }
    for section, values in sections.items():
        recipe[section] = {**recipe[section], **values} if isinstance(values, dict) else values
    file = work / f"{name}.yaml"
    file.write_text(yaml.safe_dump(recipe))
    return file


def start_process(recipe: Path, *, log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """`sounddesk train run` in a process of its own."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "sounddesk", "train", "run", str(recipe)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
            stdout=file,
            stderr=file,
        )

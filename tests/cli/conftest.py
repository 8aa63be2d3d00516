"""A small scene on disk, and the command line as a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL import ImageDraw

from sounddesk.cli.main import main

WIDTH, HEIGHT = 160, 120


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


Run = Callable[..., Ending]


def draw_scene() -> Image.Image:
    """A red box and a blue disc on grey: easy for any segmenter."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (150, 150, 150))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 30, 60, 90), fill=(200, 30, 30))
    draw.ellipse((95, 35, 145, 85), fill=(30, 30, 200))
    return image


def mask(left: int, top: int, right: int, bottom: int, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).rectangle((left, top, right, bottom), fill=255)
    return image


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: scene.png, red.png and blue.png (masks)."""
    draw_scene().save(tmp_path / "scene.png")
    mask(20, 30, 60, 90).save(tmp_path / "red.png")
    mask(95, 35, 145, 85).save(tmp_path / "blue.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line in this process."""

    def run_main(*arguments: str) -> Ending:
        code = main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ending(code, out, err)

    return run_main


@pytest.fixture
def render(run: Run, bundle_folder: Path, place: Path) -> Run:
    """`sounddesk render`, small: the tiny bundle, 1 s, 2 steps; later arguments win."""

    def run_render(*arguments: str) -> Ending:
        return run("render", "--bundle", str(bundle_folder), "--seconds", "1", "--steps", "2", "--quiet", *arguments)

    return run_render


def files_in(folder: Path) -> set[str]:
    """Every file below `folder`, hidden ones too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)

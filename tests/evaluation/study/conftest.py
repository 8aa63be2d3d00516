"""A study of two systems on four clips, two of them with an outlined object, and a clock that tests move."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sounddesk.evaluation.study.study_design import StudyTerms
from sounddesk.evaluation.study.study_making import NewStudy
from sounddesk.evaluation.study.study_making import make_study
from tests.evaluation.conftest import write_sound

SYSTEMS = ("good", "bad")


def write_material(folder: Path, *, clips: int = 4) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for index in range(clips):
        for system in SYSTEMS:
            write_sound(folder / system / f"c{index}.wav", rng.standard_normal(800) * 0.1, sample_rate_hz=8_000)
        row = {"id": f"c{index}", "caption": f"a <dog> number {index}", "image": f"c{index}.png", "object": "dog"}
        image = np.full((40, 60, 3), 4 * index + 20, dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"c{index}.png"), image)
        if index % 2 == 0:
            mask = np.zeros((40, 60), dtype=np.uint8)
            mask[10:30, 15:45] = 255
            assert cv2.imwrite(str(folder / f"m{index}.png"), mask)
            row["mask"] = f"m{index}.png"
        rows.append(row)
    (folder / "clips.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


def new_study(folder: Path, *, clips: int = 4, controls: int = 2, **terms) -> NewStudy:
    return make_study(
        system=[f"{name}={folder / name}" for name in SYSTEMS],
        manifest=folder / "clips.jsonl",
        out=folder / "study",
        clips=clips,
        controls=controls,
        terms=StudyTerms(**{"title": "Sounds & pictures", **terms}),
    )


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    new_study(write_material(tmp_path))
    return tmp_path / "study"

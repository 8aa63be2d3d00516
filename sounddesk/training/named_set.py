"""Pictures of things that are no kinds, as `preparation.named_pictures` wrote them, read when they are drawn."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sounddesk.engine.scene_composition import CutOut
from sounddesk.training.preparation.named_pictures import NAMED_TABLE_NAME

# A thing that only one artist drew teaches nothing about manners.
_LEAST_PICTURES = 2


@dataclass(frozen=True, kw_only=True)
class NamedPictures:
    """Files by what they show; `names` and `files` go together."""

    names: tuple[str, ...]
    files: tuple[tuple[Path, ...], ...]

    @classmethod
    def read(cls, data_dir: Path) -> NamedPictures:
        """Raises: FileNotFoundError naming the remedy when the set has no such pictures."""
        table = data_dir / NAMED_TABLE_NAME
        if not table.is_file():
            raise FileNotFoundError(f"{table} is missing: run `sounddesk train prepare starter --out {data_dir}` again")
        found: dict[str, list[Path]] = {}
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["name"].replace("-", " "), []).append(data_dir / row["path"])
        kept = {name: tuple(files) for name, files in found.items() if len(files) >= _LEAST_PICTURES}
        return cls(names=tuple(kept), files=tuple(kept.values()))

    def draw(self, rng: np.random.Generator) -> tuple[int, CutOut]:
        """Index of a thing, and one picture of it, uint8[H, W, 4]."""
        index = int(rng.integers(len(self.names)))
        file = self.files[index][int(rng.integers(len(self.files[index])))]
        bgra = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if bgra is None or bgra.ndim != 3 or bgra.shape[2] != 4:
            raise ValueError(f"picture {file} is not an RGBA image: prepare the data set again")
        return index, cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA).astype(np.uint8)

"""A prepared data set of three kinds, small enough to train on within a test."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import soundfile

KINDS = ("hum", "hiss", "click")


def build_tiny_data(folder: Path, *, seconds: float = 0.6, names: tuple[str, str, str] = KINDS) -> Path:
    """Write `table.csv`, `kinds.json`, recordings, pictures and one background; the folder.

    `names` are those of a hum, a hiss and a click.
    """
    rng = np.random.default_rng(0)
    rows = []
    count = round(seconds * 16_000)
    time_s = np.arange(count) / 16_000
    hum, hiss, click = names
    sounds = {
        hum: 0.3 * np.sin(2 * np.pi * 220 * time_s),
        hiss: 0.2 * rng.standard_normal(count),
        click: np.where(np.arange(count) % 4000 < 40, 0.8, 0.0),
    }
    colours = {hum: (200, 30, 30), hiss: (30, 200, 30), click: (30, 30, 200)}
    for kind in names:
        for role, suffix in (("recording", "flac"), ("picture", "png")):
            (folder / f"{role}s" / kind).mkdir(parents=True, exist_ok=True)
            path = f"{role}s/{kind}/one.{suffix}"
            if role == "recording":
                soundfile.write(folder / path, sounds[kind].astype(np.float32), 16_000)
            else:
                picture = np.zeros((40, 40, 4), dtype=np.uint8)
                picture[4:36, 4:36] = (*colours[kind], 255)
                cv2.imwrite(str(folder / path), picture)
            row = {"kind": kind, "role": role, "id": f"{kind}-{role}", "path": path, "split": "train"}
            rows.append(row | {"source": "tiny", "member": path})
    (folder / "backgrounds").mkdir(exist_ok=True)
    cv2.imwrite(str(folder / "backgrounds/grey.jpg"), np.full((50, 60, 3), 120, dtype=np.uint8))
    rows.append({"kind": "", "role": "background", "id": "grey", "path": "backgrounds/grey.jpg", "split": "train"})
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["kind", "role", "id", "path", "split", "source", "member"])
        writer.writeheader()
        writer.writerows(rows)
    kinds: list[dict[str, object]] = [
        {
            "kind": hum,
            "caption": "a machine humming",
            "alt_captions": ["hum"],
            "repeat": "continuous",
            "imagenet_classes": [0, 1],
        },
        {
            "kind": hiss,
            "caption": "steam hissing",
            "alt_captions": [],
            "repeat": "continuous",
            "imagenet_classes": [3],
        },
        {"kind": click, "caption": "a clock ticking", "alt_captions": ["tick"], "repeat": "repeating"},
    ]
    (folder / "kinds.json").write_text(json.dumps(kinds))
    return folder


def write_tiny_photographs(folder: Path) -> None:
    """Two pictures of noise with labelme's outlines: a bright square, and a bright bar beside it in the second."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    squares = [(60, 20, 130, 90), (20, 30, 45, 95)]
    for count in (1, 2):
        picture = rng.integers(0, 60, (120, 160, 3), dtype=np.uint8)
        shapes = []
        for left, top, right, bottom in squares[:count]:
            picture[top:bottom, left:right] += 150
            points = [[left, top], [right, top], [right, bottom], [left, bottom]]
            shapes.append({"label": "thing", "points": points, "shape_type": "polygon", "group_id": None})
        cv2.imwrite(str(folder / f"{count}.png"), picture)
        (folder / f"{count}.json").write_text(json.dumps({"imagePath": f"{count}.png", "shapes": shapes}))

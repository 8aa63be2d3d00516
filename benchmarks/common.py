"""What the benchmark scripts share: arguments, and a scene of plain shapes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings


def parser(description: str, *, data: bool = False) -> argparse.ArgumentParser:
    """Arguments of a benchmark: --bundle, and --data where it needs the prepared data set."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--bundle", default="starter", metavar="NAME|FOLDER", help="default: starter")
    if data:
        made.add_argument(
            "--data",
            type=Path,
            required=True,
            metavar="FOLDER",
            help="data set made by 'sounddesk train prepare starter'",
        )
    return made


def shapes_request(
    objects: int, *, seconds: float, seeds: Sequence[int], sampling: SamplingSettings | None = None, shade: int = 0
) -> GenerationRequest:
    """Up to four filled squares on a 640 x 480 image, one take each; another `shade` is another image."""
    image = np.full((480, 640, 3), 90 + shade, dtype=np.uint8)
    takes = []
    for index in range(objects):
        row, column = divmod(index, 2)
        mask = np.zeros((480, 640), dtype=np.bool_)
        mask[40 + 240 * row : 200 + 240 * row, 60 + 320 * column : 260 + 320 * column] = True
        image[mask] = (200, 40 + 50 * index, 220 - 50 * index)
        takes.append(ObjectRequest(name=f"shape {index}", mask=mask, seed=seeds[index]))
    return GenerationRequest(image=image, takes=tuple(takes), seconds=seconds, sampling=sampling or SamplingSettings())

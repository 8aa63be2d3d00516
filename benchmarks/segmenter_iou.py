"""Overlap (IoU) of the active segmenter's masks with the true ones, for one click and for a box.

The click lies at the innermost point of the object, the box is its bounding box and 3 % of the image around it.

python -m benchmarks.segmenter_iou --data FOLDER [--scenes 10] [--sam CHECKPOINT]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sounddesk.engine.segmenters.choice import choose_segmenter
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.types import BoolMask
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.training.data.recordings import copy_test_pictures
from sounddesk.training.data.recordings import read_kinds


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    arguments_of.add_argument("--scenes", type=int, default=10)
    arguments_of.add_argument("--seed", type=int, default=0)
    arguments_of.add_argument(
        "--sam", default=None, metavar="CHECKPOINT", help="default: what the program would choose"
    )
    arguments_of.add_argument("--backgrounds", type=Path, default=None, help="photographs to put the objects on")
    options = arguments_of.parse_args(arguments)
    segmenter = choose_segmenter(checkpoint=options.sam).segmenter
    photographs = read_backgrounds(options.backgrounds) if options.backgrounds is not None else []
    overlaps: dict[str, list[float]] = {"click": [], "box": []}
    times = []
    with tempfile.TemporaryDirectory() as folder:
        pictures = copy_test_pictures(options.data, Path(folder))
        cut_outs = read_picture_folder(pictures, [kind.name for kind in read_kinds(options.data)]).cut_outs
    for index in range(options.scenes):
        scene = draw_scene(cut_outs, counts=(2, 3, 4), seed=options.seed, index=index, backgrounds=photographs)
        encoded = segmenter.encode(scene.composed.image)
        for mask in scene.composed.masks:
            for how, prompt in (("click", click_inside(mask)), ("box", box_around(mask))):
                start = time.perf_counter()
                try:
                    found = segmenter.predict(encoded, prompt)[0].mask
                except EmptySelectionError:
                    found = np.zeros_like(mask)
                times.append(time.perf_counter() - start)
                overlaps[how].append(intersection_over_union(found, mask))
    click, box = np.array(overlaps["click"]), np.array(overlaps["box"])
    print(
        f"segmenter {segmenter.name}: mean IoU {click.mean():.3f} for a click ({(click > 0.5).mean():.0%} above 0.5), "
        f"{box.mean():.3f} for a box ({(box > 0.5).mean():.0%}), {len(click)} objects in {options.scenes} scenes, "
        f"median {1000 * np.median(times):.0f} ms a prompt"
    )


def click_inside(mask: BoolMask) -> Prompt:
    """One click at the point of the mask that is furthest from its edge."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return Prompt.click(float(column), float(row))


def box_around(mask: BoolMask) -> Prompt:
    """The mask's bounding box with a margin of 3 % of the image's longer side."""
    height, width = mask.shape
    margin = round(0.03 * max(height, width))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Prompt(
        box=(
            float(max(0, columns[0] - margin)),
            float(max(0, rows[0] - margin)),
            float(min(width, columns[-1] + 1 + margin)),
            float(min(height, rows[-1] + 1 + margin)),
        )
    )


def intersection_over_union(first: BoolMask, second: BoolMask) -> float:
    """Shared pixels over all pixels of two masks; 1 for two empty ones."""
    union = int((first | second).sum())
    return 1.0 if union == 0 else float((first & second).sum() / union)


if __name__ == "__main__":
    main(sys.argv[1:])

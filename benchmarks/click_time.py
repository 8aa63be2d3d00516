"""Times of clicks and boxes on large photographs: from the prompt to the masks, and until the window can keep them.

sounddesk evaluate photographs --out FOLDER
python -m benchmarks.click_time --photographs FOLDER [--megapixels 12] [--objects 24] [--split validation] [--threads 2]

The photographs are enlarged, their outlined objects clicked on one after another: at the innermost point, then twice at
the middle of the largest wrong region, then boxed, as `sounddesk evaluate segmenter` does. `hover` is the first click:
nothing of the object was asked before. `packing` is what the window does further with its candidates when the click
that was previewed comes: soft masks of all of them, packed for the document.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from sounddesk.app.workers.segmentation_worker import kept_mask
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.device import use_cpu_threads
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.chosen_segmenters import load_segmenters
from sounddesk.evaluation.simulated_clicks import box_around
from sounddesk.evaluation.simulated_clicks import innermost_point
from sounddesk.evaluation.simulated_clicks import next_click
from sounddesk.resources_folder import SHIPPED_BUNDLE

Answer = TypeVar("Answer")


class Stopwatch:
    """Times of calls by name, in milliseconds."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    def timed(self, name: str, call: Callable[[], Answer]) -> Answer:
        wall, processor = time.perf_counter(), time.process_time()
        answer = call()
        self.wall.setdefault(name, []).append(1000 * (time.perf_counter() - wall))
        self.processor.setdefault(name, []).append(1000 * (time.process_time() - processor))
        return answer


def enlarged(image: RgbImage, *, megapixels: float) -> RgbImage:
    """The image at so many megapixels."""
    height, width = image.shape[:2]
    scale = (1e6 * megapixels / (width * height)) ** 0.5
    size = round(width * scale), round(height * scale)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def ask(
    watch: Stopwatch, segmenter: Segmenter, encoded: EncodedImage, name: str, prompt: Prompt
) -> tuple[BoolMask, tuple[Candidate, ...]]:
    """The first mask of an answer, and all of it; an empty one where nothing was found."""
    try:
        found = watch.timed(name, lambda: segmenter.predict(encoded, prompt))
    except EmptySelectionError:
        return np.zeros((encoded.height, encoded.width), bool), ()
    return found[0].mask, found


def packed(candidates: Sequence[Candidate]) -> list[TiledMask]:
    """As `SegmentationWorker` answers a click."""
    return [kept_mask(each) for each in candidates]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--objects", type=int, default=24, help="how many, one of each photograph first")
    parser.add_argument("--segmenter", default="starter", metavar="NAME")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    use_cpu_threads(options.threads)
    segmenter = load_segmenters((options.segmenter,), bundle=SHIPPED_BUNDLE, device="cpu")[0].segmenter
    photographs = read_annotated_photographs(options.photographs, split=options.split)
    each_has = -(-options.objects // len(photographs))
    watch, overlaps = Stopwatch(), []
    asked = 0
    for photograph in photographs:
        small = photograph.image()
        image = enlarged(small, megapixels=options.megapixels)
        encoded = watch.timed("encode", partial(segmenter.encode, image))
        for outlined in photograph.objects[:each_has]:
            if asked == options.objects:
                break
            asked += 1
            outline = outlined.mask(height=small.shape[0], width=small.shape[1]).astype(np.uint8)
            truth = cv2.resize(outline, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0

            first = Prompt.click(*innermost_point(truth))
            answer, found = ask(watch, segmenter, encoded, "hover", first)
            watch.timed("packing", partial(packed, found))
            overlaps.append(overlap(answer, truth))
            prompt = first
            for _ in range(2):
                further = next_click(answer, truth)
                if further is None:
                    break
                point, label = further
                prompt = Prompt(points=(*prompt.points, point), labels=(*prompt.labels, label))
                answer, _ = ask(watch, segmenter, encoded, "further click", prompt)
            ask(watch, segmenter, encoded, "box", box_around(truth))
        if asked == options.objects:
            break
    print(
        f"{asked} objects, {options.megapixels:g} megapixels, {options.threads} threads, load {os.getloadavg()[0]:.1f}"
    )
    print(f"overlap after one click {np.mean(overlaps):.3f}")
    for name, times in watch.wall.items():
        wall, processor = np.array(times), np.array(watch.processor[name])
        print(
            f"{name:>14}: median {np.median(wall):.0f} ms, worst tenth from {np.quantile(wall, 0.9):.0f}, "
            f"at most {wall.max():.0f}; processor time {np.median(processor):.0f} ms"
        )


if __name__ == "__main__":
    main()

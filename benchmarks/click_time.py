"""Times of clicks and boxes on large photographs: from the prompt to the mask that the window can keep.

sounddesk evaluate photographs --out FOLDER
python -m benchmarks.click_time --photographs FOLDER [--megapixels 12] [--objects 24] [--split validation] [--threads 2]
    [--parts]

The photographs are enlarged, their outlined objects clicked on one after another: at the innermost point, then twice at
the middle of the largest wrong region, then boxed, as `sounddesk evaluate segmenter` does. Each time is that of the
whole answer, with the mask that is shown packed for the document:

first click: nothing of the object was asked before.
of it found: until the segmenter has answered, which is nearly all that a preview takes.
of it packed: the mask that is shown, which is all that a click takes that was previewed.
others packed: the alternatives, which are packed after the answer.

With --parts the steps of a first click and of a box are shown as well, asked for a second time under a profiler with
all that was remembered forgotten.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import time
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from sounddesk.app.workers.segmentation_worker import FoundMask
from sounddesk.engine.device import use_cpu_threads
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.scales import scales_of
from sounddesk.engine.starter.segmenter import StarterFeatures
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


# Steps of an answer by the names of their functions, in the order in which they come.
_STEPS = {
    "decoder": "_guesses",
    "pixels of regions": "region_pixels",
    "encoder in regions": "feature_maps",
    "refiner": "_refined",
    "edges on colours": "on_edges",
    "parts and holes": "tidied",
    "which goes first": "with_agreement",
    "which are alike": "distinct",
    "smaller and larger": "with_derived_scales",
    "which fits the box": "best_in_box",
    "soft edge": "fill_soft_mask",
    "packed": "with_region",
}


def ask(
    watch: Stopwatch, segmenter: Segmenter, encoded: EncodedImage, name: str, prompt: Prompt
) -> tuple[BoolMask, tuple[FoundMask, ...]]:
    """The first mask of an answer, and all of it; an empty one where nothing was found."""

    def first_found() -> tuple[FoundMask, ...]:
        found = watch.timed(f"{name}, of it found", lambda: answered(segmenter, encoded, prompt))
        watch.timed(f"{name}, of it packed", lambda: found[0].mask)
        return found

    try:
        found = watch.timed(name, first_found)
    except EmptySelectionError:
        return np.zeros((encoded.height, encoded.width), bool), ()
    return found[0].pixels, found


def answered(segmenter: Segmenter, encoded: EncodedImage, prompt: Prompt) -> tuple[FoundMask, ...]:
    """An answer before any of it is packed."""
    candidates = segmenter.predict(encoded, prompt)
    scales = scales_of(candidates)
    return tuple(FoundMask(candidate=each, scale=scale) for each, scale in zip(candidates, scales, strict=True))


def packed(found: Sequence[FoundMask]) -> None:
    """As the window does with what may be chosen next."""
    for each in found:
        _ = each.mask


def profiled(profiler: cProfile.Profile, segmenter: Segmenter, encoded: EncodedImage, prompt: Prompt) -> None:
    """Ask once more, on an image that is encoded afresh and so remembers no answer."""
    again = forgetful(encoded)
    profiler.enable()
    try:
        _ = answered(segmenter, again, prompt)[0].mask
    except EmptySelectionError:
        pass
    finally:
        profiler.disable()


def forgetful(encoded: EncodedImage) -> EncodedImage:
    """The image as it was before the first question."""
    features = encoded.features
    if not isinstance(features, StarterFeatures):
        return encoded
    return replace(encoded, features=StarterFeatures(embedding=features.embedding))


def show_steps(name: str, profiler: cProfile.Profile, *, times: int) -> None:
    """Milliseconds of each step, those of other steps within it included."""
    total: dict[str, float] = {}
    for (_, _, function), (_, _, _, cumulative, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        total[function] = total.get(function, 0.0) + 1000 * cumulative / max(1, times)
    print(f"steps of a {name}, mean in ms (the refiner's hold what it reads and encodes):")
    for step, function in _STEPS.items():
        if function in total:
            print(f"{step:>20}: {total[function]:.1f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--objects", type=int, default=24, help="how many, one of each photograph first")
    parser.add_argument("--segmenter", default="starter", metavar="NAME")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--parts", action="store_true", help="say how long each step takes")
    options = parser.parse_args(arguments)
    use_cpu_threads(options.threads)
    segmenter = load_segmenters((options.segmenter,), bundle=SHIPPED_BUNDLE, device="cpu")[0].segmenter
    photographs = read_annotated_photographs(options.photographs, split=options.split)
    each_has = -(-options.objects // len(photographs))
    watch, overlaps = Stopwatch(), []
    profilers = {name: cProfile.Profile() for name in ("first click", "box")}
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

            first, box = Prompt.click(*innermost_point(truth)), box_around(truth)
            answer, found = ask(watch, segmenter, encoded, "first click", first)
            watch.timed("others packed", partial(packed, found[1:]))
            overlaps.append(overlap(answer, truth))
            prompt = first
            for _ in range(2):
                further = next_click(answer, truth)
                if further is None:
                    break
                point, label = further
                prompt = Prompt(points=(*prompt.points, point), labels=(*prompt.labels, label))
                answer, _ = ask(watch, segmenter, encoded, "further click", prompt)
            ask(watch, segmenter, encoded, "box", box)
            if options.parts:
                profiled(profilers["first click"], segmenter, encoded, first)
                profiled(profilers["box"], segmenter, encoded, box)
        if asked == options.objects:
            break
    print(
        f"{asked} objects, {options.megapixels:g} megapixels, {options.threads} threads, load {os.getloadavg()[0]:.1f}"
    )
    print(f"overlap after one click {np.mean(overlaps):.3f}")
    for name, times in watch.wall.items():
        wall, processor = np.array(times), np.array(watch.processor[name])
        print(
            f"{name:>28}: median {np.median(wall):.0f} ms, worst tenth from {np.quantile(wall, 0.9):.0f}, "
            f"at most {wall.max():.0f}; processor time {np.median(processor):.0f} ms"
        )
    if options.parts:
        for name, profiler in profilers.items():
            show_steps(name, profiler, times=asked)


if __name__ == "__main__":
    main()

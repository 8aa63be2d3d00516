"""How well clicks and boxes select objects: a segmenter and GrabCut beside it, on the same crowded scenes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.engine.images.crowded_scenes import FORMATS
from sounddesk.engine.images.crowded_scenes import compose_crowded_scene
from sounddesk.engine.images.crowded_scenes import in_one_piece
from sounddesk.engine.images.scene_composition import ComposedScene
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.chosen_segmenters import load_segmenters
from sounddesk.evaluation.evaluation_scenes import made_background
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.picture_folder import PictureFolderError
from sounddesk.evaluation.picture_folder import read_all_cut_outs
from sounddesk.evaluation.simulated_clicks import box_around
from sounddesk.evaluation.simulated_clicks import innermost_point
from sounddesk.evaluation.simulated_clicks import is_thin
from sounddesk.evaluation.simulated_clicks import next_click
from sounddesk.resources_folder import SHIPPED_BUNDLE

PROMPTS: Final = ("1 click", "3 clicks", "box")

# Objects on 2 to 7 of which a scene is made.
_COUNTS: Final = (2, 8)
# Small: less than this share of the image.
_SMALL: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class SegmenterFigures:
    """Overlaps (IoU) of one segmenter, one value per object, and its times in seconds.

    Attributes:
        overlaps: by `PROMPTS`.
        encode_s: per scene.
        click_s: per first click, the image encoded.
    """

    name: str
    overlaps: dict[str, tuple[float, ...]]
    encode_s: tuple[float, ...]
    click_s: tuple[float, ...]

    def mean(self, prompt: str, *, of: Sequence[bool] | None = None) -> float | None:
        """Mean IoU, of the objects chosen by `of`; None where there are none."""
        values = np.array(self.overlaps[prompt])
        chosen = values if of is None else values[np.array(of, dtype=np.bool_)]
        return float(chosen.mean()) if len(chosen) else None


@dataclass(frozen=True, kw_only=True)
class SegmenterAccuracy:
    """Result for one or several segmenters on the same objects.

    Attributes:
        small, thin: one flag per object.
    """

    scenes: int
    small: tuple[bool, ...]
    thin: tuple[bool, ...]
    figures: tuple[SegmenterFigures, ...]
    pictures: int

    def line(self) -> str:
        parts = []
        for one in self.figures:
            values = ", ".join(f"{prompt} {one.mean(prompt):.3f}" for prompt in PROMPTS)
            parts.append(f"{one.name}: {values}, {1000 * float(np.median(one.click_s)):.0f} ms from click to mask")
        return (
            f"mean IoU of {len(self.small)} objects in {self.scenes} scenes "
            f"({sum(self.small)} small, {sum(self.thin)} thin): " + "; ".join(parts)
        )

    def to_json(self) -> dict[str, Any]:
        groups = {"all": None, "small": self.small, "thin": self.thin}
        return {
            "measure": "segmenter",
            "scenes": self.scenes,
            "objects": len(self.small),
            "pictures": self.pictures,
            "segmenters": [
                {
                    "name": one.name,
                    "mean_iou": {
                        group: {prompt: one.mean(prompt, of=flags) for prompt in PROMPTS}
                        for group, flags in groups.items()
                    },
                    "encode_ms_median": 1000 * float(np.median(one.encode_s)),
                    "click_ms_median": 1000 * float(np.median(one.click_s)),
                }
                for one in self.figures
            ],
        }


def run(
    pictures: Path,
    *,
    segmenters: Sequence[str] = (),
    bundle: str | Path = SHIPPED_BUNDLE,
    scenes: int = 40,
    seed: int = 0,
    backgrounds: Path | None = None,
    device: str = "cpu",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SegmenterAccuracy:
    """Segmenters on the same scenes: those named, or the one that clicks would use with this bundle, and GrabCut.

    Args:
        pictures: folder of KIND/*.png cut-outs with alpha; every kind is taken.
        segmenters: names of registered ones.
        bundle: whose own segmenter.
        scenes: how many.
        seed: which.
        backgrounds: folder of photographs; made backgrounds where None.
        device: where the segmenter runs.
        progress: called after each scene.
        cancel: asked before each scene.

    Raises:
        PictureFolderError: no usable picture or background.
        BadInputError: a segmenter is unknown or not installed.
        EngineError: a segmenter cannot be used.
        Cancelled: through `cancel`.
    """
    cut_outs = [cut_out for cut_out in read_all_cut_outs(pictures) if in_one_piece(cut_out)]
    if not cut_outs:
        raise PictureFolderError(f"{pictures} holds no picture of a thing in one piece: a click could mean none")
    photographs = read_backgrounds(backgrounds) if backgrounds is not None else []
    loaded = load_segmenters(segmenters, bundle=bundle, device=device)
    return measure_segmenters(
        [each.segmenter for each in loaded],
        (draw_crowded_scene(cut_outs, photographs, seed=seed, index=index) for index in range(scenes)),
        scenes=scenes,
        pictures=len(cut_outs),
        progress=progress,
        cancel=cancel,
    )


def draw_crowded_scene(
    cut_outs: Sequence[CutOut], photographs: Sequence[RgbImage], *, seed: int, index: int
) -> ComposedScene:
    """Scene `index` of `seed`, whatever others are drawn: 2 to 7 of the cut-outs, unvaried, at least one visible."""
    rng = np.random.default_rng((seed, index))
    while True:
        count = int(rng.integers(*_COUNTS))
        chosen = [cut_outs[int(i)] for i in rng.integers(len(cut_outs), size=count)]
        height, width = FORMATS[int(rng.integers(len(FORMATS)))]
        behind = photographs[int(rng.integers(len(photographs)))] if photographs else made_background(rng)
        scene = compose_crowded_scene(
            chosen, background=behind, photographs=photographs, height=height, width=width, rng=rng
        )
        if scene.masks:
            return scene


def measure_segmenters(
    segmenters: Sequence[Segmenter],
    drawn: Iterable[ComposedScene],
    *,
    scenes: int,
    pictures: int,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SegmenterAccuracy:
    """Ask every segmenter for every object of the scenes, with the prompts of `PROMPTS`.

    Raises:
        Cancelled: through `cancel`.
    """
    reporter = StageReporter(stage="segment", total=scenes, on_progress=progress, cancel=cancel)
    overlaps: list[dict[str, list[float]]] = [{prompt: [] for prompt in PROMPTS} for _ in segmenters]
    encode_s: list[list[float]] = [[] for _ in segmenters]
    click_s: list[list[float]] = [[] for _ in segmenters]
    small, thin = [], []
    for done, scene in enumerate(drawn, start=1):
        for mask in scene.masks:
            small.append(bool(mask.mean() < _SMALL))
            thin.append(is_thin(mask))
        for index, segmenter in enumerate(segmenters):
            start = time.perf_counter()
            encoded = segmenter.encode(scene.image)
            encode_s[index].append(time.perf_counter() - start)
            for mask in scene.masks:
                start = time.perf_counter()
                first = _answer(segmenter, encoded, Prompt.click(*innermost_point(mask)))
                click_s[index].append(time.perf_counter() - start)
                overlaps[index]["1 click"].append(overlap(first, mask))
                third = _corrected(segmenter, encoded, first, mask, clicks=3)
                overlaps[index]["3 clicks"].append(overlap(third, mask))
                boxed = _answer(segmenter, encoded, box_around(mask))
                overlaps[index]["box"].append(overlap(boxed, mask))
        reporter.step(done)
    return SegmenterAccuracy(
        scenes=scenes,
        small=tuple(small),
        thin=tuple(thin),
        pictures=pictures,
        figures=tuple(
            SegmenterFigures(
                name=segmenter.name,
                overlaps={prompt: tuple(values) for prompt, values in overlaps[index].items()},
                encode_s=tuple(encode_s[index]),
                click_s=tuple(click_s[index]),
            )
            for index, segmenter in enumerate(segmenters)
        ),
    )


def _corrected(
    segmenter: Segmenter, encoded: EncodedImage, answer: BoolMask, truth: BoolMask, *, clicks: int
) -> BoolMask:
    """The answer after `clicks` clicks, each after the first in the middle of the largest wrong region."""
    points, labels = [innermost_point(truth)], [True]
    for _ in range(clicks - 1):
        click = next_click(answer, truth)
        if click is None:
            break
        points.append(click[0])
        labels.append(click[1])
        answer = _answer(segmenter, encoded, Prompt(points=tuple(points), labels=tuple(labels)))
    return answer


def _answer(segmenter: Segmenter, encoded: EncodedImage, prompt: Prompt) -> BoolMask:
    """The best candidate's mask, an empty one where nothing was found."""
    try:
        return segmenter.predict(encoded, prompt)[0].mask
    except EmptySelectionError:
        return np.zeros((encoded.height, encoded.width), dtype=np.bool_)

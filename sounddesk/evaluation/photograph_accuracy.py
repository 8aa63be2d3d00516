"""How well clicks and boxes select outlined objects in photographs, for one segmenter or several beside each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.annotated_photographs import AnnotatedPhotograph
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BoolMask
from sounddesk.evaluation.chosen_segmenters import load_segmenters
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.metrics.boundary import boundary_f_score
from sounddesk.evaluation.metrics.straight_outline import CUT_SHARE
from sounddesk.evaluation.metrics.straight_outline import straight_share
from sounddesk.evaluation.simulated_clicks import box_around
from sounddesk.evaluation.simulated_clicks import honoured_clicks
from sounddesk.evaluation.simulated_clicks import innermost_point
from sounddesk.evaluation.simulated_clicks import is_thin
from sounddesk.evaluation.simulated_clicks import next_click
from sounddesk.evaluation.worst_objects import WorstObjects
from sounddesk.resources_folder import SHIPPED_BUNDLE

CLICKS: Final = (1, 2, 3, 5)
"""After how many clicks the answer is measured."""

# Clicks that the page of the worst shows.
_SHOWN_CLICKS: Final = 3
# Less than this share of the image.
_SMALL: Final = 0.01


def _prompt_name(clicks: int) -> str:
    return "1 click" if clicks == 1 else f"{clicks} clicks"


PROMPTS: Final = (*(_prompt_name(count) for count in CLICKS), "box")


@dataclass(frozen=True, kw_only=True)
class ObjectResult:
    """One segmenter's answers for one object.

    Attributes:
        photograph: index of the photograph.
        overlaps: intersection over union by `PROMPTS`.
        boundaries: boundary F-score by `PROMPTS`.
        straight: share of the outline on one straight line where the picture has no edge, by `PROMPTS`.
        honoured: of all clicks in all answers, how many were obeyed.
        asked: how many there were.
    """

    photograph: int
    label: str
    small: bool
    thin: bool
    overlaps: dict[str, float]
    boundaries: dict[str, float]
    straight: dict[str, float]
    honoured: int
    asked: int


@dataclass(kw_only=True)
class SegmenterResult:
    """One segmenter on all objects; times in seconds, `click_s` one per click or box, the image encoded."""

    name: str
    objects: list[ObjectResult] = field(default_factory=list)
    encode_s: list[float] = field(default_factory=list)
    click_s: list[float] = field(default_factory=list)

    @property
    def share_honoured(self) -> float:
        """Share of clicks that the answers obey, over all answers to 1 to 5 clicks."""
        return sum(each.honoured for each in self.objects) / sum(each.asked for each in self.objects)

    @property
    def cut_masks(self) -> int:
        """How many of all masks have 5 % or more of their outline on one straight line."""
        return sum(share >= CUT_SHARE for each in self.objects for share in each.straight.values())

    def mean(self, prompt: str) -> float:
        """Mean overlap."""
        return float(np.mean([each.overlaps[prompt] for each in self.objects]))

    def to_json(self) -> dict[str, Any]:
        groups = {
            "all": self.objects,
            "small": [each for each in self.objects if each.small],
            "thin": [each for each in self.objects if each.thin],
        }
        return {
            "name": self.name,
            **{group: _figures(objects) for group, objects in groups.items() if objects},
            "clicks_honoured": self.share_honoured,
            "cut_masks": self.cut_masks,
            "masks": len(self.objects) * len(PROMPTS),
            "encode_ms_median": 1000 * float(np.median(self.encode_s)),
            "click_ms_median": 1000 * float(np.median(self.click_s)),
        }


@dataclass(frozen=True, kw_only=True)
class PhotographAccuracy:
    """Result for every segmenter on the same objects."""

    photographs: tuple[str, ...]
    split: str
    segmenters: tuple[SegmenterResult, ...]

    def line(self) -> str:
        objects = self.segmenters[0].objects
        of_split = f", split {self.split}" if self.split else ""
        small, thin = sum(each.small for each in objects), sum(each.thin for each in objects)
        parts = []
        for one in self.segmenters:
            values = ", ".join(f"{prompt} {one.mean(prompt):.3f}" for prompt in PROMPTS)
            parts.append(
                f"{one.name}: {values}; {100 * one.share_honoured:.1f} % of clicks honoured, "
                f"{one.cut_masks} of {len(objects) * len(PROMPTS)} masks cut straight, "
                f"{1000 * float(np.median(one.click_s)):.0f} ms per click"
            )
        return (
            f"mean IoU of {len(objects)} objects in {len(self.photographs)} photographs{of_split} "
            f"({small} small, {thin} thin): " + "; ".join(parts)
        )

    def details(self) -> list[str]:
        """The intervals and the boundary F-scores, a line for each segmenter and prompt."""
        lines = []
        for one in self.segmenters:
            figures = one.to_json()["all"]
            for prompt in PROMPTS:
                low, high = figures["iou_interval"][prompt]
                lines.append(
                    f"{one.name}, {prompt}: IoU {figures['iou'][prompt]:.3f} ({low:.3f} to {high:.3f}), "
                    f"boundary F {figures['boundary_f'][prompt]:.3f}"
                )
        return lines

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "segmenter on photographs",
            "photographs": len(self.photographs),
            "split": self.split,
            "objects": len(self.segmenters[0].objects),
            "segmenters": [
                {
                    **one.to_json(),
                    "objects": [
                        {"photograph": self.photographs[each.photograph], "label": each.label, "iou": each.overlaps}
                        for each in one.objects
                    ],
                }
                for one in self.segmenters
            ],
        }


def _figures(objects: Sequence[ObjectResult]) -> dict[str, Any]:
    groups = [each.photograph for each in objects]
    overlaps = {prompt: [each.overlaps[prompt] for each in objects] for prompt in PROMPTS}
    return {
        "count": len(objects),
        "iou": {prompt: float(np.mean(values)) for prompt, values in overlaps.items()},
        "iou_interval": {prompt: list(bootstrap_interval(values, groups)) for prompt, values in overlaps.items()},
        "boundary_f": {prompt: float(np.mean([each.boundaries[prompt] for each in objects])) for prompt in PROMPTS},
    }


def run(
    photographs: Path,
    *,
    segmenters: Sequence[str] = (),
    split: str = "",
    bundle: str | Path = SHIPPED_BUNDLE,
    device: str = "cpu",
    worst: WorstObjects | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> PhotographAccuracy:
    """Measure segmenters on a folder of outlined photographs.

    Args:
        photographs: pictures with labelme's or COCO's JSON beside them.
        segmenters: names of registered ones; the one that clicks would use and GrabCut where empty.
        split: only the photographs of this split, of which `photographs.csv` beside them says which they are.
        bundle: whose own segmenter.
        device: where they run.
        worst: collects pictures of the answers to 3 clicks.
        progress: called after each photograph.
        cancel: asked before each.

    Raises:
        PhotographFolderError: no usable photograph.
        BadInputError: a segmenter is unknown or not installed.
        EngineError: a segmenter cannot be used.
        Cancelled: through `cancel`.
    """
    chosen = read_annotated_photographs(photographs, split=split)
    loaded = load_segmenters(segmenters, bundle=bundle, device=device)
    return measure_on_photographs(loaded, chosen, split=split, worst=worst, progress=progress, cancel=cancel)


def measure_on_photographs(
    segmenters: Sequence[LoadedSegmenter],
    photographs: Sequence[AnnotatedPhotograph],
    *,
    split: str = "",
    worst: WorstObjects | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> PhotographAccuracy:
    """Ask every segmenter for every object, with the clicks and the box that a user might give.

    Raises:
        BadInputError: nothing can be measured.
        Cancelled: through `cancel`.
    """
    results = [SegmenterResult(name=each.label) for each in segmenters]
    reporter = StageReporter(stage="segment", total=len(photographs), on_progress=progress, cancel=cancel)
    for index, photograph in enumerate(photographs):
        image = photograph.image()
        height, width = image.shape[:2]
        drawn = [(one.label, one.mask(height=height, width=width)) for one in photograph.objects]
        truths = [(label, mask) for label, mask in drawn if mask.any() and not mask.all()]
        for loaded, result in zip(segmenters, results, strict=True):
            start = time.perf_counter()
            encoded = loaded.segmenter.encode(image)
            result.encode_s.append(time.perf_counter() - start)
            for label, truth in truths:
                measured, prompt, answer = _measure_object(
                    loaded.segmenter, encoded, truth, label=label, photograph=index, times=result.click_s
                )
                result.objects.append(measured)
                if worst is not None:
                    worst.add(
                        loaded.label,
                        image=image,
                        truth=truth,
                        answer=answer,
                        prompt=prompt,
                        overlap=measured.overlaps[_prompt_name(_SHOWN_CLICKS)],
                        label=label,
                        photograph=photograph.path.name,
                    )
        reporter.step(index + 1)
    if not results or not results[0].objects:
        raise BadInputError("no outlined object lies inside its photograph: check the coordinates")
    return PhotographAccuracy(
        photographs=tuple(each.path.name for each in photographs), split=split, segmenters=tuple(results)
    )


def _measure_object(
    segmenter: Segmenter,
    encoded: EncodedImage,
    truth: BoolMask,
    *,
    label: str,
    photograph: int,
    times: list[float],
) -> tuple[ObjectResult, Prompt, BoolMask]:
    """The figures, and the prompt and the answer that the page of the worst shows."""

    def ask(prompt: Prompt) -> BoolMask:
        start = time.perf_counter()
        mask = _answer(segmenter, encoded, prompt)
        times.append(time.perf_counter() - start)
        return mask

    answers: dict[str, BoolMask] = {}
    shown = Prompt()
    honoured = asked = 0
    for count, (prompt, answer) in enumerate(_clicked(ask, truth, most=max(CLICKS)), start=1):
        if count in CLICKS:
            answers[_prompt_name(count)] = answer
        if count == _SHOWN_CLICKS:
            shown = prompt
        honoured += honoured_clicks(answer, prompt)
        asked += len(prompt.points)
    answers["box"] = ask(box_around(truth))
    measured = ObjectResult(
        photograph=photograph,
        label=label,
        small=bool(truth.mean() < _SMALL),
        thin=is_thin(truth),
        overlaps={prompt: overlap(answers[prompt], truth) for prompt in PROMPTS},
        boundaries={prompt: boundary_f_score(answers[prompt], truth) for prompt in PROMPTS},
        straight={prompt: straight_share(answers[prompt], truth, encoded.image) for prompt in PROMPTS},
        honoured=honoured,
        asked=asked,
    )
    return measured, shown, answers[_prompt_name(_SHOWN_CLICKS)]


def _clicked(ask: Callable[[Prompt], BoolMask], truth: BoolMask, *, most: int) -> Iterable[tuple[Prompt, BoolMask]]:
    """Prompt and answer after each of `most` clicks; once nothing is wrong they stay as they are."""
    prompt = Prompt.click(*innermost_point(truth))
    answer = ask(prompt)
    yield prompt, answer
    for _ in range(most - 1):
        click = next_click(answer, truth)
        if click is not None:
            point, label = click
            prompt = Prompt(points=(*prompt.points, point), labels=(*prompt.labels, label))
            answer = ask(prompt)
        yield prompt, answer


def _answer(segmenter: Segmenter, encoded: EncodedImage, prompt: Prompt) -> BoolMask:
    """The best candidate's mask, an empty one where nothing was found."""
    try:
        return segmenter.predict(encoded, prompt)[0].mask
    except EmptySelectionError:
        return np.zeros((encoded.height, encoded.width), dtype=np.bool_)

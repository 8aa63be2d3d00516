"""How many of the outlined objects of photographs are among the first suggestions, and how soon the first one comes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.images.annotated_photographs import AnnotatedPhotograph
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.segmenters.suggestions import suggest_objects
from sounddesk.engine.starter.recogniser import open_recogniser
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.chosen_segmenters import load_proposer
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.resources_folder import SHIPPED_BUNDLE

FIRST: Final = 10
"""How many suggestions of a photograph count."""
FOUND_OVERLAP: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class SearchedPhotograph:
    """What the suggestions of one photograph were worth.

    Attributes:
        labels: of its outlined objects.
        best: highest overlap (IoU) of each with one of the suggestions.
        suggested: how many suggestions there were.
        first_s, all_s: seconds of CPU time until the first and until the last, the image encoded; None without any.
    """

    name: str
    labels: tuple[str, ...]
    best: tuple[float, ...]
    suggested: int
    first_s: float | None
    all_s: float

    @property
    def found(self) -> int:
        """How many objects were found."""
        return sum(value >= FOUND_OVERLAP for value in self.best)


@dataclass(frozen=True, kw_only=True)
class SuggestionAccuracy:
    """Result over all photographs."""

    photographs: tuple[SearchedPhotograph, ...]
    split: str
    segmenter: str
    bundle: str
    bundle_sha256: str

    @property
    def found(self) -> Proportion:
        """Outlined objects among the first suggestions."""
        return Proportion(
            hits=sum(each.found for each in self.photographs),
            trials=sum(len(each.best) for each in self.photographs),
        )

    @property
    def first_s(self) -> list[float]:
        """Seconds of CPU time to the first suggestion, of the photographs that have one."""
        return [each.first_s for each in self.photographs if each.first_s is not None]

    def line(self) -> str:
        of_split = f", split {self.split}" if self.split else ""
        hits = [float(value >= FOUND_OVERLAP) for each in self.photographs for value in each.best]
        groups = [index for index, each in enumerate(self.photographs) for _ in each.best]
        low, high = bootstrap_interval(hits, groups)
        first = self.first_s
        times = (
            f"first after {np.median(first):.2f} s of CPU (median; longest {max(first):.2f} s), "
            f"all after {np.median([each.all_s for each in self.photographs]):.1f} s"
            if first
            else "no suggestion at all"
        )
        where = f"{len(self.photographs)} photographs{of_split}"
        return (
            f"{self.segmenter}: found among the first {FIRST} {self.found.text()}, by photograph {low:.3f} to "
            f"{high:.3f}, {where}; {times}; bundle {self.bundle} {self.bundle_sha256[:12]}"
        )

    def details(self) -> list[str]:
        """What was not found."""
        return [
            f"not found: {each.name}, {label} (best overlap {value:.2f})"
            for each in self.photographs
            for label, value in zip(each.labels, each.best, strict=True)
            if value < FOUND_OVERLAP
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "suggestions",
            "segmenter": self.segmenter,
            "bundle": self.bundle,
            "bundle_sha256": self.bundle_sha256,
            "split": self.split,
            "first": FIRST,
            "found": self.found.to_json(),
            "first_cpu_s": {"median": float(np.median(self.first_s)), "longest": max(self.first_s)}
            if self.first_s
            else None,
            "photographs": [
                {
                    "photograph": each.name,
                    "suggested": each.suggested,
                    "first_cpu_s": each.first_s,
                    "all_cpu_s": each.all_s,
                    "objects": [
                        {"label": label, "iou": round(value, 4)}
                        for label, value in zip(each.labels, each.best, strict=True)
                    ],
                }
                for each in self.photographs
            ],
        }


def run(
    photographs: Path,
    *,
    split: str = "",
    segmenter: str = "",
    bundle: str | Path = SHIPPED_BUNDLE,
    device: str = "cpu",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SuggestionAccuracy:
    """Have objects of photographs suggested and compare them with the outlined ones.

    Args:
        photographs: a folder with labelme's or COCO's JSON beside the pictures.
        split: only the photographs of this split.
        segmenter: name of a registered one; the one that the window would use where empty.
        bundle: whose own segmenter and recogniser.
        device: where the segmenter runs.
        progress: called after each photograph.
        cancel: asked before each.

    Raises:
        PhotographFolderError: no usable photograph.
        BadInputError: the segmenter is unknown or not installed.
        EngineError: a network cannot be used.
        Cancelled: through `cancel`.
    """
    chosen = read_annotated_photographs(photographs, split=split)
    opened = find_bundle(bundle)
    proposer = load_proposer(segmenter, bundle=bundle, device=device)
    searched = search_photographs(
        proposer, chosen, recogniser=open_recogniser(bundle), progress=progress, cancel=cancel
    )
    return SuggestionAccuracy(
        photographs=tuple(searched),
        split=split,
        segmenter=proposer.name,
        bundle=opened.name,
        bundle_sha256=opened.sha256,
    )


def search_photographs(
    proposer: ProposesObjects,
    photographs: Sequence[AnnotatedPhotograph],
    *,
    recogniser: RecognisesObjects | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> list[SearchedPhotograph]:
    """The first suggestions of each photograph against its outlined objects.

    Raises:
        Cancelled: through `cancel`.
    """
    reporter = StageReporter(stage="suggest", total=len(photographs), on_progress=progress, cancel=cancel)
    searched = []
    for done, photograph in enumerate(photographs, start=1):
        image = photograph.image()
        height, width = image.shape[:2]
        truths = [(one.label, one.mask(height=height, width=width)) for one in photograph.objects]
        truths = [(label, mask) for label, mask in truths if mask.any() and not mask.all()]
        encoded = proposer.encode(image)
        best = [0.0] * len(truths)
        first_s, suggested = None, 0
        start_s = time.process_time()
        for each in suggest_objects(encoded, segmenter=proposer, recogniser=recogniser, limit=FIRST, cancel=cancel):
            first_s = time.process_time() - start_s if first_s is None else first_s
            suggested += 1
            best = [
                max(known, overlap(each.candidate.mask, truth)) for known, (_, truth) in zip(best, truths, strict=True)
            ]
        searched.append(
            SearchedPhotograph(
                name=photograph.path.name,
                labels=tuple(label for label, _ in truths),
                best=tuple(best),
                suggested=suggested,
                first_s=first_s,
                all_s=time.process_time() - start_s,
            )
        )
        reporter.step(done)
    return searched

"""How often objects in photographs are named, how often rightly, and how often unknown things are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.images.annotated_photographs import AnnotatedPhotograph
from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.starter.recogniser import StarterRecogniser
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BoolMask
from sounddesk.evaluation.chosen_segmenters import load_segmenters
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.metrics.calibration import ReliabilityBin
from sounddesk.evaluation.metrics.calibration import expected_calibration_error
from sounddesk.evaluation.metrics.calibration import reliability
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.object_kinds import RightNames
from sounddesk.evaluation.object_kinds import read_right_names
from sounddesk.evaluation.simulated_clicks import innermost_point
from sounddesk.resources_folder import SHIPPED_BUNDLE

OUTLINE: Final = "outline"
CLICK: Final = "click"


@dataclass(frozen=True, kw_only=True)
class NamedObject:
    """What a recogniser said of one object, and what would have been right.

    Attributes:
        photograph: index of the photograph.
    """

    photograph: int
    label: str
    right: RightNames
    recognised: RecognisedObject

    @property
    def name(self) -> str | None:
        """The name that it gets; None where it stays without."""
        best = self.recognised.name
        return None if best is None else best.name

    @property
    def counts(self) -> bool:
        """Whether the best guess is right or wrong, and not a neighbour of what is not known."""
        return not self.recognised.guesses or self.recognised.guesses[0].name not in self.right.near - self.right.kinds

    def is_right(self, *, among: int = 1) -> bool:
        """Whether one of the first guesses is right."""
        return any(each.name in self.right.kinds for each in self.recognised.guesses[:among])


@dataclass(frozen=True, kw_only=True)
class NameAccuracy:
    """Result over all objects; shares with intervals that take them as independent, and by photograph beside."""

    objects: tuple[NamedObject, ...]
    photographs: tuple[str, ...]
    split: str
    masks: str
    bundle: str
    bundle_sha256: str

    @property
    def known(self) -> list[NamedObject]:
        return [each for each in self.objects if each.right.known]

    @property
    def unknown(self) -> list[NamedObject]:
        return [each for each in self.objects if not each.right.known]

    @property
    def named(self) -> list[NamedObject]:
        """Objects that get a name that counts."""
        return [each for each in self.objects if each.name is not None and each.counts]

    @property
    def near_named(self) -> int:
        """Objects named by a neighbour, which counts neither way."""
        return sum(each.name is not None and not each.counts for each in self.objects)

    @property
    def named_right(self) -> Proportion | None:
        """Right names among all that were given; None where none was."""
        named = self.named
        return Proportion(hits=sum(each.is_right() for each in named), trials=len(named)) if named else None

    @property
    def known_named(self) -> Proportion | None:
        """Objects of known kinds that get a name."""
        return _share([each.name is not None for each in self.known])

    @property
    def unknown_named(self) -> Proportion | None:
        """Things that are not known, named as if they were; neighbours are counted apart."""
        return _share([each.name is not None and each.counts for each in self.unknown])

    @property
    def reliability(self) -> tuple[ReliabilityBin, ...]:
        """How often first guesses that count are right, by their confidence."""
        counted = [each for each in self.objects if each.counts and each.recognised.guesses]
        return reliability(
            [each.recognised.guesses[0].confidence for each in counted], [each.is_right() for each in counted]
        )

    def line(self) -> str:
        of_split = f", split {self.split}" if self.split else ""
        first = _share([each.is_right() for each in self.known])
        three = _share([each.is_right(among=3) for each in self.known])
        where = f"{len(self.photographs)} photographs{of_split}, masks by {self.masks}"
        parts = [
            f"{len(self.objects)} objects in {where}, bundle {self.bundle} {self.bundle_sha256[:12]}",
            f"named right of those named {_text(self.named_right)}",
            f"known kinds named {_text(self.known_named)}",
            f"unknown things named {_text(self.unknown_named)}, {self.near_named} by a near kind",
            f"first guess right whether shown or not {_text(first)}, one of three {_text(three)}",
        ]
        return "; ".join(parts)

    def details(self) -> list[str]:
        """The reliability table and every name that is wrong."""
        bins = self.reliability
        lines = [each.line() for each in bins]
        if bins:
            lines.append(f"expected calibration error {expected_calibration_error(bins):.3f}")
        if self.named:
            low, high = bootstrap_interval(
                [float(each.is_right()) for each in self.named], [each.photograph for each in self.named]
            )
            lines.append(f"named right, interval by photograph {low:.3f} to {high:.3f}")
        for each in self.named:
            if not each.is_right():
                best = each.recognised.guesses[0]
                lines.append(
                    f"wrong: {self.photographs[each.photograph]}, {each.label} named {best.name} ({best.percent})"
                )
        return lines

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "names",
            "bundle": self.bundle,
            "bundle_sha256": self.bundle_sha256,
            "photographs": len(self.photographs),
            "split": self.split,
            "masks": self.masks,
            "objects": len(self.objects),
            "known_objects": len(self.known),
            "named_right": _json(self.named_right),
            "known_named": _json(self.known_named),
            "unknown_named": _json(self.unknown_named),
            "near_named": self.near_named,
            "first_guess_right": _json(_share([each.is_right() for each in self.known])),
            "one_of_three_right": _json(_share([each.is_right(among=3) for each in self.known])),
            "reliability": [each.to_json() for each in self.reliability],
            "named": [
                {
                    "photograph": self.photographs[each.photograph],
                    "label": each.label,
                    "known": each.right.known,
                    "name": each.name,
                    "guesses": [[guess.name, round(guess.confidence, 4)] for guess in each.recognised.guesses],
                }
                for each in self.objects
            ],
        }


def _share(hits: Sequence[bool]) -> Proportion | None:
    return Proportion(hits=sum(hits), trials=len(hits)) if hits else None


def _text(share: Proportion | None) -> str:
    return "none" if share is None else share.text()


def _json(share: Proportion | None) -> dict[str, Any] | None:
    return None if share is None else share.to_json()


def run(
    photographs: Path,
    *,
    split: str = "",
    masks: str = OUTLINE,
    bundle: str | Path = SHIPPED_BUNDLE,
    device: str = "cpu",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> NameAccuracy:
    """Name the outlined objects of photographs.

    Args:
        photographs: a folder with labelme's or COCO's JSON beside the pictures, and perhaps `kinds.csv`.
        split: only the photographs of this split.
        masks: 'outline' for the annotated ones, 'click' for what the segmenter finds by one click in the middle.
        bundle: whose recogniser, and whose segmenter for clicks.
        device: where the segmenter runs.
        progress: called after each photograph.
        cancel: asked before each.

    Raises:
        PhotographFolderError: no usable photograph, or a label of which nobody knows what it may be called.
        BadInputError: the bundle recognises nothing.
        EngineError: a network cannot be used.
        Cancelled: through `cancel`.
    """
    chosen = read_annotated_photographs(photographs, split=split)
    opened = find_bundle(bundle)
    recogniser = StarterRecogniser.from_bundle(opened)
    if recogniser is None:
        raise BadInputError(f"bundle {opened.name!r} recognises no objects: evaluate one that does, such as 'starter'")
    labels = [one.label for each in chosen for one in each.objects]
    names = read_right_names(photographs, labels, kinds=recogniser.kinds)
    segmenter = load_segmenters(("starter",), bundle=bundle, device=device)[0].segmenter if masks == CLICK else None
    objects = name_objects(recogniser, chosen, names=names, segmenter=segmenter, progress=progress, cancel=cancel)
    return NameAccuracy(
        objects=tuple(objects),
        photographs=tuple(each.path.name for each in chosen),
        split=split,
        masks=masks,
        bundle=opened.name,
        bundle_sha256=opened.sha256,
    )


def name_objects(
    recogniser: RecognisesObjects,
    photographs: Sequence[AnnotatedPhotograph],
    *,
    names: dict[str, RightNames],
    segmenter: Segmenter | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> list[NamedObject]:
    """Ask what every object is, by its outline or, with a segmenter, by what one click in its middle selects.

    Raises:
        Cancelled: through `cancel`.
    """
    found = []
    reporter = StageReporter(stage="recognise", total=len(photographs), on_progress=progress, cancel=cancel)
    for index, photograph in enumerate(photographs):
        image = photograph.image()
        height, width = image.shape[:2]
        encoded = None if segmenter is None else segmenter.encode(image)
        for one in photograph.objects:
            mask = one.mask(height=height, width=width)
            if not mask.any():
                continue
            if segmenter is not None and encoded is not None:
                mask = _clicked(segmenter, encoded, mask)
            recognised = (
                recogniser.recognise(image, mask) if mask.any() else RecognisedObject(guesses=(), least_confidence=1.0)
            )
            found.append(NamedObject(photograph=index, label=one.label, right=names[one.label], recognised=recognised))
        reporter.step(index + 1)
    return found


def _clicked(segmenter: Segmenter, encoded: EncodedImage, truth: BoolMask) -> BoolMask:
    try:
        return segmenter.predict(encoded, Prompt.click(*innermost_point(truth)))[0].mask
    except EmptySelectionError:
        return truth & False

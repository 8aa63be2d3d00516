"""Objects of an image that nobody named or pointed at, for `--auto`: what stands out, named by what it is."""

from __future__ import annotations

from dataclasses import dataclass

from sounddesk.domain.mask import bounding_box
from sounddesk.domain.mask import quantise_probability
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.scene import free_name
from sounddesk.domain.selection import ObjectSpec
from sounddesk.domain.selection import Selection
from sounddesk.engine.images.scene_objects import Coverage
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.segmenters.suggestions import suggest_objects
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage


@dataclass(frozen=True, kw_only=True, eq=False)
class SuggestedObject:
    """An object, its mask, and the guess that it is named by; None where nothing was recognised with confidence."""

    spec: ObjectSpec
    coverage: Coverage
    guess: NameGuess | None

    def line(self) -> str:
        """How it is named, and how sure that is."""
        if self.guess is None:
            return f"{self.spec.name}: not recognised"
        return f"{self.spec.name}: recognised, {self.guess.percent} sure"


def suggested_objects(
    image: RgbImage,
    *,
    segmenter: ProposesObjects,
    recogniser: RecognisesObjects | None = None,
    limit: int = 5,
    cancel: CancelToken | None = None,
) -> list[SuggestedObject]:
    """Objects that stand out, the likeliest to sound first, named by what they are or 'object 1', 'object 2' and so on.

    Raises:
        EngineError: nothing stands out.
        Cancelled: through `cancel`.
    """
    encoded = segmenter.encode(image)
    found: list[SuggestedObject] = []
    suggestions = suggest_objects(encoded, segmenter=segmenter, recogniser=recogniser, limit=limit, cancel=cancel)
    for number, each in enumerate(suggestions, start=1):
        guess = None if each.recognised is None else each.recognised.name
        taken = [one.spec.name for one in found]
        name = f"object {number}" if guess is None else free_name(guess.name, taken)
        selection = Selection(how="auto", box=bounding_box(each.candidate.mask))
        found.append(
            SuggestedObject(
                spec=ObjectSpec(name=name, selection=selection),
                coverage=quantise_probability(each.candidate.probability),
                guess=guess,
            )
        )
    if not found:
        raise EmptySelectionError("no object stands out in this image: click on one, draw a box or paint a mask")
    return found

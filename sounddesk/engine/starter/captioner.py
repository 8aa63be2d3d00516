"""Pictures in words by what the starter recognises in them: the names of the objects that stand out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import SEGMENTER_ROLE
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.segmenters.suggestions import suggest_objects
from sounddesk.engine.starter.recogniser import open_recogniser
from sounddesk.engine.starter.segmenter import StarterSegmenter
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import SHIPPED_BUNDLE

# Objects that are looked at, and things that a caption names.
_LOOKED_AT: Final = 8
_MOST_SAID: Final = 4
_NOTHING: Final = "background sound of the place"


class StarterCaptioner:
    """`Captioner` on a recogniser and a segmenter that proposes objects."""

    def __init__(self, recogniser: RecognisesObjects, proposer: ProposesObjects) -> None:
        self._recogniser = recogniser
        self._proposer = proposer

    @classmethod
    def from_bundle(cls, bundle: str | Path | Bundle) -> StarterCaptioner:
        """With the eyes of a bundle, or the starter's where it has none. Raises: EngineError."""
        recogniser = open_recogniser(bundle)
        if recogniser is None:
            raise EngineError("no bundle here recognises objects: install a captioner, or sounddesk again")
        opened = bundle if isinstance(bundle, Bundle) else find_bundle(bundle)
        if SEGMENTER_ROLE not in opened.manifest.components:
            opened = find_bundle(SHIPPED_BUNDLE)
        return cls(recogniser, StarterSegmenter.from_bundle(opened))

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        return self._recogniser.recognise(image, mask)

    def describe(self, image: RgbImage, *, cancel: CancelToken | None = None) -> str:
        """The names that it is sure of, the likeliest object first; without any, the best guess of all."""
        encoded = self._proposer.encode(image)
        sure: dict[str, str] = {}
        best: NameGuess | None = None
        for each in suggest_objects(
            encoded, segmenter=self._proposer, recogniser=self._recogniser, limit=_LOOKED_AT, cancel=cancel
        ):
            answer = each.recognised
            if answer is None or not answer.guesses:
                continue
            first = answer.guesses[0]
            if best is None or first.confidence > best.confidence:
                best = first
            if answer.name is not None:
                sure.setdefault(answer.name.name, answer.name.prompt)
        if sure:
            return " and ".join(list(sure.values())[:_MOST_SAID])
        return _NOTHING if best is None else best.prompt

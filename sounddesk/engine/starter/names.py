"""What names selected objects: the starter's recogniser and, behind it, an installed model that knows more things."""

from __future__ import annotations

from pathlib import Path

from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.captioners.registry import ranked_captioners
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.starter.recogniser import open_recogniser
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import SHIPPED_BUNDLE


class FirstConfident:
    """`RecognisesObjects` that asks a second recogniser where the first one has no name.

    The starter's is calibrated and knows 130 kinds, so it goes first.
    """

    def __init__(self, first: RecognisesObjects, second: RecognisesObjects) -> None:
        self._first = first
        self._second = second

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        answer = self._first.recognise(image, mask)
        if answer.name is not None:
            return answer
        other = self._second.recognise(image, mask)
        return answer if other.name is None else other


def open_names(
    bundle: str | Path | Bundle = SHIPPED_BUNDLE, *, device: str = "cpu", models_folder: Path | None = None
) -> RecognisesObjects | None:
    """The bundle's or the starter's recogniser and, behind it, an installed captioner that names things.

    Args:
        models_folder: where installed models lie; the user's own by default.

    Raises:
        EngineError: there is no such bundle, or its parts or an installed model cannot be used.
    """
    own = open_recogniser(bundle)
    search = ModelSearch(models=models_folder, bundle=bundle, device=device)
    found = next((each for entry in ranked_captioners() if entry.names_things and (each := entry.find(search))), None)
    if found is None:
        return own
    return found.load() if own is None else FirstConfident(own, found.load())

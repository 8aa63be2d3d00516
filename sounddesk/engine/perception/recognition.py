"""What says what a selected object is."""

from __future__ import annotations

from typing import Protocol

from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage


class RecognisesObjects(Protocol):
    """Names objects by what they look like. Safe to call from several threads."""

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        """What the object under a mask may be.

        Args:
            image: sRGB uint8[H, W, 3].
            mask: [H, W], probabilities or bool, not empty.

        Raises:
            EngineError: the mask is empty.
        """
        ...

"""What carries masks along a shot: SAM 2's memory where a SAM 2 is installed, else optical flow."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from typing import Protocol

from sounddesk.batch.mask_tracking import Coverage
from sounddesk.batch.mask_tracking import MaskTracker
from sounddesk.batch.options import Follow
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.engine.types import RgbImage

FLOW: Final = "flow"


class Tracker(Protocol):
    """Follows masks from one frame to the next."""

    @property
    def masks(self) -> Mapping[str, Coverage]:
        """In the frame reached last, uint8[H, W] by object name."""
        ...

    def advance(self, image: RgbImage) -> bool:
        """Follow the masks into the next frame; False where that was not possible."""
        ...


@dataclass(frozen=True, kw_only=True)
class MaskTracking:
    """How the masks of a batch are carried along.

    Attributes:
        name: stands in the inputs of what is rendered, since another way gives other masks.
        start: a tracker from a frame and its masks.
    """

    name: str
    start: Callable[[RgbImage, Mapping[str, Coverage]], Tracker]


def choose_tracking(follow: Follow, *, device: str = "auto") -> MaskTracking:
    """By SAM 2 where `follow` is 'auto' and one is installed that this version of transformers can run."""
    if follow == "auto":
        from importlib.util import find_spec

        from sounddesk.engine.segmenters.choice import installed_sam2

        model = installed_sam2()
        if model is not None and find_spec("transformers.models.sam2_video") is not None:
            return MaskTracking(name=f"{model.id} {model.origin}", start=_Sam2Start(model_id=model.id, device=device))
    return MaskTracking(name=FLOW, start=MaskTracker)


class _Sam2Start:
    """Loads the model at the first use, which is long after the choice, and keeps it for the other direction."""

    def __init__(self, *, model_id: str, device: str) -> None:
        self._model_id = model_id
        self._device = device
        self._network: object | None = None

    def __call__(self, image: RgbImage, masks: Mapping[str, Coverage]) -> Tracker:
        from sounddesk.engine.catalogue.model_store import require_model
        from sounddesk.engine.device import choose_device
        from sounddesk.engine.segmenters.sam2_video import Sam2MaskTracker
        from sounddesk.engine.segmenters.sam2_video import load_video_model

        try:
            if self._network is None:
                device = str(choose_device(self._device).device)
                self._network = load_video_model(require_model(self._model_id), device=device)
            return Sam2MaskTracker(self._network, image, masks)
        except EngineError as error:
            raise BadInputError(f"{error}; or follow by optical flow: --follow flow") from error

"""SAM 2: a published folder of transformers, for stills and for shots."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.engine.segmenters.entry import Capabilities
from sounddesk.engine.segmenters.entry import CheckpointFormat
from sounddesk.engine.segmenters.entry import Coverage
from sounddesk.engine.segmenters.entry import FoundSegmenter
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.entry import MaskTracking
from sounddesk.engine.segmenters.entry import RankedModel
from sounddesk.engine.segmenters.entry import Search
from sounddesk.engine.segmenters.entry import SegmenterEntry
from sounddesk.engine.segmenters.entry import Tier
from sounddesk.engine.segmenters.entry import Tracker
from sounddesk.engine.segmenters.entry import TrackerEntry
from sounddesk.engine.segmenters.entry import rank_of
from sounddesk.engine.segmenters.registry import SEGMENTERS
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.catalogue.model_store import InstalledModel

# What a folder of transformers holds and a checkpoint of SAM does not.
_CONFIG_FILE: Final = "config.json"
_MODELS: Final = (
    RankedModel(id="sam2.1-tiny", cpu_rank=0, accelerator_rank=6),
    RankedModel(id="sam2.1-small", cpu_rank=1, accelerator_rank=4),
    RankedModel(id="sam2.1-base-plus", cpu_rank=2, accelerator_rank=2),
    RankedModel(id="sam2.1-large", cpu_rank=4, accelerator_rank=0),
)


def _own(models: Sequence[InstalledModel]) -> list[InstalledModel]:
    return [model for model in models if _CONFIG_FILE in model.files]


def _find(search: Search) -> Iterator[FoundSegmenter]:
    for model in _own(search.models):
        yield FoundSegmenter(
            what="the installed SAM 2",
            tier=Tier.INSTALLED,
            rank=rank_of(_MODELS, model.id, device=search.device),
            load=partial(_load_installed, model, device=search.device),
        )


def _load_installed(model: InstalledModel, *, device: str) -> LoadedSegmenter:
    from sounddesk.engine.segmenters.sam2 import Sam2Segmenter

    model.verify()
    segmenter = Sam2Segmenter.from_folder(model.folder, name=model.name, device=device)
    return LoadedSegmenter(segmenter=segmenter, label=f"{model.name} (installed) on {device}")


def _load_folder(path: Path, device: str) -> LoadedSegmenter:
    from sounddesk.engine.segmenters.sam2 import Sam2Segmenter

    segmenter = Sam2Segmenter.from_folder(path, device=device)
    return LoadedSegmenter(segmenter=segmenter, label=f"SAM 2 ({path.name}) on {device}")


def installed_sam2(root: Path | None = None) -> InstalledModel | None:
    """The quickest installed SAM 2; None where there is none."""
    from sounddesk.engine.catalogue.model_store import installed_models

    found = _own(installed_models("segmenter", folder=root))
    return min(found, key=lambda model: rank_of(_MODELS, model.id, device="cpu"), default=None)


def _find_tracking(device: str) -> MaskTracking | None:
    from importlib.util import find_spec

    model = installed_sam2()
    # Older versions of transformers know SAM 2 for stills only.
    if model is None or find_spec("transformers.models.sam2_video") is None:
        return None
    return MaskTracking(name=f"{model.id} {model.origin}", start=_TrackerStart(model, device=device))


class _TrackerStart:
    """Loads the model at the first use, which is long after the choice, and keeps it for the other direction."""

    def __init__(self, model: InstalledModel, *, device: str) -> None:
        self._model = model
        self._device = device
        self._network: Any = None

    def __call__(self, image: RgbImage, masks: Mapping[str, Coverage]) -> Tracker:
        from sounddesk.engine.device import choose_device
        from sounddesk.engine.segmenters.sam2_video import Sam2MaskTracker
        from sounddesk.engine.segmenters.sam2_video import load_video_model

        if self._network is None:
            self._network = load_video_model(self._model, device=str(choose_device(self._device).device))
        return Sam2MaskTracker(self._network, image, masks)


ENTRY = SEGMENTERS.register(
    SegmenterEntry(
        name="sam2",
        title="SAM 2",
        rank=10,
        capabilities=Capabilities(proposes=True, video=True),
        find=_find,
        models=_MODELS,
        checkpoint=CheckpointFormat(
            description="a folder of SAM 2", suffixes=(), accepts=Path.is_dir, load=_load_folder
        ),
        tracker=TrackerEntry(name="sam2", title="SAM 2", rank=10, find=_find_tracking),
    )
)

"""What a segmenter says of itself: what it can do, where it is found, how it is loaded, which one goes first.

An entry is read by `--help`, the preferences and `doctor`, so its module imports neither torch nor OpenCV before it has
to load something.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.bundles.bundle import Bundle
    from sounddesk.engine.catalogue.model_store import InstalledModel

Coverage = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a segmenter answers to.

    Attributes:
        clicks: positive and negative clicks, and scribbles, which become clicks.
        boxes: a rectangle around the object.
        mask_hint: a mask to start from.
        proposes: has its own way to find objects without a prompt (`ProposesObjects`); for one that has not, a grid of
            clicks is tried.
        video: its weights also carry masks along a shot.
    """

    clicks: bool = True
    boxes: bool = True
    mask_hint: bool = True
    proposes: bool = False
    video: bool = False

    def __str__(self) -> str:
        names = {
            "clicks": self.clicks,
            "boxes": self.boxes,
            "masks": self.mask_hint,
            "suggestions": self.proposes,
            "shots": self.video,
        }
        return ", ".join(name for name, has in names.items() if has)


@dataclass(frozen=True, kw_only=True)
class RankedModel:
    """An entry of the catalogue that a segmenter can load.

    Attributes:
        id: in the catalogue.
        cpu_rank: place among all installed ones where they run on a CPU: the quickest first.
        accelerator_rank: place elsewhere: the most exact first.
    """

    id: str
    cpu_rank: int
    accelerator_rank: int


# Of an installed model that no entry names, such as one that the user linked.
UNKNOWN_RANK = 1000


def rank_of(models: Sequence[RankedModel], model_id: str, *, device: str) -> int:
    """Place of an installed model among all of them; `UNKNOWN_RANK` for one that is not listed."""
    for model in models:
        if model.id == model_id:
            return model.cpu_rank if device == "cpu" else model.accelerator_rank
    return UNKNOWN_RANK


class Tier(IntEnum):
    """Where a segmenter was found; what stands first is tried first."""

    INSTALLED = 0
    """Installed by `sounddesk models install`."""
    LOOSE_FILE = 1
    """A checkpoint that somebody copied into the models folder."""
    BUNDLE = 2
    """A part of a bundle."""
    EMBEDDED = 3
    """A part of the program."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where to look.

    Attributes:
        folder: the models folder.
        models: installed segmenters, their files unchecked.
        bundles: whose own segmenters may be used, the preferred one first: names, folders or open bundles.
        device: where it will run, as torch writes it.
    """

    folder: Path
    models: tuple[InstalledModel, ...]
    bundles: tuple[str | Path | Bundle, ...]
    device: str


@dataclass(frozen=True, kw_only=True)
class LoadedSegmenter:
    """A segmenter that is ready.

    Attributes:
        label: what it is and where it comes from, for a notice, e.g. 'SAM ViT-B (sam_vit_b.pth) on cpu'.
        notes: what else the user should know of it.
    """

    segmenter: Segmenter
    label: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FoundSegmenter:
    """A segmenter that could be loaded.

    Attributes:
        what: what it is, to be followed by 'cannot be used', e.g. 'the installed SAM'.
        rank: within its tier; lower goes first.
        load: checks every file and loads it. Raises: EngineError.
    """

    what: str
    tier: Tier
    rank: int
    load: Callable[[], LoadedSegmenter]


@dataclass(frozen=True, kw_only=True)
class CheckpointFormat:
    """What the user may name as a checkpoint of this segmenter.

    Attributes:
        description: for `--help`, e.g. 'a file of SAM'.
        suffixes: of its files, for the dialog; empty where it is a folder.
        accepts: whether this path would be one.
        load: from the path, onto a device. Raises: SegmenterError.
    """

    description: str
    suffixes: tuple[str, ...]
    accepts: Callable[[Path], bool]
    load: Callable[[Path, str], LoadedSegmenter]


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
    """How masks are carried along a shot.

    Attributes:
        name: stands in the inputs of what is rendered, since another way gives other masks.
        start: a tracker from a frame (sRGB uint8[H, W, 3]) and its masks (uint8[H, W] by object name); may load a
            network at its first call. Raises: EngineError.
    """

    name: str
    start: Callable[[RgbImage, Mapping[str, Coverage]], Tracker]


@dataclass(frozen=True, kw_only=True)
class TrackerEntry:
    """A way to carry masks along.

    Attributes:
        name: unique among trackers.
        title: for a reader.
        rank: lower is preferred.
        find: the tracking for a device ('auto' for the best one); None where its weights are not installed.
    """

    name: str
    title: str
    rank: int
    find: Callable[[str], MaskTracking | None]


@dataclass(frozen=True, kw_only=True)
class SegmenterEntry:
    """A registered segmenter.

    Attributes:
        name: unique among segmenters, lower case.
        title: for a reader.
        rank: breaks ties, and says who is asked first whether a checkpoint is theirs; lower goes first.
        find: every one of its kind that is there; must not load anything.
        models: entries of the catalogue that it loads.
        checkpoint: what the user may name; None where there is no such file.
        tracker: how its weights carry masks along a shot.

    Raises:
        ValueError: `capabilities.video` and `tracker` disagree.
    """

    name: str
    title: str
    rank: int
    capabilities: Capabilities
    find: Callable[[Search], Iterable[FoundSegmenter]]
    models: tuple[RankedModel, ...] = ()
    checkpoint: CheckpointFormat | None = None
    tracker: TrackerEntry | None = None

    def __post_init__(self) -> None:
        if self.capabilities.video != (self.tracker is not None):
            raise ValueError(f"segmenter {self.name!r}: video is {self.capabilities.video}, but tracker {self.tracker}")

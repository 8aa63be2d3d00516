"""Which segmenter is active: the one that is named, else the best that is installed, else the bundle's, else GrabCut.

The notice is shown to the user, so that nobody judges SAM by the starter's masks, or either by GrabCut's. torch is
imported only where a segmenter needs it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import cast

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.catalogue import model_store
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.segmenters.entry import FoundSegmenter
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.entry import Search
from sounddesk.engine.segmenters.entry import SegmenterEntry
from sounddesk.engine.segmenters.entry import Tier
from sounddesk.engine.segmenters.grid_proposals import GridProposer
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.registry import ranked_segmenters
from sounddesk.resources_folder import SHIPPED_BUNDLE

CHECKPOINT_VARIABLE: Final = "SOUNDDESK_SAM_CHECKPOINT"
_ADVICE: Final = "; for better masks give a SAM checkpoint with --sam FILE"


@dataclass(frozen=True, kw_only=True)
class SegmenterChoice:
    """The active segmenter.

    Attributes:
        segmenter: ready to encode.
        entry: what it can do.
        notice: one line for the user that names it.
        notes: what else the user should know, e.g. that the checkpoint is not one of the published ones.
    """

    segmenter: Segmenter
    entry: SegmenterEntry
    notice: str
    notes: tuple[str, ...] = ()

    @property
    def proposer(self) -> ProposesObjects:
        """Finds objects that nobody pointed at; see `proposer_for`."""
        return proposer_for(self.entry, self.segmenter)


def proposer_for(entry: SegmenterEntry, segmenter: Segmenter) -> ProposesObjects:
    """What finds objects that nobody pointed at: the segmenter itself where it can, else a grid of clicks on it."""
    if entry.capabilities.proposes:
        return cast("ProposesObjects", segmenter)
    return GridProposer(segmenter)


@constructing()
def choose_segmenter(
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    device: str = "cpu",
    environment: Mapping[str, str] | None = None,
    models_folder: Path | None = None,
    bundle: str | Path | Bundle = SHIPPED_BUNDLE,
) -> SegmenterChoice:
    """The segmenter for the checkpoint given, named in the environment or installed, in this order; else a bundle's.

    Args:
        checkpoint: what `--sam` names: a file of SAM, or a folder of SAM 2.
        device: where it runs, as torch writes it, e.g. 'cuda:0'.
        environment: variables to read; the process's own by default.
        models_folder: where installed checkpoints lie; `model_store.models_folder()` by default.
        bundle: whose segmenter; where it has none, the starter's.

    Raises:
        SegmenterError: the checkpoint named cannot be used. One that merely lies installed and cannot be used
            does not stop the work: the next in the order takes over and the notice says why.

    Example:
        >>> import numpy as np
        >>> from sounddesk.engine.segmenters.protocol import Prompt
        >>> image = np.zeros((48, 64, 3), np.uint8)
        >>> image[12:36, 20:44] = (220, 60, 40)
        >>> choice = choose_segmenter()
        >>> encoded = choice.segmenter.encode(image)
        >>> best = choice.segmenter.predict(encoded, Prompt.click(32, 24))[0]
        >>> best.mask.shape
        (48, 64)
    """
    variables = os.environ if environment is None else environment
    if checkpoint is not None:
        return _from_checkpoint(Path(checkpoint), device=device)
    named = variables.get(CHECKPOINT_VARIABLE, "").strip()
    if named:
        try:
            return _from_checkpoint(Path(named), device=device)
        except SegmenterError as error:
            raise SegmenterError(f"{CHECKPOINT_VARIABLE}: {error}") from error
    root = model_store.models_folder() if models_folder is None else models_folder
    search = Search(
        folder=root,
        models=tuple(model_store.installed_models("segmenter", folder=root)),
        bundles=(bundle,) if bundle == SHIPPED_BUNDLE else (bundle, SHIPPED_BUNDLE),
        device=device,
    )
    return _first_usable(find_segmenters(search))


def find_segmenters(search: Search) -> list[tuple[SegmenterEntry, FoundSegmenter]]:
    """Every segmenter that is there, in the order in which they are tried; nothing is loaded."""
    found = [(entry, each) for entry in ranked_segmenters() for each in entry.find(search)]
    return sorted(found, key=lambda pair: (pair[1].tier, pair[1].rank))


def _first_usable(found: list[tuple[SegmenterEntry, FoundSegmenter]]) -> SegmenterChoice:
    """The first that loads; the notice says why none before it was taken."""
    problem = ""
    for entry, each in found:
        try:
            loaded = each.load()
        except EngineError as error:
            problem = problem or f", because {each.what} cannot be used: {error}"
            continue
        advice = _ADVICE if each.tier >= Tier.BUNDLE else ""
        return _choice(entry, loaded, ending=problem or advice)
    raise SegmenterError(f"no segmenter is there{problem}: install sounddesk again")


def _from_checkpoint(path: Path, *, device: str) -> SegmenterChoice:
    for entry in ranked_segmenters():
        if entry.checkpoint is not None and entry.checkpoint.accepts(path):
            return _choice(entry, entry.checkpoint.load(path, device))
    raise SegmenterError(f"{str(path)!r} is no checkpoint of a segmenter: check the path")


def _choice(entry: SegmenterEntry, loaded: LoadedSegmenter, *, ending: str = "") -> SegmenterChoice:
    return SegmenterChoice(
        segmenter=loaded.segmenter, entry=entry, notice=f"segmenter: {loaded.label}{ending}", notes=loaded.notes
    )

"""The segmenters that an evaluation compares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.catalogue import model_store
from sounddesk.engine.device import choose_device
from sounddesk.engine.segmenters.choice import choose_segmenter
from sounddesk.engine.segmenters.choice import proposer_for
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.entry import Search
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.protocol import ProposesObjects
from sounddesk.engine.segmenters.registry import SEGMENTERS


def load_segmenters(names: Sequence[str], *, bundle: str | Path, device: str) -> list[LoadedSegmenter]:
    """Every segmenter of the names given; without names the one that clicks would use, and GrabCut beside it.

    Args:
        names: of registered segmenters. Of one that comes in several sizes, all that are installed are taken.
        bundle: whose own segmenter 'starter' is.
        device: 'auto' or as torch writes it.

    Raises:
        UnknownNameError: no segmenter has this name.
        BadInputError: one is not installed.
        EngineError: one cannot be loaded.
    """
    chosen = str(choose_device(device).device)
    if not names:
        choice = choose_segmenter(bundle=bundle, device=chosen)
        first = LoadedSegmenter(segmenter=choice.segmenter, label=choice.segmenter.name)
        second = GrabCutSegmenter()
        return (
            [first] if choice.entry.name == "grabcut" else [first, LoadedSegmenter(segmenter=second, label=second.name)]
        )
    root = model_store.models_folder()
    search = Search(
        folder=root,
        models=tuple(model_store.installed_models("segmenter", folder=root)),
        bundles=(bundle,),
        device=chosen,
    )
    loaded = []
    for name in names:
        found = list(SEGMENTERS.get(name).find(search))
        if not found:
            raise BadInputError(f"segmenter {name!r} is not installed", remedy="see 'sounddesk models list'")
        loaded += [each.load() for each in sorted(found, key=lambda each: (each.tier, each.rank))]
    return loaded


def load_proposer(name: str, *, bundle: str | Path, device: str) -> ProposesObjects:
    """What finds objects that nobody pointed at, by a segmenter's name; by the one that clicks would use where empty.

    Raises: as `load_segmenters`.
    """
    if not name:
        return choose_segmenter(bundle=bundle, device=str(choose_device(device).device)).proposer
    loaded = load_segmenters((name,), bundle=bundle, device=device)[0]
    return proposer_for(SEGMENTERS.get(name), loaded.segmenter)

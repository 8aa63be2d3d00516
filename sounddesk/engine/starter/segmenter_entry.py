"""The segmenter that a bundle brings along."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import SEGMENTER_ROLE
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.segmenters.entry import Capabilities
from sounddesk.engine.segmenters.entry import FoundSegmenter
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.entry import Search
from sounddesk.engine.segmenters.entry import SegmenterEntry
from sounddesk.engine.segmenters.entry import Tier
from sounddesk.engine.segmenters.registry import SEGMENTERS


def _find(search: Search) -> Iterator[FoundSegmenter]:
    for rank, named in enumerate(search.bundles):
        try:
            bundle = named if isinstance(named, Bundle) else find_bundle(named)
            if SEGMENTER_ROLE not in bundle.manifest.components:
                continue
        except EngineError:
            # Found all the same, so that the user is told what is wrong when it is loaded.
            pass
        yield FoundSegmenter(
            what=f"the segmenter of bundle {named.name if isinstance(named, Bundle) else str(named)!r}",
            tier=Tier.BUNDLE,
            rank=rank,
            load=partial(_load, named, device=search.device),
        )


def _load(named: str | Path | Bundle, *, device: str) -> LoadedSegmenter:
    bundle = named if isinstance(named, Bundle) else find_bundle(named)
    from sounddesk.engine.starter.segmenter import StarterSegmenter

    segmenter = StarterSegmenter.from_bundle(bundle, device=device)
    return LoadedSegmenter(segmenter=segmenter, label=f"{segmenter.name} (small, from bundle {bundle.name!r})")


ENTRY = SEGMENTERS.register(
    SegmenterEntry(
        name="starter",
        title="the bundle's own segmenter",
        rank=80,
        capabilities=Capabilities(proposes=True),
        find=_find,
    )
)

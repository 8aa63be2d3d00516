"""GrabCut: part of the program, without weights."""

from __future__ import annotations

from collections.abc import Iterator

from sounddesk.engine.segmenters.entry import Capabilities
from sounddesk.engine.segmenters.entry import FoundSegmenter
from sounddesk.engine.segmenters.entry import LoadedSegmenter
from sounddesk.engine.segmenters.entry import Search
from sounddesk.engine.segmenters.entry import SegmenterEntry
from sounddesk.engine.segmenters.entry import Tier
from sounddesk.engine.segmenters.registry import SEGMENTERS


def _find(search: Search) -> Iterator[FoundSegmenter]:  # noqa: ARG001  # it is everywhere
    yield FoundSegmenter(what="GrabCut", tier=Tier.EMBEDDED, rank=0, load=_load)


def _load() -> LoadedSegmenter:
    from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter

    return LoadedSegmenter(segmenter=GrabCutSegmenter(), label="GrabCut (embedded)")


ENTRY = SEGMENTERS.register(
    SegmenterEntry(name="grabcut", title="GrabCut", rank=90, capabilities=Capabilities(proposes=True), find=_find)
)

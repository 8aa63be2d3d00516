"""The starter's recognition as a captioner: it is there where nothing is installed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.captioners.registry import CAPTIONERS
from sounddesk.engine.captioners.registry import Captioner
from sounddesk.engine.captioners.registry import CaptionerEntry
from sounddesk.engine.captioners.registry import FoundCaptioner

if TYPE_CHECKING:
    from sounddesk.engine.bundles.bundle import Bundle


def _find(search: ModelSearch) -> FoundCaptioner:
    return FoundCaptioner(label="the starter's recognition", load=partial(_load, search.bundle))


def _load(bundle: str | Path | Bundle) -> Captioner:
    from sounddesk.engine.starter.captioner import StarterCaptioner

    return StarterCaptioner.from_bundle(bundle)


CAPTIONERS.register(CaptionerEntry(name="starter", title="the starter's recognition", rank=80, find=_find))

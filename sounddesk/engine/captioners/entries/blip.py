"""BLIP, the paper's captioner."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from typing import Final

from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.captioners.registry import CAPTIONERS
from sounddesk.engine.captioners.registry import Captioner
from sounddesk.engine.captioners.registry import CaptionerEntry
from sounddesk.engine.captioners.registry import FoundCaptioner

if TYPE_CHECKING:
    from sounddesk.engine.catalogue.model_store import InstalledModel

_MODELS: Final = ("blip-large",)


def _find(search: ModelSearch) -> FoundCaptioner | None:
    from sounddesk.engine.catalogue.model_store import installed_models

    # Also one that the user linked, under any id.
    model = next(iter(installed_models("captioner", folder=search.models)), None)
    if model is None:
        return None
    return FoundCaptioner(label=model.name, load=partial(_load, model, device=search.device))


def _load(model: InstalledModel, *, device: str) -> Captioner:
    from sounddesk.engine.captioners.blip import BlipCaptioner

    model.verify()
    return BlipCaptioner.load(model.folder, device=device)


CAPTIONERS.register(CaptionerEntry(name="blip", title="BLIP", rank=10, find=_find, models=_MODELS))

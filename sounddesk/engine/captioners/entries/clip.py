"""CLIP, as it is installed for the paper's bundles."""

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

_MODELS: Final = ("clip-vit-b-16", "clip-vit-b-32")


def _find(search: ModelSearch) -> FoundCaptioner | None:
    from sounddesk.engine.catalogue.model_store import installed_model

    installed = (installed_model(model_id, folder=search.models) for model_id in _MODELS)
    model = next((each for each in installed if each is not None), None)
    if model is None:
        return None
    return FoundCaptioner(label=model.name, load=partial(_load, model, device=search.device))


def _load(model: InstalledModel, *, device: str) -> Captioner:
    from sounddesk.engine.captioners.clip import ClipCaptioner
    from sounddesk.engine.vocabulary import read_vocabulary

    model.verify()
    return ClipCaptioner.load(model.folder, read_vocabulary(), device=device)


CAPTIONERS.register(CaptionerEntry(name="clip", title="CLIP", rank=20, find=_find, models=_MODELS, names_things=True))

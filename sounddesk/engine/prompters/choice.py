"""Which prompter is active: the best one that is installed, else the starter's own recognition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.prompters.registry import ranked_prompters
from sounddesk.resources_folder import SHIPPED_BUNDLE

if TYPE_CHECKING:
    from sounddesk.engine.bundles.bundle import Bundle


def open_prompter(
    bundle: str | Path | Bundle = SHIPPED_BUNDLE, *, device: str = "cpu", models_folder: Path | None = None
) -> Prompter:
    """The best prompter that is there, loaded.

    Args:
        bundle: whose own eyes are taken where no prompter is installed; the starter's where it has none.
        device: where it runs, as torch writes it.
        models_folder: where installed models lie; the user's own by default.

    Raises:
        EngineError: there is none, or an installed one cannot be used; the message says why.
    """
    search = ModelSearch(models=models_folder, bundle=bundle, device=device)
    for entry in ranked_prompters():
        load = entry.find(search)
        if load is not None:
            return load()
    raise EngineError("nothing here finds things by words: see 'sounddesk models list'")

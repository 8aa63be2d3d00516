"""Which captioner is active: BLIP where it is installed, else CLIP, else the starter's own recognition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.captioners.registry import Captioner
from sounddesk.engine.captioners.registry import FoundCaptioner
from sounddesk.engine.captioners.registry import ranked_captioners
from sounddesk.resources_folder import SHIPPED_BUNDLE

if TYPE_CHECKING:
    from sounddesk.engine.bundles.bundle import Bundle


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptionerChoice:
    """The active captioner, and what it is for a reader."""

    captioner: Captioner
    label: str


def find_captioner(
    bundle: str | Path | Bundle = SHIPPED_BUNDLE, *, device: str = "cpu", models_folder: Path | None = None
) -> FoundCaptioner:
    """The best captioner that is there, not loaded yet.

    Args:
        bundle: whose own recogniser is taken where no captioner is installed; the starter's where it has none.
        device: where it runs, as torch writes it.
        models_folder: where installed models lie; the user's own by default.

    Raises:
        EngineError: there is none.
    """
    search = ModelSearch(models=models_folder, bundle=bundle, device=device)
    found = (entry.find(search) for entry in ranked_captioners())
    first = next((each for each in found if each is not None), None)
    if first is None:
        raise EngineError("nothing here puts pictures into words: see 'sounddesk models list' for captioners")
    return first


def open_captioner(
    bundle: str | Path | Bundle = SHIPPED_BUNDLE, *, device: str = "cpu", models_folder: Path | None = None
) -> CaptionerChoice:
    """The same, loaded.

    Raises:
        EngineError: there is none, or an installed one cannot be used; the message says why.
    """
    found = find_captioner(bundle, device=device, models_folder=models_folder)
    return CaptionerChoice(captioner=found.load(), label=found.label)

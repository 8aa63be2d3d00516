"""SAM 3: boxes and masks by words in one network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.prompters.registry import PROMPTERS
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.prompters.registry import PrompterEntry
from sounddesk.engine.prompters.registry import installed_prompter

_MODELS: Final = ("sam3",)


def _load(folder: Path, device: str) -> Prompter:
    from sounddesk.engine.prompters.mask_networks import Sam3Prompter

    return Sam3Prompter.load(folder, device)


def _find(search: ModelSearch) -> Callable[[], Prompter] | None:
    return installed_prompter(search, _MODELS, _load)


PROMPTERS.register(PrompterEntry(name="sam3", title="SAM 3", rank=10, find=_find, models=_MODELS))

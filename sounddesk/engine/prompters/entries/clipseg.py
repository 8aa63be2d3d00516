"""CLIPSeg: a heat map by words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.prompters.registry import PROMPTERS
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.prompters.registry import PrompterEntry
from sounddesk.engine.prompters.registry import installed_prompter

_MODELS: Final = ("clipseg-rd64",)


def _load(folder: Path, device: str) -> Prompter:
    from sounddesk.engine.prompters.mask_networks import ClipSegPrompter

    return ClipSegPrompter.load(folder, device)


def _find(search: ModelSearch) -> Callable[[], Prompter] | None:
    return installed_prompter(search, _MODELS, _load)


PROMPTERS.register(PrompterEntry(name="clipseg", title="CLIPSeg", rank=40, find=_find, models=_MODELS))

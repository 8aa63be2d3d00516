"""The starter's recognition as a prompter: it is there where nothing is installed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.prompters.registry import PROMPTERS
from sounddesk.engine.prompters.registry import Prompter
from sounddesk.engine.prompters.registry import PrompterEntry

if TYPE_CHECKING:
    from sounddesk.engine.bundles.bundle import Bundle


def _load(bundle: str | Path | Bundle) -> Prompter:
    from sounddesk.engine.starter.prompter import StarterPrompter

    return StarterPrompter.from_bundle(bundle)


def _find(search: ModelSearch) -> partial[Prompter]:
    return partial(_load, search.bundle)


PROMPTERS.register(PrompterEntry(name="starter", title="the starter's recognition", rank=80, find=_find))

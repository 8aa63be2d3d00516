"""Where the models of registered captioners and prompters are looked for (no torch)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sounddesk.engine.bundles.bundle import Bundle


@dataclass(frozen=True, kw_only=True)
class ModelSearch:
    """Where to look.

    Attributes:
        models: the models folder; None for the user's own.
        bundle: whose own eyes may be used.
        device: where it runs, as torch writes it.
    """

    models: Path | None
    bundle: str | Path | Bundle
    device: str

"""Who publishes: the one place that every artefact takes its addresses from is `[tool.sounddesk.publisher]` in
pyproject.toml. As long as nobody does, they are empty there, and the artefacts name none.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).resolve().parent.parent / "pyproject.toml"


@dataclass(frozen=True)
class Publisher:
    """Addresses without a slash at the end; "" for none.

    Attributes:
        homepage: of the site that packaging/site builds, e.g. 'https://HOST/sounddesk'.
        contact: e-mail of whoever answers for the packages.
    """

    homepage: str
    contact: str


def publisher() -> Publisher:
    """What pyproject.toml says."""
    told = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["tool"]["sounddesk"]["publisher"]
    return Publisher(homepage=told["homepage"].rstrip("/"), contact=told["contact"])

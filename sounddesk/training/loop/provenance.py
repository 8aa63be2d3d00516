"""The bundle that a run was fine-tuned from, with its licence; carried into every checkpoint and export."""

from __future__ import annotations

import json
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.codec import load

PROVENANCE_NAME: Final = "provenance.json"


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The base of a run.

    Attributes:
        base: name of the bundle that the run started from.
        sha256: of that bundle's manifest, which holds the hash of every file.
        licence: the base's terms as its manifest states them; a fine-tuned model inherits them.
    """

    base: str
    sha256: str
    licence: dict[str, Any]

    @classmethod
    def of(cls, bundle: Bundle) -> Provenance:
        return cls(base=bundle.name, sha256=bundle.sha256, licence=asdict(bundle.manifest.licence))

    def text(self) -> str:
        return f"fine-tuned from {self.base} (sha256 {self.sha256})"

    def write(self, folder: Path) -> None:
        """Write `provenance.json` into an export."""
        write_file(folder / PROVENANCE_NAME, (json.dumps(asdict(self), indent=2) + "\n").encode())

    @classmethod
    def read(cls, folder: Path) -> Provenance | None:
        """The base that an export was trained from; None where there is none."""
        path = folder / PROVENANCE_NAME
        return load(cls, path) if path.is_file() else None

"""What figures about rendered takes belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sounddesk.engine.types import SamplingSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderedFigures:
    """Base of results that are measured on takes of one bundle, all rendered with the same settings.

    Attributes:
        seconds: length of each take.
    """

    bundle: str
    bundle_sha256: str
    seed: int
    seconds: float
    sampling: SamplingSettings

    def settings_text(self) -> str:
        """Bundle and settings, for the end of a result's line."""
        return f"bundle {self.bundle}, preset {self.sampling.preset}, {self.seconds:g} s, seed {self.seed}"

    def settings_json(self) -> dict[str, Any]:
        """The same for a result's JSON."""
        return {
            "bundle": self.bundle,
            "bundle_sha256": self.bundle_sha256,
            "seed": self.seed,
            "seconds": self.seconds,
            "preset": self.sampling.preset,
            "steps": self.sampling.steps,
            "guidance": self.sampling.guidance,
        }

"""What a value may be, written beside its type: `seconds: Annotated[float, Range(1, 60)]`.

The domain's dataclasses stay plain; whoever reads them from a file (`storage.codec`) enforces the limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included."""

    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Pattern:
    """A text that `expression` matches as a whole; `meaning` says it to a reader."""

    expression: str
    meaning: str


Sha256 = Annotated[str, Pattern("[0-9a-f]{64}", "the 64 hexadecimal digits of a SHA-256")]
NotEmpty = Annotated[str, Pattern(r"(?s).+", "a text that is not empty")]
Count = Annotated[int, Range(0, 2**31 - 1)]
Pixel = Annotated[int, Range(0, 2**31 - 1)]
# Of a layer of a network, and of how many there are of one.
LayerSize = Annotated[int, Range(1, 1 << 20)]
PixelSize = Annotated[int, Range(1, 2**31 - 1)]
# Times that a file may name: eleven days, so that counting samples of them is always possible.
TimeS = Annotated[float, Range(0.0, 1_000_000.0)]
GainDb = Annotated[float, Range(-60.0, 60.0)]
Seed = Annotated[int, Range(0, 2**63 - 1)]

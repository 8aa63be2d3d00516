"""Takes: one generated waveform each, with its whole recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """One generated waveform; never overwritten, so the samples are made read-only.

    Attributes:
        object_name: what sounds, as the user named it.
        waveform: float32[n], mono, finite; kept as a read-only copy.
        sample_rate_hz: of the waveform.
        recipe: JSON-ready facts to make it again: bundle, seed, steps, guidance, mask hash, text hint, length.

    Raises:
        ValueError: waveform not mono float32, empty or with samples that are not finite.
    """

    object_name: str
    waveform: npt.NDArray[np.float32]
    sample_rate_hz: int
    recipe: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.waveform.dtype != np.float32 or self.waveform.ndim != 1 or not self.waveform.size:
            raise ValueError(
                f"waveform of {self.object_name!r} is {self.waveform.dtype}{list(self.waveform.shape)}: "
                "give float32[n] with at least one sample"
            )
        if not np.isfinite(self.waveform).all():
            raise ValueError(f"waveform of {self.object_name!r} has samples that are not finite: make the take again")
        if self.sample_rate_hz <= 0:
            raise ValueError(f"sample rate is {self.sample_rate_hz} Hz: it must be positive")
        waveform = self.waveform.copy()
        waveform.setflags(write=False)
        object.__setattr__(self, "waveform", waveform)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.waveform) / self.sample_rate_hz

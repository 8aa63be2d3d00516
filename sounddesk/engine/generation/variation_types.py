"""Requests for takes that begin from a sound: variations of it, and stretches of it made anew. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Final

from sounddesk.engine.specs import MAX_SECONDS
from sounddesk.engine.specs import MIN_SECONDS
from sounddesk.engine.types import MAX_SEED
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import Waveform

LEAST_RANGE_S: Final = 0.05
DEFAULT_STRENGTH: Final = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class VariationRequest:
    """Takes of an object that begin from a sound.

    Attributes:
        image: sRGB uint8[H, W, 3].
        take: the object whose condition leads; its seed is the first one's.
        seeds: one per take.
        waveform: mono float32[n] of at least one sample, at any level.
        sample_rate_hz: of the waveform.
        strength: how much of it is made anew, 0 (a copy through the codec) to 1 (a new sound).
        regenerate_s: only this stretch is made anew, in seconds; the rest stays as it is, bit by bit. None for all.
    """

    image: RgbImage
    take: ObjectRequest
    seeds: tuple[int, ...]
    waveform: Waveform
    sample_rate_hz: int
    strength: float = DEFAULT_STRENGTH
    regenerate_s: tuple[float, float] | None = None
    sampling: SamplingSettings = field(default_factory=SamplingSettings)

    @property
    def seconds(self) -> float:
        return len(self.waveform) / self.sample_rate_hz

    def check(self) -> None:
        """Refuse what cannot be made, before any network is loaded.

        Raises:
            EngineError: a mask that cannot be used.
            ValueError: a strength, a range, a seed or a length out of range.
        """
        self.take.check(size=(self.image.shape[0], self.image.shape[1]))
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError(f"strength is {self.strength:g}: choose from 0 (a copy) to 1 (a new sound)")
        if not self.seeds or not all(0 <= seed <= MAX_SEED for seed in self.seeds):
            raise ValueError(f"seeds are {list(self.seeds)}: give at least one, from 0 to {MAX_SEED}")
        if not 0.0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"sound lasts {self.seconds:g} s: choose one of at most {MAX_SECONDS:g} s, or cut it")
        if self.regenerate_s is not None:
            start_s, end_s = self.regenerate_s
            if not 0.0 <= start_s < end_s <= self.seconds + 1e-6 or end_s - start_s < LEAST_RANGE_S:
                raise ValueError(
                    f"range to regenerate is {start_s:g}-{end_s:g} s of {self.seconds:.2f} s: choose one inside, of at "
                    f"least {LEAST_RANGE_S:g} s"
                )

    @property
    def engine_seconds(self) -> float:
        """What the networks make: never less than they can."""
        return max(MIN_SECONDS, self.seconds)

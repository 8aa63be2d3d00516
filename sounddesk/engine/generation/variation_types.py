"""Requests for takes that begin from a sound. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from sounddesk.engine.generation.sound_edits import SoundEdit
from sounddesk.engine.generation.sound_edits import Variation
from sounddesk.engine.generation.sound_edits import check_edit
from sounddesk.engine.specs import MAX_SECONDS
from sounddesk.engine.specs import MIN_SECONDS
from sounddesk.engine.types import MAX_SEED
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import Waveform


@dataclass(frozen=True, kw_only=True, eq=False)
class VariationRequest:
    """Takes of an object that begin from a sound.

    Attributes:
        image: sRGB uint8[H, W, 3].
        take: the object whose condition leads; its seed is the first one's.
        seeds: one per take.
        waveform: mono float32[n] of at least one sample, at any level.
        sample_rate_hz: of the waveform.
        edit: what is made of it.
        origin: where the sound comes from, JSON-ready; stands in the recipe of every take.
    """

    image: RgbImage
    take: ObjectRequest
    seeds: tuple[int, ...]
    waveform: Waveform
    sample_rate_hz: int
    edit: SoundEdit = field(default_factory=Variation)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source_seconds(self) -> float:
        """Of the sound that it begins from."""
        return len(self.waveform) / self.sample_rate_hz

    @property
    def seconds(self) -> float:
        """Of the takes."""
        return self.source_seconds + self.edit.added_s

    def check(self) -> None:
        """Refuse what cannot be made, before any network is loaded.

        Raises:
            EngineError: a mask that cannot be used.
            ValueError: a seed, a length or something of the edit is out of range.
        """
        self.take.check(size=(self.image.shape[0], self.image.shape[1]))
        if not self.seeds or not all(0 <= seed <= MAX_SEED for seed in self.seeds):
            raise ValueError(f"seeds are {list(self.seeds)}: give at least one, from 0 to {MAX_SEED}")
        check_source(self.source_seconds, self.edit)

    @property
    def engine_seconds(self) -> float:
        """What the networks make: never less than they can."""
        return max(MIN_SECONDS, self.seconds)


def check_source(seconds: float, edit: SoundEdit) -> None:
    """Refuse what cannot be done with a sound of this length. Raises: ValueError."""
    if not 0.0 < seconds <= MAX_SECONDS:
        raise ValueError(f"sound lasts {seconds:g} s: choose one of at most {MAX_SECONDS:g} s, or cut it")
    check_edit(edit, seconds=seconds)

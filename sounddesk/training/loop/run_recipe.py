"""What every training recipe says besides its task's own `model` section."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.training.loop.optimiser_recipe import LiveRecipe
from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe


@dataclass(frozen=True, kw_only=True)
class AudioRecipe:
    """Geometry shared by all tasks of one bundle."""

    mel: MelSpec = field(default_factory=MelSpec)
    latent_channels: int = 8
    time_factor: int = 4
    freq_factor: int = 4
    mel_fold: tuple[int, ...] = (1, 1)
    latent_multiple: int = 8
    finished_rate_hz: int | None = None

    def spec(self) -> AudioSpec:
        latent = LatentSpec(
            channels=self.latent_channels,
            time_factor=self.time_factor,
            freq_factor=self.freq_factor,
            mel_fold=(self.mel_fold[0], self.mel_fold[1]),
        )
        return AudioSpec(
            mel=self.mel,
            latent=latent,
            latent_multiple=self.latent_multiple,
            finished_rate_hz=self.finished_rate_hz,
        )


@dataclass(frozen=True, kw_only=True)
class RunRecipe:
    """What every recipe says besides its task's own `model` section.

    Attributes:
        inputs: folders of finished runs whose exports this task needs, by component.
    """

    task: str
    data: Path
    run_dir: Path
    seed: int = 0
    audio: AudioRecipe = field(default_factory=AudioRecipe)
    optimiser: OptimiserRecipe
    live: LiveRecipe = field(default_factory=LiveRecipe)
    inputs: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def input_folders(self) -> dict[str, Path]:
        """`inputs` as paths."""
        return {name: Path(folder) for name, folder in self.inputs.items()}

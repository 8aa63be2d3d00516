"""What a text engine says of itself, and the registry of them (no torch).

Each module of this package registers its engine; a bundle asks for it by the class in its `model_index.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sounddesk.domain.registry import Registry
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.types import SamplingSettings

if TYPE_CHECKING:
    # At run time it imports torch, which listing bundles does without.
    from sounddesk.engine.device import DevicePolicy

OnStep = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class SoundPrompt:
    """What a text engine is asked for: one sound, which follows from these values alone.

    Attributes:
        negative_prompt: what it must not sound like; empty for the model's own null condition.
        n_samples: least length of the sound.
    """

    prompt: str
    negative_prompt: str
    seed: int
    n_samples: int
    sampling: SamplingSettings


class TextEngine(Protocol):
    """A loaded text engine."""

    def sample(self, asked: SoundPrompt, *, on_step: OnStep) -> npt.NDArray[np.float32]:
        """One sound float32[channels, n], at least `asked.n_samples` long.

        Args:
            on_step: called with the number of steps done; raising stops the loop.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class TextEngineEntry:
    """One text engine.

    Attributes:
        name: class of the pipeline in `model_index.json`.
        audio_spec: rate and mel settings of an installed model, by its folder. Raises: EngineError.
        longest_s: the most that it makes at once, by its folder; None where only the session's own limit holds.
        load: reads an installed model whose files were verified.
    """

    name: str
    audio_spec: Callable[[Path], AudioSpec]
    longest_s: Callable[[Path], float | None]
    load: Callable[[Path, AudioSpec, DevicePolicy], TextEngine]


TEXT_ENGINES: Final[Registry[TextEngineEntry]] = Registry("text engine", package="sounddesk.engine.text_engines")

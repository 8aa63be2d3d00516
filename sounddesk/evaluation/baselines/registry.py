"""Ways to make a sound for a clip that systems are compared with, each registered in its own module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final
from typing import Literal

from sounddesk.domain.registry import Registry

if TYPE_CHECKING:
    from sounddesk.engine.session import EngineSession
    from sounddesk.engine.tasks import CancelToken
    from sounddesk.engine.types import SamplingSettings
    from sounddesk.engine.types import Waveform
    from sounddesk.evaluation.evaluation_clip import EvaluationClip

BaselineNeed = Literal["image", "text", "recordings"]


@dataclass(frozen=True, kw_only=True)
class BaselineContext:
    """What all clips of a run share.

    Attributes:
        recordings: folder of KIND/*.flac that sounds may be taken from.
        separator: folder of a separator that was learned.
    """

    session: EngineSession
    seed: int
    seconds: float
    sampling: SamplingSettings
    recordings: Path | None = None
    separator: Path | None = None
    cancel: CancelToken | None = None


MakeSound = Callable[["EvaluationClip"], "tuple[Waveform, int]"]
"""Sound float32[n] of a clip, and its sample rate in Hz."""


@dataclass(frozen=True, kw_only=True)
class BaselineEntry:
    """A way to make sounds.

    Attributes:
        summary: a phrase.
        needs: what a clip must have ('text' is a caption or an object), and what the run must be given.
        start: called once, gives what makes the sounds. Raises BadInputError or EngineError.
    """

    name: str
    summary: str
    needs: tuple[BaselineNeed, ...]
    start: Callable[[BaselineContext], MakeSound]


BASELINES: Final[Registry[BaselineEntry]] = Registry("baseline", package="sounddesk.evaluation.baselines.entries")

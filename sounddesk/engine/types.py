"""Requests to the engine and what comes back, free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Final
from typing import Literal

import numpy as np
import numpy.typing as npt

from sounddesk.domain.errors import EngineError

BoolMask = npt.NDArray[np.bool_]
FloatMask = npt.NDArray[np.float32]
RgbImage = npt.NDArray[np.uint8]
Waveform = npt.NDArray[np.float32]

PresetName = Literal["fast", "paper"]
TakeKind = Literal["object", "blend", "ambience"]

PRESET_STEPS: Final = {"paper": 200, "fast": 20}


class BundleError(EngineError):
    """A bundle that cannot be used; the message names the key or file and the remedy."""


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How the denoising loop runs.

    Attributes:
        preset: 'paper' = DDIM, 200 steps, eta 0 (paper 4.1); 'fast' = DPM-Solver++ (2M).
        steps: denoising steps; None takes the preset's number.
        guidance: classifier-free guidance scale, eq. (2) of the paper; 1.0 runs no unconditional pass.
        eta: DDIM noise, 0 to 1.
    """

    preset: PresetName = "fast"
    steps: int | None = None
    guidance: float = 2.0
    eta: float = 0.0

    def __post_init__(self) -> None:
        if self.preset not in ("fast", "paper"):
            raise ValueError(f"preset is {self.preset!r}: choose 'fast' or 'paper'")
        if self.steps is not None and not 1 <= self.steps <= 1000:
            raise ValueError(f"steps is {self.steps}: choose from 1 to 1000")
        if not 1.0 <= self.guidance <= 20.0:
            raise ValueError(f"guidance is {self.guidance:g}: choose from 1 to 20")
        if not 0.0 <= self.eta <= 1.0:
            raise ValueError(f"eta is {self.eta:g}: choose from 0 to 1")


def steps_of(sampling: SamplingSettings) -> int:
    """Number of denoising steps: what was asked for, else the preset's."""
    return PRESET_STEPS[sampling.preset] if sampling.steps is None else sampling.steps


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectRequest:
    """One take to generate.

    Attributes:
        name: the object's name, as the user wrote it.
        mask: probability in [0, 1] that a pixel belongs to the object, float32[H, W] at image size
            (a bool mask is taken as 0 and 1); for a blend the union (maximum) of its members' masks.
        hint: words that steer which sound of the object is meant, e.g. 'siren'; None leaves the mask alone.
        negative_hint: words for what it must not sound like; they take the place of the null condition in eq. (2), so
            that guidance leads away from them. Without effect at guidance 1.
        seed: 0 to 2**63 - 1; the whole noise of the take follows from it.
        kind: what the take stands for.
    """

    name: str
    mask: FloatMask | BoolMask
    seed: int
    hint: str | None = None
    negative_hint: str | None = None
    kind: TakeKind = "object"


@dataclass(frozen=True, kw_only=True, eq=False)
class GenerationRequest:
    """All takes of one image, generated as one batch.

    Attributes:
        image: sRGB uint8[H, W, 3].
        takes: what to generate, at least one.
        seconds: length, 1 to 60 s, exact to the sample.
    """

    image: RgbImage
    takes: tuple[ObjectRequest, ...]
    seconds: float = 10.0
    sampling: SamplingSettings = field(default_factory=SamplingSettings)


@dataclass(frozen=True, kw_only=True)
class TextRequest:
    """Sounds of texts alone, without an image: what the published text-to-audio models do.

    Attributes:
        prompts: one per take.
        seeds: one per take, 0 to 2**63 - 1.
        negative_prompt: what none of them must sound like; empty is the models' own null condition.
        seconds: length, 1 to 60 s, exact to the sample.
    """

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    negative_prompt: str = ""
    seconds: float = 10.0
    sampling: SamplingSettings = field(default_factory=SamplingSettings)


@dataclass(frozen=True, kw_only=True, eq=False)
class TakeCondition:
    """What the denoiser listens to for one object of one image: float32[C] each, with and without the object."""

    condition: npt.NDArray[np.float32]
    null: npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class BedRequest:
    """One continuous sound over a shot.

    Attributes:
        name: the object's name.
        conditions: of the object in some frames, at least one, in order of time.
        times_s: when these frames are, in seconds from the start.
        seconds: length, 1 to 3600 s, exact to the sample.
        seed: 0 to 2**63 - 1; the whole noise follows from it.
        window_s: what the denoiser sees at a time; each moment lies in two windows. About what it was trained with.
    """

    name: str
    conditions: tuple[TakeCondition, ...]
    times_s: tuple[float, ...]
    seconds: float
    seed: int
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    window_s: float = 5.12


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneratedBed:
    """A continuous sound: mono float32[round(seconds * sample_rate_hz)], where its windows begin, and what to know."""

    waveform: Waveform
    sample_rate_hz: int
    joins_s: tuple[float, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneratedTake:
    """One waveform with its whole recipe.

    Attributes:
        waveform: float32[round(seconds * sample_rate_hz)], mono, never clipped or normalised afterwards.
        sample_rate_hz: the bundle's rate.
        recipe: JSON-ready facts to make it again: bundle name and hash, seed, steps, guidance, eta, preset,
            mask sha256, hint, seconds, engine version.
        notes: what the user should know, e.g. 'bundle has no attention statistics: uniform weights on the mask'.
        mel: log-mel spectrogram float32[frames, n_mels] that the vocoder got (for balance and pictures).
        patch_weights: float32[P], what the model listened to; of no patches for a take made from a text.
    """

    name: str
    kind: TakeKind
    waveform: Waveform
    sample_rate_hz: int
    recipe: dict[str, Any]
    notes: tuple[str, ...]
    mel: npt.NDArray[np.float32]
    patch_weights: npt.NDArray[np.float32]

"""Requests to the engine, what is refused of them, and what comes back; free of torch."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Final
from typing import Literal

import numpy as np
import numpy.typing as npt

from sounddesk.domain.errors import EngineError
from sounddesk.domain.grounding_mode import GROUNDING_MODES
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.domain.mask import mask_sha256
from sounddesk.domain.preset import PRESETS
from sounddesk.domain.preset import PresetName
from sounddesk.domain.take import mono_of
from sounddesk.engine.specs import MAX_BED_SECONDS
from sounddesk.engine.specs import MIN_SECONDS
from sounddesk.engine.specs import check_seconds

BoolMask = npt.NDArray[np.bool_]
FloatMask = npt.NDArray[np.float32]
RgbImage = npt.NDArray[np.uint8]
Waveform = npt.NDArray[np.float32]

TakeKind = Literal["object", "blend", "ambience"]
RoundTrip = Literal["vocoder", "codec"]

PRESET_STEPS: Final[dict[PresetName, int]] = {"fast": 20, "draft": 4, "paper": 200}
MAX_SEED: Final = 2**63 - 1


class BundleError(EngineError):
    """A bundle that cannot be used; the message names the key or file and the remedy."""


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How the denoising loop runs.

    Attributes:
        preset: 'paper' = DDIM, 200 steps, eta 0 (paper 4.1); 'fast' = DPM-Solver++ (2M); 'draft' = the same in 4
            steps that are even in log-SNR, three times as quick.
        steps: denoising steps; None takes the preset's number.
        guidance: classifier-free guidance scale, eq. (2) of the paper; 1.0 runs no unconditional pass.
        eta: DDIM noise, 0 to 1.
    """

    preset: PresetName = "fast"
    steps: int | None = None
    guidance: float = 2.0
    eta: float = 0.0

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"preset is {self.preset!r}: choose {' or '.join(map(repr, PRESETS))}")
        if self.steps is not None and not 1 <= self.steps <= 1000:
            raise ValueError(f"steps is {self.steps}: choose from 1 to 1000")
        if not 1.0 <= self.guidance <= 20.0:
            raise ValueError(f"guidance is {self.guidance:g}: choose from 1 to 20")
        if not 0.0 <= self.eta <= 1.0:
            raise ValueError(f"eta is {self.eta:g}: choose from 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """Every field as it was asked for; ready for JSON."""
        return asdict(self)


def preset_named(name: str) -> PresetName:
    """The preset of that name; 'fast' for a name that this version does not know."""
    return next((preset for preset in PRESETS if preset == name), "fast")


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
        prompt: words that steer which sound of the object is meant, e.g. 'siren'; None leaves the mask alone.
        proposed_prompt: words for its sound by what it was recognised as; a text-only engine takes them where there is
            no prompt, and an image bundle, which sees the object itself, leaves them aside.
        negative_prompt: words for what it must not sound like; they take the place of the null condition in eq. (2), so
            that guidance leads away from them. Without effect at guidance 1.
        seed: 0 to 2**63 - 1; the whole noise of the take follows from it.
        kind: what the take stands for.
    """

    name: str
    mask: FloatMask | BoolMask
    seed: int
    prompt: str | None = None
    proposed_prompt: str | None = None
    negative_prompt: str | None = None
    kind: TakeKind = "object"

    @property
    def mask_sha256(self) -> str:
        """Hash of the mask's size and values; a mask of zeros and ones hashes as the bool mask that it is."""
        if self.mask.dtype == np.bool_ or np.isin(self.mask, (0, 1)).all():
            return mask_sha256(self.mask.astype(np.bool_))
        digest = hashlib.sha256(struct.pack("<II", *self.mask.shape))
        digest.update(np.ascontiguousarray(self.mask, dtype="<f4").tobytes())
        return digest.hexdigest()

    def check(self, *, size: tuple[int, int]) -> None:
        """Refuse a seed or a mask that cannot be used.

        Args:
            size: rows and columns of the image.

        Raises:
            EngineError: an empty mask, one with values outside 0 to 1, or one of another size than the image.
            ValueError: a seed out of range.
        """
        mask = self.mask
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed of {self.name!r} is {self.seed}: choose from 0 to {MAX_SEED}")
        if mask.shape != size:
            raise EngineError(
                f"mask of {self.name!r} is {_pixels(mask.shape)}, the image {_pixels(size)}: "
                "give a mask of the image's size"
            )
        if mask.dtype != np.bool_ and not (np.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1):
            raise EngineError(f"mask of {self.name!r} has values outside 0 to 1: give probabilities or a bool mask")
        # A probability mask is empty when no pixel is more likely object than not: that is the mask the user sees.
        if not (mask.any() if mask.dtype == np.bool_ else mask.max() >= 0.5):
            raise EngineError(f"mask of {self.name!r} is empty: select an object or paint one")


@dataclass(frozen=True, kw_only=True, eq=False)
class GenerationRequest:
    """All takes of one image, generated as one batch.

    Attributes:
        image: sRGB uint8[H, W, 3].
        takes: what to generate, at least one.
        seconds: length, 1 to 60 s, exact to the sample.
        grounding: what the takes follow. With 'caption' and 'caption-mix' it is words: a take's prompt, the proposed
            one, or those of a captioner for the whole image or for the object.
    """

    image: RgbImage
    takes: tuple[ObjectRequest, ...]
    seconds: float = 10.0
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    grounding: GroundingMode = "object"

    def check(self) -> None:
        """Refuse what cannot be generated, before any network is loaded.

        Raises:
            EngineError: a mask that cannot be used; the message names its take.
            ValueError: no take, an image that is not uint8[H, W, 3], a length, a seed or a grounding out of range.
        """
        check_seconds(self.seconds)
        check_image(self.image)
        if self.grounding not in GROUNDING_MODES:
            raise ValueError(f"grounding is {self.grounding!r}: choose {', '.join(GROUNDING_MODES)}")
        if not self.takes:
            raise ValueError("nothing to generate: ask for at least one take")
        for take in self.takes:
            take.check(size=(self.image.shape[0], self.image.shape[1]))


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

    def check(self) -> None:
        """Refuse what cannot be generated, before any network is loaded.

        Raises:
            EngineError: an empty text.
            ValueError: no text, another number of seeds than of texts, a length or a seed out of range.
        """
        check_seconds(self.seconds)
        if not self.prompts or len(self.prompts) != len(self.seeds):
            raise ValueError(f"{len(self.prompts)} texts and {len(self.seeds)} seeds: give one seed per text")
        for seed in self.seeds:
            if not 0 <= seed <= MAX_SEED:
                raise ValueError(f"seed is {seed}: choose from 0 to {MAX_SEED}")
        if not all(prompt.strip() for prompt in self.prompts):
            raise EngineError("text is empty: describe the sound")


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

    def check(self) -> None:
        """Refuse what cannot be generated, before any network is loaded.

        Raises:
            ValueError: a length, seed or window out of range, or conditions without times.
        """
        if not math.isfinite(self.seconds) or not MIN_SECONDS <= self.seconds <= MAX_BED_SECONDS:
            raise ValueError(f"bed lasts {self.seconds:g} s: choose from {MIN_SECONDS:g} s to {MAX_BED_SECONDS:g} s")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed of {self.name!r} is {self.seed}: choose from 0 to {MAX_SEED}")
        if not self.conditions or len(self.conditions) != len(self.times_s):
            raise ValueError(f"bed has {len(self.conditions)} conditions for {len(self.times_s)} times: give one each")
        if not 1.0 <= self.window_s <= 60.0:
            raise ValueError(f"window lasts {self.window_s:g} s: choose from 1 s to 60 s")


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneratedBed:
    """A continuous sound: mono float32[round(seconds * sample_rate_hz)], where its windows begin, and what to know.

    Attributes:
        recordings: facts of those that it is made of, JSON-ready; none for a sound that was generated.
    """

    waveform: Waveform
    sample_rate_hz: int
    joins_s: tuple[float, ...]
    notes: tuple[str, ...]
    recordings: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneratedTake:
    """One waveform with its whole recipe.

    Attributes:
        waveform: float32[round(seconds * sample_rate_hz)], or with left and right float32[n, 2] where the model makes
            stereo; never clipped or normalised afterwards.
        sample_rate_hz: the bundle's rate.
        recipe: JSON-ready facts to make it again: bundle name and hash, seed, steps, guidance, eta, preset,
            mask sha256, hint, seconds, engine version.
        notes: what the user should know, e.g. 'bundle has no attention statistics: uniform weights on the mask'.
        patch_weights: float32[P], what the model listened to; of no patches for a take made from a text.
    """

    name: str
    kind: TakeKind
    waveform: Waveform
    sample_rate_hz: int
    recipe: dict[str, Any]
    notes: tuple[str, ...]
    patch_weights: npt.NDArray[np.float32]

    @property
    def mono(self) -> Waveform:
        """Both channels averaged, float32[n]; of a mono take its waveform."""
        return mono_of(self.waveform)


def check_image(image: RgbImage) -> None:
    """Raises: ValueError, when `image` is not uint8[H, W, 3] with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image is {image.dtype}{list(image.shape)}: give sRGB uint8[H, W, 3]")


def image_sha256(image: RgbImage) -> str:
    """Hash of the image's size and pixels."""
    digest = hashlib.sha256(struct.pack("<II", *image.shape[:2]))
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _pixels(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in reversed(shape)) + " pixels"

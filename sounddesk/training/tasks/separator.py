"""Training of the separator of the baseline Retrieve & Separate: mix and separate, as Sound of Pixels does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from sounddesk.engine.perception.mask_separator import RATE_HZ
from sounddesk.engine.perception.mask_separator import MaskSeparator
from sounddesk.engine.perception.mask_separator import SeparatorShape
from sounddesk.engine.perception.mask_separator import spectrum
from sounddesk.engine.session import EngineSession
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.kind_vectors import caption_variants
from sounddesk.training.data.recordings import Kind
from sounddesk.training.data.recordings import Samples
from sounddesk.training.data.recordings import folds_of
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.sound_variation import change_speed
from sounddesk.training.data.soundscapes import lay_out
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.loop.training_task import Batch
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry

_RMS: Final = 0.1
_LEAST_RMS: Final = 1e-4
_BEST_RATIO: Final = 1e-3
"""Of error to sound: what is 30 dB apart need not come nearer."""
_LEAST_SHARE: Final = 1e-5
"""Of a separated sound: what is 50 dB below the rest counts as lost."""
_AUDIBLE: Final = 1e3
"""Bands this far below a mixture's loudest hardly count."""


@dataclass(frozen=True, kw_only=True)
class SeparatorShapeRecipe:
    """As `SeparatorShape`, whose vectors are as wide as the bundle's."""

    widths: tuple[int, ...] = (16, 24, 32, 48, 64)
    hidden: int = 32
    templates: int = 3
    maps: int = 16
    bands: int = 64


@dataclass(frozen=True, kw_only=True)
class SeparatorModelRecipe:
    """What a separator run does.

    Attributes:
        bundle: whose vectors of words stand for the kinds; its conditions of objects lie in their space.
        seconds: length of a mixture.
        levels_db: by how much the two recordings of a mixture differ at most; stretches of them may differ by more.
        speed: largest change of a recording's speed, as a share.
        tone_db: standard deviation of a random equalizer's knots.
        vector_noise: standard deviation added to each component of a unit vector.
        leave_out: the fold of `folds` (`folds_of`) that is not trained on; None trains on all recordings.
    """

    bundle: str = "starter"
    shape: SeparatorShapeRecipe = field(default_factory=SeparatorShapeRecipe)
    seconds: float = 2.56
    levels_db: float = 6.0
    speed: float = 0.12
    tone_db: float = 3.0
    vector_noise: float = 0.01
    leave_out: int | None = None
    folds: int = 4


class SeparatorTask:
    """Two recordings of different kinds are added, and each is asked for; the loss is the SI-SDR in bels, negated.

    `start` is a separator to go on from, for one of the same shape.
    """

    def __init__(
        self,
        recipe: SeparatorModelRecipe,
        *,
        kinds: Mapping[str, Kind],
        sounds: Mapping[str, list[Samples]],
        vectors: Mapping[str, Tensor],
        start: MaskSeparator | None = None,
    ) -> None:
        self.recipe = recipe
        self.kinds, self.sounds, self.vectors = kinds, sounds, vectors
        self.names = sorted(sounds)
        if len(self.names) < 2:
            raise DataError(f"training recordings are of {len(self.names)} kinds: mixtures need two")
        width = next(iter(vectors.values())).shape[1]
        try:
            shape = SeparatorShape(condition_width=width, **vars(recipe.shape))
        except ValueError as error:
            raise TrainingRecipeError(f"model.shape: {error}") from error
        if start is not None and start.shape != shape:
            raise TrainingRecipeError(f"inputs.start has another shape ({start.shape}): give it as model.shape")
        self.separator = start or MaskSeparator(shape)
        self.module: nn.Module = self.separator
        self.learning_rate_factors: Mapping[str, float] = {}

    def draw(self, rng: np.random.Generator, batch_size: int, *, step: int) -> Batch:  # noqa: ARG002
        """Sounds float32[B, 2, n] and vectors float32[B, 2, width] of the two kinds of each mixture."""
        sounds, vectors = [], []
        for _ in range(batch_size):
            chosen = rng.choice(len(self.names), size=2, replace=False)
            difference = rng.uniform(-self.recipe.levels_db, self.recipe.levels_db)
            for index, gain_db in zip(chosen, (difference / 2, -difference / 2), strict=True):
                sounds.append(torch.from_numpy(self._sound(self.names[index], rng) * 10 ** (gain_db / 20)).float())
                known = self.vectors[self.names[index]]
                vectors.append(known[int(rng.integers(len(known)))])
        conditions = torch.stack(vectors)
        noise = torch.from_numpy(rng.normal(0.0, self.recipe.vector_noise, conditions.shape)).float()
        return {
            "sounds": torch.stack(sounds).unflatten(0, (batch_size, 2)),
            "conditions": (conditions + noise).unflatten(0, (batch_size, 2)),
        }

    def _sound(self, kind: str, rng: np.random.Generator) -> Samples:
        """A stretch of a varied recording of a kind, float32[n].

        The RMS of the recording is `_RMS`, so that the levels of stretches differ as where a separator is measured.
        """
        length = round(self.recipe.seconds * RATE_HZ)
        recordings = self.sounds[kind]
        samples = recordings[int(rng.integers(len(recordings)))]
        samples = change_speed(samples, float(np.exp(rng.uniform(-1, 1) * np.log1p(self.recipe.speed))))
        samples = samples * (_RMS / max(_rms(samples), 1e-6))
        # Half of them without pauses, as the mixtures are that it is measured on.
        repeat = self.kinds[kind].repeat if rng.random() < 0.5 else "continuous"
        laid = lay_out(samples, length=length, repeat=repeat, rng=rng)
        if _rms(laid) < _LEAST_RMS:
            laid = lay_out(samples, length=length, repeat="continuous", rng=rng)
        spectrum_ = np.fft.rfft(laid)
        knots = rng.normal(0.0, self.recipe.tone_db, 7)
        place = np.linspace(0.0, 1.0, len(spectrum_)) ** 0.5 * (len(knots) - 1)
        toned = np.fft.irfft(spectrum_ * 10 ** (np.interp(place, np.arange(len(knots)), knots) / 20), length)
        return (toned * (_rms(laid) / max(_rms(toned), 1e-6))).astype(np.float32)

    def loss_of(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Each sound of a mixture is wanted in turn: its SI-SDR in bels, negated, and how far the bands' masks are off.

        SI-SDR alone, which is what the separator is for, moves little while all masks are near one half.
        """
        parts = spectrum(batch["sounds"].flatten(0, 1)).unflatten(0, (-1, 2))
        mixtures = parts.sum(dim=1, keepdim=True)
        powers = self.separator.band_power(mixtures).expand(-1, 2, -1, -1).flatten(0, 1)
        logits = self.separator.logits(powers, batch["conditions"].flatten(0, 1))
        masks = self.separator.of_bins(torch.sigmoid(logits)).unflatten(0, (-1, 2))
        separated = masks * mixtures
        common = (separated.real * parts.real + separated.imag * parts.imag).sum(dim=(-2, -1)) ** 2
        whole = (_energy(separated) * _energy(parts)).clamp(min=1e-9)
        # Of the separated sound's energy so much is the wanted one.
        share = (common / whole).clamp(0.0, 1.0)
        si_sdr_db = (10.0 * torch.log10((share + _LEAST_SHARE) / (1.0 - share + _BEST_RATIO))).mean()
        own = self.separator.band_power(parts)
        shares = (own / own.sum(dim=1, keepdim=True).clamp(min=1e-9)).flatten(0, 1)
        loudest = powers.amax(dim=(1, 2), keepdim=True).clamp(min=1e-9)
        weights = torch.log1p(_AUDIBLE * powers / loudest)
        entropy = functional.binary_cross_entropy_with_logits(logits, shares, reduction="none")
        off = (entropy * weights).sum() / weights.sum().clamp(min=1e-9)
        return off - si_sdr_db / 10.0, {"si_sdr_db": si_sdr_db.item(), "mask_entropy": off.item()}

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        return self.loss_of(self.draw(rng, batch_size, step=0))

    def export(self, folder: Path) -> None:
        self.separator.save(folder / "separator")


def _rms(samples: npt.NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _energy(spectra: Tensor) -> Tensor:
    return (spectra.real**2 + spectra.imag**2).sum(dim=(-2, -1))


def _make(recipe: RunRecipe, model: SeparatorModelRecipe, _context: TaskContext) -> SeparatorTask:
    if recipe.audio.mel.sample_rate_hz != RATE_HZ:
        raise TrainingRecipeError(f"audio.mel.sample_rate_hz: a separator hears {RATE_HZ} Hz")
    if model.leave_out is not None and not 0 <= model.leave_out < model.folds:
        raise TrainingRecipeError(f"model.leave_out is {model.leave_out}: choose a fold from 0 to {model.folds - 1}")
    recordings = read_recordings(recipe.data)
    sounds: dict[str, list[Samples]] = {}
    for recording, fold in zip(recordings, folds_of(recordings, model.folds), strict=True):
        if fold is None or fold != model.leave_out:
            sounds.setdefault(recording.kind, []).append(recording.samples)
    kinds = {kind.name: kind for kind in read_kinds(recipe.data) if kind.name in sounds}
    texts = [(name, text) for name, kind in kinds.items() for text in caption_variants(kind)]
    with EngineSession.open(bundle=model.bundle, device="cpu") as session:
        found = torch.from_numpy(session.text_vectors([text for _, text in texts]))
    vectors = {name: found[[index for index, (owner, _) in enumerate(texts) if owner == name]] for name in kinds}
    start = recipe.input_folders().get("start")
    return SeparatorTask(
        model,
        kinds=kinds,
        sounds={name: sounds[name] for name in kinds},
        vectors=vectors,
        start=None if start is None else MaskSeparator.load(start).requires_grad_(True),
    )


TASKS.register(
    TaskEntry(
        name="separator",
        summary="the separator of the baseline Retrieve & Separate",
        model_recipe=SeparatorModelRecipe,
        make=_make,
    )
)

"""Training of the classifier that judges 'right object', on real recordings only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.perception.sound_classifier import SoundClassifierConfig
from sounddesk.engine.specs import MelSpec
from sounddesk.training.data.recordings import Recording
from sounddesk.training.data.recordings import folds_of
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.data.sound_variation import mix_log_mels
from sounddesk.training.data.sound_variation import varied_waveform
from sounddesk.training.data.sound_variation import vary_log_mel
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.tasks.registry import TASKS
from sounddesk.training.tasks.registry import TaskContext
from sounddesk.training.tasks.registry import TaskEntry


@dataclass(frozen=True, kw_only=True)
class ClassifierModelRecipe:
    """Shape of the classifier and how hard its task is made.

    Attributes:
        variants_per_kind: varied waveforms of each kind whose log-mel is kept in memory (41 kB each); the
            variations of the log-mel itself are new in every step.
        shortest: shortest crop of such a log-mel, as a share of it.
        mixup: largest amplitude share of a second kind in an example (Zhang et al. 2018); 0 for none.
        label_smoothing: probability spread over all kinds.
        leave_out: the fold of `folds` (`folds_of`) that is not trained on; None trains on all recordings.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128)
    head_width: int = 160
    dropout: float = 0.3
    variants_per_kind: int = 32
    shortest: float = 0.5
    mixup: float = 0.35
    label_smoothing: float = 0.05
    leave_out: int | None = None
    folds: int = 4


class ClassifierTask:
    """Cross-entropy over kinds, each kind as often as any other, of strongly varied train-split recordings."""

    def __init__(self, recipe: ClassifierModelRecipe, *, mel: MelSpec, data_dir: Path, seed: int = 0) -> None:
        self.recipe = recipe
        self.repeats = {kind.name: kind.repeat for kind in read_kinds(data_dir)}
        by_kind: dict[str, list[Recording]] = {}
        recordings = read_recordings(data_dir)
        for recording, fold in zip(recordings, folds_of(recordings, recipe.folds), strict=True):
            if fold is not None and fold == recipe.leave_out:
                continue
            by_kind.setdefault(recording.kind, []).append(recording)
        kinds = tuple(kind for kind in self.repeats if kind in by_kind)
        config = SoundClassifierConfig(
            kinds=kinds, widths=recipe.widths, head_width=recipe.head_width, dropout=recipe.dropout
        )
        self.classifier = SoundClassifier(config, mel)
        self.learning_rate_factors: Mapping[str, float] = {}
        self.module: nn.Module = self.classifier
        self.variants = torch.stack(
            [self._variants(by_kind[kind], by_kind, seed=(seed, i)) for i, kind in enumerate(kinds)]
        )

    def _variants(
        self, recordings: list[Recording], by_kind: dict[str, list[Recording]], *, seed: tuple[int, int]
    ) -> Tensor:
        """Log-mels float16[variants_per_kind, T, n_mels] of one kind, its recordings in turn."""
        rng = np.random.default_rng(seed)
        mel = self.classifier.mel
        others = [r.samples for rows in by_kind.values() for r in rows]
        waveforms = []
        for index in range(self.recipe.variants_per_kind):
            recording = recordings[index % len(recordings)]
            waveform = varied_waveform(
                recording.samples,
                repeat=self.repeats[recording.kind],
                length=round(WINDOW_S * mel.sample_rate_hz),
                peak=mel.peak,
                others=others,
                rng=rng,
            )
            waveforms.append(torch.from_numpy(waveform))
        with torch.no_grad():
            return self.classifier.log_mel(torch.stack(waveforms)).half()

    def _batch(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, npt.NDArray[np.int64]]:
        """Log-mels float32[B, T', n_mels], all cut to one random length, and the index of their kinds."""
        count, each, frames = self.variants.shape[:3]
        chosen = rng.integers(count, size=batch_size)
        log_mel = self.variants[torch.from_numpy(chosen), torch.from_numpy(rng.integers(each, size=batch_size))].float()
        length = int(rng.integers(round(self.recipe.shortest * frames), frames + 1))
        # The loudest frame stays inside, or a crop could hold nothing but a pause.
        loudest = log_mel.mean(dim=2).argmax(dim=1).numpy()
        crops = []
        for row, frame in zip(log_mel, loudest, strict=True):
            start = int(rng.integers(max(0, frame - length + 1), min(frame, frames - length) + 1))
            crops.append(row[start : start + length])
        return torch.stack(crops), chosen

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        log_mel, chosen = self._batch(rng, batch_size)
        targets = nn.functional.one_hot(torch.from_numpy(chosen), len(self.classifier.config.kinds)).float()
        if self.recipe.mixup > 0:
            # Half of the examples stay pure.
            share = rng.uniform(0.0, self.recipe.mixup, batch_size) * (rng.random(batch_size) < 0.5)
            second = torch.from_numpy(share.astype(np.float32))
            log_mel = mix_log_mels(log_mel, log_mel.roll(1, dims=0), second)
            targets = (1.0 - second[:, None]) * targets + second[:, None] * targets.roll(1, dims=0)
        with torch.autocast("cpu", enabled=False), torch.no_grad():
            varied = vary_log_mel(log_mel, rng)
        logits = self.classifier(varied)
        with torch.autocast("cpu", enabled=False):
            loss = nn.functional.cross_entropy(logits, targets, label_smoothing=self.recipe.label_smoothing)
        accuracy = (logits.argmax(dim=1).numpy() == chosen).mean()
        return loss, {"accuracy": float(accuracy)}

    def export(self, folder: Path) -> None:
        self.classifier.save(folder / "classifier")


def _make(recipe: RunRecipe, model: Any, _context: TaskContext) -> ClassifierTask:
    return ClassifierTask(model, mel=recipe.audio.mel, data_dir=recipe.data)


TASKS.register(
    TaskEntry(
        name="classifier",
        summary="the sound classifier of the evaluation",
        model_recipe=ClassifierModelRecipe,
        make=_make,
    )
)

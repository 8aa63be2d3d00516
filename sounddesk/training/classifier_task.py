"""Training of the classifier that judges 'right object', on real recordings only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.sound_classifier import WINDOW_S
from sounddesk.engine.sound_classifier import SoundClassifier
from sounddesk.engine.sound_classifier import SoundClassifierConfig
from sounddesk.engine.specs import MelSpec
from sounddesk.training.recordings import Recording
from sounddesk.training.recordings import Samples
from sounddesk.training.recordings import read_kinds
from sounddesk.training.recordings import read_recordings
from sounddesk.training.sound_variation import varied_waveform
from sounddesk.training.sound_variation import vary_log_mel


@dataclass(frozen=True, kw_only=True)
class ClassifierModelRecipe:
    """Shape of the classifier and how hard its task is made.

    Attributes:
        mixup: largest share of a second kind in an example (Zhang et al. 2018); 0 for none.
        label_smoothing: probability spread over all kinds.
    """

    widths: tuple[int, ...] = (32, 48, 96, 160)
    head_width: int = 192
    dropout: float = 0.3
    mixup: float = 0.35
    label_smoothing: float = 0.05


class ClassifierTask:
    """Cross-entropy over kinds, each kind as often as any other, of strongly varied train-split recordings."""

    def __init__(self, recipe: ClassifierModelRecipe, *, mel: MelSpec, data_dir: Path) -> None:
        self.recipe = recipe
        self.repeats = {kind.name: kind.repeat for kind in read_kinds(data_dir)}
        self.by_kind: dict[str, list[Recording]] = {}
        for recording in read_recordings(data_dir):
            self.by_kind.setdefault(recording.kind, []).append(recording)
        kinds = tuple(kind for kind in self.repeats if kind in self.by_kind)
        self.others: list[Samples] = [r.samples for recordings in self.by_kind.values() for r in recordings]
        config = SoundClassifierConfig(
            kinds=kinds, widths=recipe.widths, head_width=recipe.head_width, dropout=recipe.dropout
        )
        self.classifier = SoundClassifier(config, mel)
        self.module: nn.Module = self.classifier
        self.length = round(WINDOW_S * mel.sample_rate_hz)

    def _batch(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, npt.NDArray[np.int64]]:
        """Varied waveforms float32[B, n] and the index of their kinds."""
        kinds = self.classifier.config.kinds
        chosen = rng.integers(len(kinds), size=batch_size)
        waveforms = []
        for index in chosen:
            recordings = self.by_kind[kinds[int(index)]]
            recording = recordings[int(rng.integers(len(recordings)))]
            waveforms.append(
                varied_waveform(
                    recording.samples,
                    repeat=self.repeats[recording.kind],
                    length=self.length,
                    peak=self.classifier.mel.peak,
                    others=self.others,
                    rng=rng,
                )
            )
        return torch.from_numpy(np.stack(waveforms)), chosen

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        waveforms, chosen = self._batch(rng, batch_size)
        targets = nn.functional.one_hot(torch.from_numpy(chosen), len(self.classifier.config.kinds)).float()
        if self.recipe.mixup > 0:
            # Amplitudes of the second sound: half of the examples stay pure.
            share = rng.uniform(0.0, self.recipe.mixup, batch_size) * (rng.random(batch_size) < 0.5)
            second = torch.from_numpy(share.astype(np.float32))[:, None]
            waveforms = (1.0 - second) * waveforms + second * waveforms.roll(1, dims=0)
            targets = (1.0 - second) * targets + second * targets.roll(1, dims=0)
        with torch.autocast("cpu", enabled=False), torch.no_grad():
            log_mel = vary_log_mel(self.classifier.log_mel(waveforms), rng)
        logits = self.classifier(log_mel)
        with torch.autocast("cpu", enabled=False):
            loss = nn.functional.cross_entropy(logits, targets, label_smoothing=self.recipe.label_smoothing)
        accuracy = (logits.argmax(dim=1).numpy() == chosen).mean()
        return loss, {"accuracy": float(accuracy)}

    def export(self, folder: Path) -> None:
        self.classifier.save(folder / "classifier")

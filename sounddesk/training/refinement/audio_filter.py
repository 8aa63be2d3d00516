"""Removes clips with speech, singing or music, by an audio tagger and by their labels (paper B.1)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Protocol

import numpy as np
import torch

from sounddesk.audio.resample import resample
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.training.data.recordings import Samples
from sounddesk.training.loop.recipe import TrainingRecipeError


class AudioTagger(Protocol):
    """Says how probable each of its classes is in a sound; classes may be true together."""

    def tag(self, waveform: Samples, *, sample_rate_hz: int) -> Mapping[str, float]:
        """Probability by class name."""
        ...


class ClassifierTagger:
    """The sound classifier as a tagger: the highest share over a sound's windows."""

    def __init__(self, folder: Path) -> None:
        self._classifier = SoundClassifier.load(folder)

    @torch.no_grad()
    def tag(self, waveform: Samples, *, sample_rate_hz: int) -> Mapping[str, float]:
        mel = self._classifier.mel
        sound = resample(waveform, from_hz=sample_rate_hz, to_hz=mel.sample_rate_hz)
        length = round(WINDOW_S * mel.sample_rate_hz)
        starts = range(0, max(1, len(sound) - length // 2), length)
        windows = [np.pad(sound[start : start + length], (0, max(0, length - len(sound[start:])))) for start in starts]
        logits = self._classifier(self._classifier.log_mel(scale_to_peak(torch.from_numpy(np.stack(windows)), mel)))
        highest = torch.softmax(logits, dim=1).amax(dim=0)
        return dict(zip(self._classifier.config.kinds, highest.tolist(), strict=True))


class TransformersTagger:
    """A tagger in a transformers folder, e.g. an Audio Spectrogram Transformer trained on AudioSet's classes."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoFeatureExtractor
        from transformers import AutoModelForAudioClassification

        self._features: Any = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        self._model: Any = AutoModelForAudioClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        )

    @torch.no_grad()
    def tag(self, waveform: Samples, *, sample_rate_hz: int) -> Mapping[str, float]:
        rate_hz = int(self._features.sampling_rate)
        sound = resample(waveform, from_hz=sample_rate_hz, to_hz=rate_hz)
        inputs = self._features(sound, sampling_rate=rate_hz, return_tensors="pt")
        shares = torch.sigmoid(self._model(**inputs).logits[0])
        return {self._model.config.id2label[index]: float(share) for index, share in enumerate(shares)}


def make_tagger(kind: str, folder: Path) -> AudioTagger:
    """'classifier' or 'transformers'. Raises: TrainingRecipeError, another kind."""
    if kind == "classifier":
        return ClassifierTagger(folder)
    if kind == "transformers":
        return TransformersTagger(folder)
    raise TrainingRecipeError(f"tagger is {kind!r}: choose 'classifier' or 'transformers'")


def unwanted(
    tags: Mapping[str, float], labels: Sequence[str], *, classes: Sequence[str], threshold: float
) -> str | None:
    """The first unwanted class that is as probable as `threshold`, or a label; None where the clip may stay."""
    dropped = {name.casefold() for name in classes}
    for label in labels:
        if label.casefold() in dropped:
            return f"label {label!r}"
    heard = [(share, name) for name, share in tags.items() if name.casefold() in dropped and share >= threshold]
    if heard:
        share, name = max(heard)
        return f"{name!r} heard with {share:.2f}"
    return None

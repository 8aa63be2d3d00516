"""Who says what a sound is: the independent judge that ships, or a sound classifier of one's own kinds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sounddesk.audio.resample import resample
from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.judge.independent_judge import Ceiling
from sounddesk.evaluation.judge.independent_judge import IndependentJudge
from sounddesk.resources_folder import resource

CLASSIFIER_RESOURCE: Final = "evaluation/classifier"

SILENT_PEAK: Final = 1e-3
"""A take that peaks lower than this (-60 dBFS) is silent, and silence is no right answer."""


class KindClassifier(Protocol):
    """What a judge asks."""

    @property
    def kinds(self) -> tuple[str, ...]: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def log_probabilities(self, waveform: Waveform) -> npt.NDArray[np.float32]:
        """Of each of `kinds`, float32[K], for a sound float32[n] at `sample_rate_hz` that is not silent."""
        ...


class SoundJudge:
    """Classifies sounds by kind."""

    def __init__(self, classifier: KindClassifier) -> None:
        self._classifier = classifier
        self._index = {kind: index for index, kind in enumerate(classifier.kinds)}

    @classmethod
    def load(cls, folder: Path | None = None) -> SoundJudge:
        """The classifier in `folder`, by default the one that ships: of all kinds, and of the starter's own recordings.

        Raises:
            EngineError: it cannot be loaded.
        """
        try:
            return cls(SoundClassifier.load(folder or resource(CLASSIFIER_RESOURCE)))
        except FileNotFoundError as error:
            raise EngineError(str(error)) from error

    @classmethod
    def load_independent(cls) -> SoundJudge:
        """The judge that ships, which learned from recordings that the starter has never heard. Raises: EngineError."""
        return cls(IndependentJudge.load())

    @property
    def kinds(self) -> tuple[str, ...]:
        return self._classifier.kinds

    def ceiling(self, questions: Sequence[tuple[str, Sequence[str]]]) -> Ceiling | None:
        """What real recordings reach in these questions, each a take's kind and those to choose among; else None."""
        return self._classifier.ceiling(questions) if isinstance(self._classifier, IndependentJudge) else None

    def log_probabilities(self, waveform: Waveform, *, sample_rate_hz: int) -> npt.NDArray[np.float32] | None:
        """Log-probability of each of `kinds`, float32[K]; None for a silent or non-finite sound."""
        if not np.isfinite(waveform).all() or float(np.abs(waveform).max(initial=0.0)) < SILENT_PEAK:
            return None
        sound = resample(waveform, from_hz=sample_rate_hz, to_hz=self._classifier.sample_rate_hz)
        return self._classifier.log_probabilities(sound)

    def choose(self, log_probabilities: npt.NDArray[np.float32] | None, among: Sequence[str]) -> str | None:
        """The most probable of the kinds `among`; None for silence.

        Raises:
            ValueError: a kind that the classifier does not know.
        """
        unknown = [kind for kind in among if kind not in self._index]
        if unknown or not among:
            raise ValueError(f"the classifier does not know {unknown}: ask for kinds of its own list")
        if log_probabilities is None:
            return None
        return max(among, key=lambda kind: float(log_probabilities[self._index[kind]]))

    def most_probable(
        self, log_probabilities: npt.NDArray[np.float32] | None, count: int
    ) -> tuple[tuple[str, float], ...]:
        """The `count` most probable of all kinds with their probabilities, best first; empty for silence."""
        if log_probabilities is None:
            return ()
        best = np.argsort(-log_probabilities, kind="stable")[:count]
        return tuple((self.kinds[int(index)], float(np.exp(log_probabilities[index]))) for index in best)

    def probability(self, log_probabilities: npt.NDArray[np.float32], kind: str, among: Sequence[str]) -> float:
        """Probability of `kind` when the sound is one of `among`."""
        values: Mapping[str, float] = {name: float(log_probabilities[self._index[name]]) for name in among}
        top = max(values.values())
        weights = {name: float(np.exp(value - top)) for name, value in values.items()}
        return weights[kind] / sum(weights.values())

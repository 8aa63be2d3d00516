"""A judge of kinds that has heard none of the recordings that the bundle was made of.

It knows each kind by the mean direction of its recordings in the space of the sound-effects encoder that ships; few
recordings of a kind allow no more. A classifier that learns from a bundle's own training recordings takes what was
memorised for right; this one cannot. Beside it is kept what it says of real recordings that it has not learned from:
its ceiling, since nobody can expect more of takes than of recordings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load
from safetensors.numpy import save

from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import Sha256
from sounddesk.engine.perception.class_config import read_class_config
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.recordings.excerpts import in_band
from sounddesk.evaluation.recordings.excerpts import loudest_excerpt
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.resources_folder import resource
from sounddesk.storage.atomic_file import write_file

JUDGE_RESOURCE: Final = "evaluation/judge"
CONFIG_NAME: Final = "config.json"
WEIGHTS_NAME: Final = "judge.safetensors"
_CLASS: Final = "IndependentJudge"
# Of cosines as logits; it decides no choice, only how sure a choice looks.
_SHARPNESS: Final = 12.0

LogProbabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """Share of real recordings that the judge chooses right in the same questions, with its 95 % interval.

    Attributes:
        recordings, kinds: how many answers of the judge it stands on.
    """

    share: float
    low: float
    high: float
    recordings: int
    kinds: int

    def text(self) -> str:
        return (
            f"{self.share:.3f} (95 % interval {self.low:.3f} to {self.high:.3f}, {self.recordings} real recordings of "
            f"{self.kinds} kinds that the judge had not heard)"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "share": self.share,
            "interval_95": [self.low, self.high],
            "recordings": self.recordings,
            "kinds": self.kinds,
        }


@dataclass(frozen=True, kw_only=True)
class _Config:
    """As `config.json` has it; the hash is of the weights."""

    sha256: Sha256
    kinds: tuple[str, ...]
    held_out_kinds: tuple[str, ...]
    learned_from: Mapping[str, str]


class IndependentJudge:
    """Classifies sounds by their loudest 2.56 s.

    Args:
        kinds: in the order of the logits.
        mean, scale: embeddings are standardised by these, float32[D] each.
        directions: of each kind, unit vectors float32[K, D] of standardised embeddings.
        held_out: log-probabilities float32[n, K] of real recordings that it has not learned from.
        held_out_kinds: what these really are.
        learned_from: hash and name of each recording that it has learned from.
        embedder: by default the encoder that ships, loaded at the first sound.
    """

    sample_rate_hz: Final = 16_000

    def __init__(
        self,
        *,
        kinds: Sequence[str],
        mean: npt.NDArray[np.float32],
        scale: npt.NDArray[np.float32],
        directions: npt.NDArray[np.float32],
        held_out: LogProbabilities,
        held_out_kinds: Sequence[str],
        learned_from: Mapping[str, str],
        embedder: SoundEmbedder | None = None,
    ) -> None:
        self.kinds = tuple(kinds)
        self.learned_from = dict(learned_from)
        self._tensors = {"mean": mean, "scale": scale, "directions": directions, "held_out": held_out}
        self._held_out_kinds = tuple(held_out_kinds)
        self._index = {kind: index for index, kind in enumerate(self.kinds)}
        self._embedder = embedder

    def log_probabilities(self, waveform: Waveform) -> LogProbabilities:
        """Of each kind, float32[K], for a sound float32[n] at `sample_rate_hz` that is not silent."""
        if self._embedder is None:
            self._embedder = SoundEmbedder()
        excerpt = loudest_excerpt(waveform, sample_rate_hz=self.sample_rate_hz)
        excerpt = in_band(excerpt, sample_rate_hz=self.sample_rate_hz, band="16 kHz")
        return self.of_embeddings(self._embedder.embed(excerpt, "16 kHz")[None])[0]

    def of_embeddings(self, embeddings: npt.NDArray[np.float32]) -> LogProbabilities:
        """float32[n, D] -> log-probabilities float32[n, K]."""
        tensors = self._tensors
        standardised = (embeddings - tensors["mean"]) / tensors["scale"]
        lengths = np.maximum(np.linalg.norm(standardised, axis=1, keepdims=True), 1e-9)
        logits = _SHARPNESS * (standardised / lengths) @ tensors["directions"].T
        return np.asarray(torch.log_softmax(torch.from_numpy(logits).float(), dim=1).numpy(), dtype=np.float32)

    def ceiling(self, questions: Sequence[tuple[str, Sequence[str]]]) -> Ceiling | None:
        """How often it would be right if each take of these questions were a real recording that it has not heard.

        Args:
            questions: of each take its kind, and the kinds to choose among.

        Returns:
            None where there is no such recording of any of the kinds. Questions of kinds without one are left out.
        """
        rows: dict[str, list[int]] = {}
        for row, kind in enumerate(self._held_out_kinds):
            rows.setdefault(kind, []).append(row)
        values, groups, used = [], [], set()
        names = sorted(rows)
        for kind, among in questions:
            if kind not in rows:
                continue
            columns = [self._index[each] for each in among]
            chosen = self._tensors["held_out"][np.ix_(rows[kind], columns)].argmax(axis=1)
            values.append(float(np.mean([among[int(each)] == kind for each in chosen])))
            groups.append(names.index(kind))
            used.update(rows[kind])
        if not values:
            return None
        low, high = bootstrap_interval(values, groups)
        return Ceiling(share=float(np.mean(values)), low=low, high=high, recordings=len(used), kinds=len(set(groups)))

    def with_held_out(self, embeddings: npt.NDArray[np.float32], kinds: Sequence[str]) -> IndependentJudge:
        """The same with what it says of real recordings, float32[n, D], that it has not learned from."""
        tensors = {**self._tensors, "held_out": self.of_embeddings(embeddings)}
        return IndependentJudge(
            kinds=self.kinds,
            held_out_kinds=kinds,
            learned_from=self.learned_from,
            embedder=self._embedder,
            **tensors,
        )

    def save(self, folder: Path) -> None:
        """Write weights and `config.json` with their hash. Raises: OutputError."""
        folder.mkdir(parents=True, exist_ok=True)
        data = save({name: np.ascontiguousarray(value, dtype=np.float16) for name, value in self._tensors.items()})
        write_file(folder / WEIGHTS_NAME, data)
        config = {
            "class": _CLASS,
            "sha256": hashlib.sha256(data).hexdigest(),
            "kinds": list(self.kinds),
            "held_out_kinds": list(self._held_out_kinds),
            "learned_from": self.learned_from,
        }
        write_file(folder / CONFIG_NAME, (json.dumps(config, indent=1) + "\n").encode())

    @classmethod
    def load(cls, folder: Path | None = None, *, embedder: SoundEmbedder | None = None) -> IndependentJudge:
        """The judge in a folder, by default the one that ships.

        Raises:
            EngineError: a file is missing, damaged or does not fit.
        """
        try:
            place = folder or resource(JUDGE_RESOURCE)
            config = read_class_config(_Config, place, class_name=_CLASS)
            data = (place / WEIGHTS_NAME).read_bytes()
            if hashlib.sha256(data).hexdigest() != config.sha256:
                raise ValueError(f"sha256 of {WEIGHTS_NAME} is not the one in {CONFIG_NAME}")
            tensors = {name: value.astype(np.float32) for name, value in load(data).items()}
            kinds, width = tensors["directions"].shape
            shapes = [tensors[name].shape for name in ("mean", "scale", "held_out")]
            if shapes != [(width,), (width,), (len(config.held_out_kinds), kinds)] or kinds != len(config.kinds):
                raise ValueError(f"shapes {shapes} do not fit {len(config.kinds)} kinds")
            return cls(
                kinds=config.kinds,
                held_out_kinds=config.held_out_kinds,
                learned_from=config.learned_from,
                embedder=embedder,
                **tensors,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise EngineError(
                f"judge in {folder or JUDGE_RESOURCE} cannot be loaded ({error}): install sounddesk again"
            ) from error

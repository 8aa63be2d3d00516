"""Learns a `MaskSeparator` on mixtures of recordings: `sounddesk evaluate separator`.

Two recordings of different kinds are added at levels within 5 dB, and the name of one asks for it: mix and separate, as
Sound of Pixels does. What it is worth is told on mixtures of recordings that it has not learned from.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.metrics.si_sdr import si_sdr_db
from sounddesk.evaluation.picture_folder import kind_captions
from sounddesk.evaluation.recordings.excerpts import loudest_part
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.separation.mask_separator import RATE_HZ
from sounddesk.evaluation.separation.mask_separator import MaskSeparator
from sounddesk.evaluation.separation.mask_separator import SeparatorShape
from sounddesk.evaluation.separation.mask_separator import spectrum

SECONDS: Final = 2.56
_LEVELS_DB: Final = 5.0
_BATCH: Final = 8
_LEARNING_RATE: Final = 2e-3

Sounds = Mapping[str, Sequence[Waveform]]
"""Of each kind, sounds float32[n] at 16 kHz and an RMS of 0.1."""


@dataclass(frozen=True, kw_only=True)
class LearnedSeparator:
    """What was learned.

    Attributes:
        improvement_db: mean SI-SDR of the separated sound less that of the mixture, over held-out mixtures.
        low_db, high_db: its 95 % interval, drawn by the kinds asked for.
    """

    folder: Path
    steps: int
    kinds: int
    mixtures: int
    improvement_db: float
    low_db: float
    high_db: float

    def line(self) -> str:
        return (
            f"SI-SDR improvement on {self.mixtures} mixtures of held-out recordings: {self.improvement_db:.2f} dB "
            f"(95 % interval {self.low_db:.2f} to {self.high_db:.2f}, {self.kinds} kinds, {self.steps} steps): "
            f"{self.folder}"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "separator",
            "folder": str(self.folder),
            "steps": self.steps,
            "kinds": self.kinds,
            "mixtures": self.mixtures,
            "si_sdr_improvement_db": self.improvement_db,
            "interval_95": [self.low_db, self.high_db],
        }


def run(
    *,
    out: Path,
    reference: Path,
    bundle: str | Path = "starter",
    steps: int = 3000,
    mixtures: int = 200,
    seed: int = 0,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> LearnedSeparator:
    """Learn from the training part of a prepared set, and measure on its test part.

    Raises:
        BadInputError: recordings that cannot be used.
        EngineError: the bundle has no vectors of words.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; nothing is written.
    """
    learned, asked = _sounds(reference, "train"), _sounds(reference, "test")
    kinds = sorted(learned)
    held_out = {kind: sounds for kind, sounds in asked.items() if kind in learned}
    if len(kinds) < 2 or len(held_out) < 2:
        raise BadInputError(
            f"{reference} has usable training recordings of {len(kinds)} kinds and test recordings of {len(held_out)} "
            "of them: mixtures need two"
        )
    with EngineSession.open(bundle=bundle, device=device) as session:
        captions = kind_captions(session.bundle)
        vectors = session.text_vectors([captions.get(kind, kind.replace("_", " ")) for kind in kinds])
        name = session.bundle.name
    conditions = dict(zip(kinds, vectors, strict=True))
    network = learn(learned, conditions, steps=steps, seed=seed, progress=progress, cancel=cancel)
    told = improvements_db(
        network, held_out, conditions, mixtures=mixtures, seed=seed, progress=progress, cancel=cancel
    )
    values = [value for _, value in told]
    low, high = bootstrap_interval(values, [kinds.index(kind) for kind, _ in told])
    result = LearnedSeparator(
        folder=out,
        steps=steps,
        kinds=len(held_out),
        mixtures=len(values),
        improvement_db=float(np.mean(values)),
        low_db=low,
        high_db=high,
    )
    network.save(out, facts={"bundle": name, "seed": seed, "measured": result.to_json() | {"folder": ""}})
    return result


def learn(
    sounds: Sounds,
    conditions: Mapping[str, np.ndarray],
    *,
    steps: int,
    seed: int = 0,
    shape: SeparatorShape | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> MaskSeparator:
    """A separator of these kinds; masks are learned as shares of both magnitudes, weighed by the mixture's level."""
    torch.manual_seed(seed)
    width = len(next(iter(conditions.values())))
    network = MaskSeparator(shape or SeparatorShape(condition_width=width)).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, total_steps=max(2, steps))
    rng = np.random.default_rng(seed)
    reporter = StageReporter(stage="learn", total=steps, on_progress=progress, cancel=cancel)
    for step in range(steps):
        drawn = [draw_mixture(sounds, rng) for _ in range(_BATCH)]
        wanted, other = (torch.from_numpy(np.stack([each[place] for each in drawn])) for place in (1, 2))
        asked = torch.from_numpy(np.stack([conditions[kind] for kind, _, _ in drawn])).float()
        first, second = spectrum(wanted)[:, :-1].abs(), spectrum(other)[:, :-1].abs()
        mixture = spectrum(wanted + other)[:, :-1].abs()
        share = first / (first + second).clamp(min=1e-9)
        weights = torch.log1p(mixture)
        logits = network(mixture, asked)
        loss = (functional.binary_cross_entropy_with_logits(logits, share, reduction="none") * weights).sum()
        loss = loss / weights.sum().clamp(min=1e-9)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        reporter.step(step + 1)
    return network.eval().requires_grad_(False)


def improvements_db(
    network: MaskSeparator,
    sounds: Sounds,
    conditions: Mapping[str, np.ndarray],
    *,
    mixtures: int,
    seed: int = 0,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> list[tuple[str, float]]:
    """Of each of so many mixtures the kind asked for, and by how much the SI-SDR rises in dB."""
    rng = np.random.default_rng((seed, 1))
    reporter = StageReporter(stage="measure", total=mixtures, on_progress=progress, cancel=cancel)
    found = []
    for index in range(mixtures):
        kind, wanted, other = draw_mixture(sounds, rng)
        mixture = wanted + other
        separated = network.separate(mixture, conditions[kind])
        found.append((kind, si_sdr_db(separated, wanted) - si_sdr_db(mixture, wanted)))
        reporter.step(index + 1)
    return found


def draw_mixture(sounds: Sounds, rng: np.random.Generator) -> tuple[str, Waveform, Waveform]:
    """A kind, a sound of it, and one of another kind, each float32[n] of 2.56 s, at levels within 5 dB."""
    kinds = sorted(sounds)
    first, second = (kinds[int(place)] for place in rng.choice(len(kinds), size=2, replace=False))
    length = round(SECONDS * RATE_HZ)
    gain = 10 ** (rng.uniform(-_LEVELS_DB, _LEVELS_DB) / 20)
    drawn = [sounds[kind][int(rng.integers(len(sounds[kind])))] for kind in (first, second)]
    wanted, other = (_placed(each, length, rng) for each in drawn)
    return first, wanted, (other * gain).astype(np.float32)


def _placed(sound: Waveform, length: int, rng: np.random.Generator) -> Waveform:
    """A stretch of a long sound, or a short one repeated."""
    if len(sound) < length:
        sound = np.tile(sound, -(-length // len(sound)))
    start = int(rng.integers(len(sound) - length + 1))
    return sound[start : start + length]


def _sounds(reference: Path, split: str) -> dict[str, list[Waveform]]:
    found: dict[str, list[Waveform]] = {}
    for recording in read_recording_folder(reference, split="train" if split == "train" else "test"):
        read = read_mono(recording.path)
        if read is not None:
            mono, rate = read
            part = resample(loudest_part(mono, n_samples=round(4 * SECONDS * rate)), from_hz=rate, to_hz=RATE_HZ)
            level = float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
            if level > 1e-6:
                found.setdefault(recording.kind, []).append((part * (0.1 / level)).astype(np.float32))
    return found

"""How much of an object's sound a `MaskSeparator` takes out of mixtures: `sounddesk evaluate separator`.

Two held-out recordings of different kinds are added at levels within 5 dB, each taken over its loudest 10 s, and a
held-out picture of each is laid into a scene; the mask of one object asks for its sound. The name of its kind is asked
for too, since texts and objects lie in one space. The ceiling is what masks of the same bands would reach that knew
both sounds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import torch

from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.perception.mask_separator import RATE_HZ
from sounddesk.engine.perception.mask_separator import WEIGHTS_NAME
from sounddesk.engine.perception.mask_separator import MaskSeparator
from sounddesk.engine.perception.mask_separator import spectrum
from sounddesk.engine.perception.mask_separator import waveform_of
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.metrics.si_sdr import si_sdr_db
from sounddesk.evaluation.picture_folder import kind_captions
from sounddesk.evaluation.recordings.excerpts import loudest_part
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.split_pictures import read_split_pictures

SECONDS: Final = 2.56
_LEVELS_DB: Final = 5.0
_RMS: Final = 0.1
_LEAST_RMS: Final = 1e-4

Sounds = Mapping[str, Sequence[Waveform]]
"""Of each kind, sounds float32[n] at 16 kHz and an RMS of 0.1."""


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """Mean of the SI-SDR of separated sounds less that of their mixtures, and its 95 % interval, drawn by kinds."""

    mean_db: float
    low_db: float
    high_db: float

    @classmethod
    def of(cls, values_db: Sequence[float], kinds: Sequence[str]) -> Improvement:
        names = sorted(set(kinds))
        low, high = bootstrap_interval(values_db, [names.index(kind) for kind in kinds])
        return cls(mean_db=float(np.mean(values_db)), low_db=low, high_db=high)

    def text(self) -> str:
        return f"{self.mean_db:.2f} dB ({self.low_db:.2f} to {self.high_db:.2f})"


@dataclass(frozen=True, kw_only=True)
class SeparatorAccuracy:
    """What was found.

    Attributes:
        by_masks, by_names, ceiling: asked by an object's mask, by its kind's name, and by both sounds.
        sha256: of the separator's weights.
    """

    separator: Path
    sha256: str
    bundle_sha256: str
    kinds: int
    mixtures: int
    by_masks: Improvement
    by_names: Improvement
    ceiling: Improvement

    def line(self) -> str:
        return (
            f"SI-SDR improvement on {self.mixtures} mixtures of held-out recordings of {self.kinds} kinds, by masks: "
            f"{self.by_masks.text()}"
        )

    def details(self) -> list[str]:
        return [
            f"by names: {self.by_names.text()}",
            f"ceiling, masks that know both sounds: {self.ceiling.text()}",
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "separator",
            "separator": str(self.separator),
            "sha256": self.sha256,
            "bundle_sha256": self.bundle_sha256,
            "kinds": self.kinds,
            "mixtures": self.mixtures,
            "by_masks": vars(self.by_masks),
            "by_names": vars(self.by_names),
            "ceiling": vars(self.ceiling),
        }


def run(
    *,
    separator: Path,
    reference: Path,
    bundle: str | Path = "starter",
    mixtures: int = 200,
    seed: int = 0,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SeparatorAccuracy:
    """Measure on the test part of a prepared set.

    Raises:
        BadInputError: recordings or pictures that cannot be used.
        EngineError: the separator or the bundle cannot be used, or they do not fit each other.
        Cancelled: through `cancel`.
    """
    network = MaskSeparator.load(separator)
    sounds = held_out_sounds(reference)
    pictures = read_split_pictures(reference, split="test")
    kinds = sorted(set(sounds) & set(pictures))
    if len(kinds) < 2:
        raise BadInputError(
            f"{reference} has test recordings and test pictures of {len(kinds)} kinds: a mixture needs two"
        )
    rng = np.random.default_rng((seed, 1))
    reporter = StageReporter(stage="measure", total=mixtures, on_progress=progress, cancel=cancel)
    found: list[tuple[str, float, float, float]] = []
    with EngineSession.open(bundle=bundle, device=device) as session:
        captions = kind_captions(session.bundle)
        texts = session.text_vectors([captions.get(kind, kind.replace("_", " ")) for kind in kinds])
        by_name = dict(zip(kinds, texts, strict=True))
        for index in range(mixtures):
            kind, other, wanted, rest = draw_mixture({name: sounds[name] for name in kinds}, rng)
            by_mask = _condition(session, {name: pictures[name] for name in (kind, other)}, kind, (seed, index))
            separated = [network.separate(wanted + rest, each) for each in (by_mask, by_name[kind])]
            separated.append(best_separation(network, wanted, rest))
            before = si_sdr_db(wanted + rest, wanted)
            first, second, third = (si_sdr_db(each, wanted) - before for each in separated)
            found.append((kind, first, second, third))
            reporter.step(index + 1)
        bundle_sha256 = session.bundle.sha256
    asked = [kind for kind, *_ in found]
    return SeparatorAccuracy(
        separator=separator,
        sha256=hashlib.sha256((separator / WEIGHTS_NAME).read_bytes()).hexdigest(),
        bundle_sha256=bundle_sha256,
        kinds=len(kinds),
        mixtures=mixtures,
        by_masks=Improvement.of([each for _, each, _, _ in found], asked),
        by_names=Improvement.of([each for _, _, each, _ in found], asked),
        ceiling=Improvement.of([each for _, _, _, each in found], asked),
    )


def draw_mixture(sounds: Sounds, rng: np.random.Generator) -> tuple[str, str, Waveform, Waveform]:
    """Two kinds, and a sound of each, float32[n] of 2.56 s, at levels within 5 dB."""
    kinds = sorted(sounds)
    first, second = (kinds[int(place)] for place in rng.choice(len(kinds), size=2, replace=False))
    length = round(SECONDS * RATE_HZ)
    gain = 10 ** (rng.uniform(-_LEVELS_DB, _LEVELS_DB) / 20)
    drawn = [sounds[kind][int(rng.integers(len(sounds[kind])))] for kind in (first, second)]
    wanted, other = (_placed(each, length, rng) for each in drawn)
    return first, second, wanted, (other * gain).astype(np.float32)


def best_separation(network: MaskSeparator, wanted: Waveform, rest: Waveform) -> Waveform:
    """What masks of the network's bands give that know the power of both sounds."""
    parts = spectrum(torch.from_numpy(np.stack([wanted, rest])))
    powers = network.band_power(parts)
    masks = network.of_bins(powers[:1] / powers.sum(dim=0, keepdim=True).clamp(min=1e-12))
    return waveform_of(masks[0] * parts.sum(dim=0), n_samples=len(wanted))


def held_out_sounds(reference: Path) -> dict[str, list[Waveform]]:
    """The loudest 10 s of each test recording. Raises: BadInputError."""
    found: dict[str, list[Waveform]] = {}
    for recording in read_recording_folder(reference, split="test"):
        read = read_mono(recording.path)
        if read is not None:
            mono, rate = read
            part = resample(loudest_part(mono, n_samples=round(4 * SECONDS * rate)), from_hz=rate, to_hz=RATE_HZ)
            level = float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
            if level > 1e-6:
                found.setdefault(recording.kind, []).append((part * (_RMS / level)).astype(np.float32))
    return found


def _placed(sound: Waveform, length: int, rng: np.random.Generator) -> Waveform:
    """A stretch of a long sound that is not silent, or a short one repeated."""
    if len(sound) < length:
        sound = np.tile(sound, -(-length // len(sound)))
    while True:
        start = int(rng.integers(len(sound) - length + 1))
        stretch = sound[start : start + length]
        # Of silence there is no SI-SDR. The whole has an RMS of 0.1, so some stretch is louder.
        if float(np.sqrt(np.mean(np.square(stretch, dtype=np.float64)))) >= _LEAST_RMS:
            return stretch


def _condition(
    session: EngineSession, pictures: Mapping[str, Sequence[CutOut]], kind: str, seed: tuple[int, int]
) -> Waveform:
    """What the bundle makes of the mask of `kind` in a scene of both."""
    scene = draw_scene(pictures, counts=(2,), seed=seed[0], index=seed[1])
    mask = scene.composed.masks[scene.kinds.index(kind)].astype(np.bool_)
    return session.condition(scene.composed.image, ObjectRequest(name=kind, mask=mask, seed=0)).condition

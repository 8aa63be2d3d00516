"""What the edits of a sound do: strengths of a variation, and the seams of repairs, extensions and loops.

python -m benchmarks.varied_takes --data DATA [--split test] [--recordings 40] [--steps 20] [--seconds 5]

- varied: mean cosine of embeddings of takes at strengths 0.2, 0.4, 0.6, 0.8 with their source, interval by recordings,
  and the AUC of takes against sources (two-sample test of `evaluate realism`), under the condition of the kind's name.
  Both are to be monotone; 0 and 1, a copy and a new sound, stand beside them.
- repaired (the middle third made anew), extended (by half), looped (three rounds): the largest step of the short-term
  loudness that a join makes, beyond what the sound does elsewhere, and the largest difference of neighbouring samples
  within 5 ms of a join against the largest elsewhere. Outside of crossfades not a sample may be changed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.bed_joins import loudness_steps
from benchmarks.bed_joins import sample_differences
from benchmarks.common import parser
from benchmarks.recording_takes import pair
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.recordings.repairing import CROSSFADE_S
from sounddesk.engine.generation.sound_edits import Extension
from sounddesk.engine.generation.sound_edits import Looping
from sounddesk.engine.generation.sound_edits import Regeneration
from sounddesk.engine.generation.sound_edits import SoundEdit
from sounddesk.engine.generation.sound_edits import Variation
from sounddesk.engine.generation.variation_types import VariationRequest
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.metrics.bootstrap import bootstrap_interval
from sounddesk.evaluation.metrics.two_sample import two_sample_test
from sounddesk.evaluation.recordings.bundle_weights import NO_PART_IN_SOUND
from sounddesk.evaluation.recordings.bundle_weights import weights_sha256
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.evaluation.recordings.recording_folder import most_of
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LEAST_S = 2.0
ROUNDS = 3
Vector = npt.NDArray[np.float32]


@dataclass
class Joins:
    """Of one kind of edit: excess of the loudness step (dB) and of the sample difference (times) at its joins."""

    steps_db: list[float] = field(default_factory=list)
    jumps: list[float] = field(default_factory=list)
    changed: int = 0

    def add(self, samples: Waveform, rate: int, joins_s: Sequence[float]) -> None:
        stereo = np.stack([samples, samples], axis=1)
        step, elsewhere = loudness_steps(stereo, rate, joins_s)
        jump, usual = sample_differences(stereo, rate, joins_s)
        self.steps_db.append(max(0.0, step - elsewhere))
        self.jumps.append(jump / max(usual, 1e-9))

    def line(self, what: str) -> str:
        count, loud = len(self.steps_db), sum(each > 1.0 for each in self.steps_db)
        clicks = sum(each > 1.0 for each in self.jumps)
        return (
            f"{what}: step of loudness at a join beyond the largest elsewhere: median {np.median(self.steps_db):.2f} "
            f"dB, largest {np.max(self.steps_db):.2f} dB, over 1 dB in {loud} of {count}; difference of samples larger "
            f"than anywhere else in {clicks} (at most {np.max(self.jumps):.2f} times); {self.changed} samples outside "
            "changed"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--data", type=Path, required=True)
    options_of.add_argument("--split", choices=("train", "test"), default="test")
    options_of.add_argument("--recordings", type=int, default=40)
    options_of.add_argument("--steps", type=int, default=20)
    options_of.add_argument("--seconds", type=float, default=5.0)
    options = options_of.parse_args(arguments)
    chosen = most_of(read_recording_folder(options.data, split=options.split), options.recordings)
    sampling = SamplingSettings(steps=options.steps)
    with EngineSession.open(bundle=options.bundle, device="cpu") as session:
        name = f"{session.bundle.name} {weights_sha256(session.bundle, without=NO_PART_IN_SOUND)}"
        print(f"{name}, {dt.datetime.now(dt.UTC):%Y-%m-%d}, {options.split}, {options.steps} steps", flush=True)
        for line in measured(list(sources(chosen, options.seconds, sampling)), session):
            print(line, flush=True)


def sources(
    recordings: Sequence[ReferenceRecording], most_s: float, sampling: SamplingSettings
) -> Iterator[VariationRequest]:
    """A request of each recording that is long enough; its edit is still to be chosen."""
    image = np.full((64, 64, 3), 128, dtype=np.uint8)
    for recording in recordings:
        found = read_mono(recording.path)
        if found is None or len(found[0]) < LEAST_S * found[1]:
            continue
        take = ObjectRequest(name=recording.kind, mask=np.ones((64, 64), dtype=bool), seed=1, prompt=recording.kind)
        samples = np.ascontiguousarray(found[0][: round(most_s * found[1])])
        yield VariationRequest(
            image=image, take=take, seeds=(1,), waveform=samples, sample_rate_hz=found[1], sampling=sampling
        )


def measured(requests: Sequence[VariationRequest], session: EngineSession) -> Iterator[str]:
    """The lines of all edits."""
    embedder = SoundEmbedder()

    def made_by(request: VariationRequest, edit: SoundEdit) -> tuple[Waveform, int]:
        (take,) = session.generate_variations(dataclasses.replace(request, edit=edit))
        return take.waveform, take.sample_rate_hz

    kinds = [request.take.name for request in requests]
    for strength in STRENGTHS:
        made: list[Vector] = []
        real: list[Vector] = []
        for request in requests:
            samples, rate = made_by(request, Variation(strength=strength))
            a, b = pair(samples, request.waveform, request.sample_rate_hz, embedder, made_rate=rate)
            made.append(a)
            real.append(b)
        yield varied_line(strength, np.stack(made), np.stack(real), kinds)
    repaired, extended, looped = Joins(), Joins(), Joins()
    for request in requests:
        source, own, seconds = request.waveform, request.sample_rate_hz, request.seconds
        stretch = (seconds / 3, 2 * seconds / 3)
        samples, _ = made_by(request, Regeneration(start_s=stretch[0], end_s=stretch[1]))
        repaired.add(samples, own, stretch)
        repaired.changed += outside_changed(samples, source, stretch, own)
        samples, _ = made_by(request, Extension(seconds=seconds / 2))
        extended.add(samples, own, [seconds])
        extended.changed += outside_changed(samples[: len(source)], source, (seconds, seconds), own)
        samples, _ = made_by(request, Looping())
        looped.add(np.tile(samples, ROUNDS), own, [seconds * each for each in range(1, ROUNDS)])
        half = min(0.5, seconds / 6)
        middle = slice(int((half + CROSSFADE_S) * own) + 2, len(source) - int((half + CROSSFADE_S) * own) - 2)
        looped.changed += int(np.sum(samples[middle] != source[middle]))
    yield repaired.line("repaired")
    yield extended.line("extended")
    yield looped.line(f"looped, {ROUNDS} rounds")


def varied_line(strength: float, made: Vector, real: Vector, kinds: Sequence[str]) -> str:
    cosines = np.sum(made * real, axis=1) / np.maximum(
        np.linalg.norm(made, axis=1) * np.linalg.norm(real, axis=1), 1e-9
    )
    low, high = bootstrap_interval(cosines.tolist(), range(len(cosines)))
    test = two_sample_test(real, made, real_groups=kinds, made_groups=kinds)
    worst, best = test.interval()
    return (
        f"varied at {strength:g}: cosine with its source {cosines.mean():.3f} (95 % interval {low:.3f} to {high:.3f}), "
        f"AUC {test.auc:.3f} ({worst:.3f} to {best:.3f}), {len(cosines)} recordings"
    )


def outside_changed(made: Waveform, source: Waveform, stretch: tuple[float, float], rate: int) -> int:
    """Samples outside a stretch and its crossfades that are not the source's."""
    start, stop = int((stretch[0] - CROSSFADE_S) * rate) - 1, int((stretch[1] + CROSSFADE_S) * rate) + 2
    return int(np.sum(made[:start] != source[:start]) + np.sum(made[stop:] != source[stop:]))


if __name__ == "__main__":
    main()

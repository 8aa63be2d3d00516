"""Takes made of recordings, measured: arranged ones against real recordings, strengths, and the seams of repairs.

python -m benchmarks.recording_takes --data DATA [--recordings 91] [--varied 12] [--steps 20]

- arranged: each recording of the set's test part against a take of the same length laid out of it; AUC of the
  two-sample test of `evaluate realism` (loudest 2.56 s, equally loud, band to 8 kHz), interval by kinds; 0.5 cannot be
  told apart.
- varied: mean cosine of embeddings of takes at strengths 0, 0.2 ... 1 with their source, and the AUC of takes against
  sources, under the condition of the kind's name.
- repaired: a third of each sound made anew; the largest step of level (50 ms) across the edges of the stretch against
  the source's own there, and whether anything outside the crossfades changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.common import parser
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.sound_stream import SoundStream
from sounddesk.audio.recordings.arranging import SourceEvent
from sounddesk.audio.recordings.arranging import arrange
from sounddesk.audio.recordings.arranging import with_tails
from sounddesk.audio.recordings.event_cutting import cut_events
from sounddesk.audio.recordings.event_cutting import sound_curves
from sounddesk.engine.generation.variation_types import VariationRequest
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.metrics.two_sample import two_sample_test
from sounddesk.evaluation.recordings.excerpts import in_band
from sounddesk.evaluation.recordings.excerpts import loudest_excerpt
from sounddesk.evaluation.recordings.excerpts import matched
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.evaluation.recordings.recording_folder import most_of
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
LEAST_S = 1.0
BLOCK_S = 0.05


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--data", type=Path, default=Path("starter-data"))
    options_of.add_argument("--recordings", type=int, default=91)
    options_of.add_argument("--varied", type=int, default=12)
    options_of.add_argument("--steps", type=int, default=20)
    options = options_of.parse_args(arguments)
    every = read_recording_folder(options.data, split="test")
    embedder = SoundEmbedder()
    print(arranged(most_of(every, options.recordings), embedder), flush=True)
    for line in varied(most_of(every, options.varied), embedder, bundle=options.bundle, steps=options.steps):
        print(line, flush=True)


def arranged(recordings: Sequence[ReferenceRecording], embedder: SoundEmbedder) -> str:
    """The line of arranged takes."""
    real, made, kinds = [], [], []
    for number, recording in enumerate(recordings):
        found = read_mono(recording.path)
        if found is None:
            continue
        samples, rate = found
        with SoundStream(recording.path) as stream:
            cut = cut_events(sound_curves(stream.mono_blocks(), sample_rate_hz=rate))
        if cut.behaviour == "silent":
            continue
        starts = [event.start_s for event in cut.events] + [None]
        spans = with_tails([(event.start_s, event.end_s) for event in cut.events], seconds=len(samples) / rate)
        sources = [
            SourceEvent(
                samples=samples[round(start_s * rate) : round(end_s * rate)][:, None],
                gap_s=None if after is None or event.texture else after - event.start_s,
            )
            for event, after, (start_s, end_s) in zip(cut.events, starts[1:], spans, strict=True)
        ]
        take = arrange(
            sources, seconds=len(samples) / rate, sample_rate_hz=rate, layout=cut.behaviour, seed=number
        ).samples[:, 0]
        a, b = pair(take, samples, rate, embedder)
        made.append(a)
        real.append(b)
        kinds.append(recording.kind)
    test = two_sample_test(np.stack(real), np.stack(made), real_groups=kinds, made_groups=kinds)
    low, high = test.interval()
    return f"arranged: AUC {test.auc:.3f} (95 % interval {low:.3f} to {high:.3f}, {len(made)} recordings)"


def pair(
    made: Waveform, real: Waveform, rate: int, embedder: SoundEmbedder, *, made_rate: int | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Embeddings of a take and of the recording that it is compared with, equally long and loud."""
    wanted = in_band(loudest_excerpt(real, sample_rate_hz=rate), sample_rate_hz=rate, band="16 kHz")
    other = matched(in_band(made, sample_rate_hz=made_rate or rate, band="16 kHz"), wanted)
    return embedder.embed(other, "16 kHz"), embedder.embed(wanted, "16 kHz")


def varied(recordings: Sequence[ReferenceRecording], embedder: SoundEmbedder, *, bundle: str, steps: int) -> list[str]:
    """The lines of varied and repaired takes."""
    sampling = SamplingSettings(steps=steps)
    image = np.full((64, 64, 3), 128, dtype=np.uint8)
    mask = np.ones((64, 64), dtype=bool)
    likenesses: dict[float, list[float]] = {each: [] for each in STRENGTHS}
    made: dict[float, list[npt.NDArray[np.float32]]] = {each: [] for each in STRENGTHS}
    real, kinds, steps_db, changed = [], [], [], 0
    with EngineSession.open(bundle=bundle, device="cpu") as session:
        for recording in recordings:
            found = read_mono(recording.path)
            if found is None or len(found[0]) < LEAST_S * found[1]:
                continue
            samples, rate = np.ascontiguousarray(found[0][: 5 * found[1]]), found[1]

            def request(
                strength: float,
                stretch: tuple[float, float] | None,
                samples: Waveform = samples,
                rate: int = rate,
                kind: str = recording.kind,
            ) -> VariationRequest:
                take = ObjectRequest(name=kind, mask=mask, seed=1, prompt=kind)
                return VariationRequest(
                    image=image, take=take, seeds=(1,), waveform=samples, sample_rate_hz=rate, strength=strength,
                    regenerate_s=stretch, sampling=sampling,
                )  # fmt: skip

            for strength in STRENGTHS:
                (take,) = session.generate_variations(request(strength, None))
                a, b = pair(take.waveform, samples, rate, embedder, made_rate=take.sample_rate_hz)
                likenesses[strength].append(cosine(a, b))
                made[strength].append(a)
            real.append(b)
            kinds.append(recording.kind)
            seconds = len(samples) / rate
            stretch = (seconds / 3, 2 * seconds / 3)
            (take,) = session.generate_variations(request(1.0, stretch))
            steps_db += [seam_step_db(take.waveform, samples, round(edge * rate), rate) for edge in stretch]
            changed += outside_changed(take.waveform, samples, stretch, rate)
    lines = []
    for strength in STRENGTHS:
        auc = two_sample_test(np.stack(real), np.stack(made[strength]), real_groups=kinds, made_groups=kinds).auc
        lines.append(
            f"varied at {strength:g}: cosine with its source {np.mean(likenesses[strength]):.3f}, AUC {auc:.3f}"
        )
    lines.append(
        f"repaired: largest step of level at an edge beyond the source's own: median {np.median(steps_db):.2f} dB, "
        f"largest {np.max(steps_db):.2f} dB ({len(steps_db)} edges); {changed} samples outside changed"
    )
    return lines


def cosine(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    return float(a @ b / max(1e-9, float(np.linalg.norm(a) * np.linalg.norm(b))))


def seam_step_db(made: Waveform, source: Waveform, edge: int, rate: int) -> float:
    """By how much more the level steps across an edge than it does in the source."""
    return max(0.0, step_db(made, edge, rate) - step_db(source, edge, rate))


def step_db(samples: Waveform, edge: int, rate: int) -> float:
    """Difference of the levels of 50 ms before and after an edge, in dB."""
    block = round(BLOCK_S * rate)
    before, after = (
        float(np.sqrt(np.mean(np.square(part, dtype=np.float64)))) + 1e-4
        for part in (samples[max(0, edge - block) : edge], samples[edge : edge + block])
    )
    return abs(20 * np.log10(after / before))


def outside_changed(made: Waveform, source: Waveform, stretch: tuple[float, float], rate: int) -> int:
    """Samples outside a stretch and its crossfades that are not the source's."""
    start, stop = int((stretch[0] - 0.04) * rate) - 1, int((stretch[1] + 0.04) * rate) + 2
    return int(np.sum(made[:start] != source[:start]) + np.sum(made[stop:] != source[stop:]))


if __name__ == "__main__":
    main()

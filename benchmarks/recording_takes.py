"""Takes arranged of recordings, told from real ones.

python -m benchmarks.recording_takes --data DATA [--split test] [--recordings 91]

Each recording of the set's part against a take of the same length laid out of it; AUC of the two-sample test of
`evaluate realism` (loudest 2.56 s, equally loud, band to 8 kHz), interval by kinds; 0.5 cannot be told apart. What is
chosen is chosen on the part 'train'.
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
from sounddesk.audio.recordings.arranging import quiet_spans
from sounddesk.audio.recordings.arranging import with_tails
from sounddesk.audio.recordings.event_cutting import CutRecording
from sounddesk.audio.recordings.event_cutting import cut_events
from sounddesk.audio.recordings.event_cutting import sound_curves
from sounddesk.engine.library.library_takes import chosen_events
from sounddesk.evaluation.metrics.two_sample import area_under_curve
from sounddesk.evaluation.metrics.two_sample import two_sample_test
from sounddesk.evaluation.recordings.excerpts import in_band
from sounddesk.evaluation.recordings.excerpts import loudest_excerpt
from sounddesk.evaluation.recordings.excerpts import matched
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.evaluation.recordings.recording_folder import most_of
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder


def main(arguments: Sequence[str] | None = None) -> None:
    options_of = parser(__doc__)
    options_of.add_argument("--data", type=Path, default=Path("starter-data"))
    options_of.add_argument("--recordings", type=int, default=91)
    options_of.add_argument("--split", choices=("train", "test"), default="test")
    options = options_of.parse_args(arguments)
    every = read_recording_folder(options.data, split=options.split)
    print(arranged(most_of(every, options.recordings), SoundEmbedder()), flush=True)


def arranged(recordings: Sequence[ReferenceRecording], embedder: SoundEmbedder) -> str:
    """The line of arranged takes."""
    real, made, kinds, behaviours = [], [], [], []
    for number, recording in enumerate(recordings):
        found = read_mono(recording.path)
        if found is None:
            continue
        samples, rate = found
        with SoundStream(recording.path) as stream:
            cut = cut_events(sound_curves(stream.mono_blocks(), sample_rate_hz=rate))
        if cut.behaviour == "silent":
            continue
        take = laid_out(samples, rate, cut, seed=number)
        a, b = pair(take, samples, rate, embedder)
        made.append(a)
        real.append(b)
        kinds.append(recording.kind)
        behaviours.append(cut.behaviour)
    test = two_sample_test(np.stack(real), np.stack(made), real_groups=kinds, made_groups=kinds)
    low, high = test.interval()
    parts = []
    for behaviour in sorted(set(behaviours)):
        chosen = np.array([each == behaviour for each in behaviours])
        parts.append(f"{behaviour} {area_under_curve(test.real[chosen], test.made[chosen]):.3f} ({chosen.sum()})")
    return (
        f"arranged: AUC {test.auc:.3f} (95 % interval {low:.3f} to {high:.3f}, {len(made)} recordings); "
        f"{', '.join(parts)}"
    )


def laid_out(samples: Waveform, rate: int, cut: CutRecording, *, seed: int) -> Waveform:
    """A take as long as the recording, as the library makes it where its loudest event was found."""
    assert cut.behaviour != "silent"
    seconds = len(samples) / rate

    def part(start_s: float, end_s: float) -> Waveform:
        return samples[round(start_s * rate) : round(end_s * rate)][:, None]

    found = max(cut.events, key=lambda each: each.level_db)
    chosen = chosen_events(cut.events, found, layout=cut.behaviour)
    starts = [event.start_s for event in chosen] + [None]
    sources = [
        SourceEvent(samples=part(*span), gap_s=None if after is None or event.texture else after - event.start_s)
        for event, after, span in zip(
            chosen,
            starts[1:],
            with_tails([(each.start_s, each.end_s) for each in chosen], seconds=seconds),
            strict=True,
        )
    ]
    spans = with_tails([(each.start_s, each.end_s) for each in cut.events], seconds=seconds)
    quiet = [] if cut.behaviour == "continuous" else [part(*span) for span in quiet_spans(spans, seconds=seconds)]
    made = arrange(sources, seconds=seconds, sample_rate_hz=rate, layout=cut.behaviour, seed=seed, quiet=quiet)
    return np.ascontiguousarray(made.samples[:, 0])


def pair(
    made: Waveform, real: Waveform, rate: int, embedder: SoundEmbedder, *, made_rate: int | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Embeddings of a take and of the recording that it is compared with, equally long and loud."""
    wanted = in_band(loudest_excerpt(real, sample_rate_hz=rate), sample_rate_hz=rate, band="16 kHz")
    other = matched(in_band(made, sample_rate_hz=made_rate or rate, band="16 kHz"), wanted)
    return embedder.embed(other, "16 kHz"), embedder.embed(wanted, "16 kHz")


if __name__ == "__main__":
    main()

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
from sounddesk.audio.recordings.arranging import with_tails
from sounddesk.audio.recordings.event_cutting import cut_events
from sounddesk.audio.recordings.event_cutting import sound_curves
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


if __name__ == "__main__":
    main()

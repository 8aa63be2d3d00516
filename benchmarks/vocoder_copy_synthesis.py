"""Vocoder against 64-iteration Griffin-Lim on held-out recordings: mel -> waveform, two distances to the original.

python -m benchmarks.vocoder_copy_synthesis --data FOLDER [--bundle NAME]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch

from benchmarks.common import parser
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.device import choose_device
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.evaluation.baselines.griffin_lim import griffin_lim
from sounddesk.training.data.recordings import read_recordings
from sounddesk.training.tasks.vocoder import multi_resolution_stft_distance


@torch.no_grad()
def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = parser(__doc__, data=True)
    arguments_of.add_argument(
        "--seconds", type=float, default=5.0, help="of each recording, from its start (default: 5)"
    )
    arguments_of.add_argument("--limit", type=int, default=None, help="how many recordings (default: all held out)")
    options = arguments_of.parse_args(arguments)
    bundle = find_bundle(options.bundle)
    bundle.verify()
    vocoder = load_components(bundle, choose_device("cpu")).vocoder.network
    spec = bundle.audio.mel
    front_end = LogMel(spec)
    recordings = read_recordings(options.data, splits=("test",))[: options.limit]
    length = round(options.seconds * spec.sample_rate_hz)
    sums = {"vocoder": [0.0, 0.0], "griffin_lim": [0.0, 0.0]}
    better = [0, 0]
    for recording in recordings:
        samples = recording.samples[:length]
        frames = max(2 * spec.n_fft // spec.hop_length, len(samples) // spec.hop_length)
        waveform = torch.zeros(1, frames * spec.hop_length)
        waveform[0, : min(len(samples), waveform.shape[1])] = torch.from_numpy(samples[: waveform.shape[1]])
        target = scale_to_peak(waveform, spec)
        mel = front_end(target)
        rebuilt = {"vocoder": vocoder.synthesise(mel).float(), "griffin_lim": griffin_lim(mel, spec, iterations=64)}
        figures = {}
        for name, sound in rebuilt.items():
            sound = sound[:, : target.shape[1]]
            figures[name] = [
                float((front_end(sound) - mel).abs().mean()),
                float(multi_resolution_stft_distance(sound, target)),
            ]
            sums[name] = [total + figure for total, figure in zip(sums[name], figures[name], strict=True)]
        for index in range(2):
            better[index] += figures["vocoder"][index] < figures["griffin_lim"][index]
    count = len(recordings)
    ours, theirs = ([total / count for total in sums[name]] for name in ("vocoder", "griffin_lim"))
    print(
        f"vocoder copy-synthesis, {count} held-out recordings: log-mel distance {ours[0]:.3f} against {theirs[0]:.3f} "
        f"of Griffin-Lim (better on {better[0]}), multi-resolution STFT distance {ours[1]:.3f} against {theirs[1]:.3f} "
        f"(better on {better[1]}), bundle {bundle.name}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])

"""Pairs for the detail's training: a decoded spectrogram, the true one, and the levels above it. Encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.starter.spectral_detail import SpectralDetail
from sounddesk.engine.starter.upper_band import band_edges_hz
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.recordings import Samples
from sounddesk.training.data.recordings import read_rows
from sounddesk.training.data.recordings import scale_peak

# Sources of this rate and more have all of the band that counts.
_WIDE_RATE_HZ: Final = 40_000
_SHORTEST_FRAMES: Final = 256
# Whole latents of the starter's codec: four steps of four frames.
_FRAMES_OF_LATENTS: Final = 16
_QUIET: Final = -9.5


class Pair(NamedTuple):
    """One sound.

    Attributes:
        decoded, true: log-mels float16[T, bands].
        upper: log levels float16[T * subframes, upper_bands].
        known: which upper bands its source has, float32[upper_bands].
    """

    decoded: Tensor
    true: Tensor
    upper: Tensor
    known: Tensor


class WideRecording(NamedTuple):
    """Samples at the finished rate, the highest frequency that their source has, and what sounds."""

    samples: Samples
    limit_hz: float
    kind: str


def read_wide_recordings(data_dir: Path, *, sample_rate_hz: int) -> list[WideRecording]:
    """The training recordings of a data set that was prepared at `sample_rate_hz`. Raises: DataError for another."""
    found = []
    for row in read_rows(data_dir, "recording"):
        if row["split"] != "train":
            continue
        samples, rate = soundfile.read(data_dir / row["path"], dtype="float32")
        if rate != sample_rate_hz:
            raise DataError(
                f"{row['path']} has {rate} Hz, the recipe asks for {sample_rate_hz} Hz: prepare the set with "
                f"--recordings-hz {sample_rate_hz}"
            )
        source_hz = int(row["source_rate_hz"])
        limit_hz = rate / 2 if source_hz >= _WIDE_RATE_HZ else source_hz / 2
        found.append(WideRecording(samples, limit_hz, row["kind"]))
    return found


@torch.no_grad()
def encode_pairs(
    recordings: Sequence[WideRecording],
    *,
    codec: LatentCodec,
    detail: SpectralDetail,
    variants: int,
    seed: int,
) -> list[Pair]:
    """`variants` of every recording: as it is, then faster or slower, some mixed with another, at random levels."""
    rng = np.random.default_rng(seed)
    log_mel, spec = LogMel(detail.spec), detail.spec
    factor = detail.sample_rate_hz // spec.sample_rate_hz
    config = detail.config
    edges = band_edges_hz(config.upper_bands, config.upper_from_hz, config.upper_to_hz)
    pairs = []
    for variant in range(variants):
        for recording in recordings:
            wide, limit_hz = _varied(
                recording, recordings, variant=variant, peak=spec.peak, hop_length=spec.hop_length * factor, rng=rng
            )
            lower = soxr.resample(wide, factor, 1, quality="VHQ").astype(np.float32)
            lower = np.pad(lower, (0, max(0, len(wide) // factor - len(lower))))[: len(wide) // factor]
            true = log_mel(torch.from_numpy(lower)[None])
            decoded = codec.decode(codec.encode(true, generator=_generator(rng))).clamp(min=spec.log_silence)
            upper = detail.levels(torch.from_numpy(wide)[None])
            known = (edges[1:] <= limit_hz * 1.001).float()
            pairs.append(Pair(decoded[0].half(), true[0].half(), upper[0].half(), known))
    return pairs


def draw_pairs(pairs: Sequence[Pair], *, frames: int, batch_size: int, rng: np.random.Generator) -> list[Tensor]:
    """Crops of `frames`, long sounds more often; decoded, true, upper and known as float32 batches."""
    weights = np.sqrt([len(pair.true) for pair in pairs])
    crops = []
    for index in rng.choice(len(pairs), batch_size, p=weights / weights.sum()):
        pair = pairs[int(index)]
        for _ in range(3):
            start = int(rng.integers(0, (len(pair.true) - frames) // 4 + 1)) * 4
            if pair.true[start : start + frames].float().mean() > _QUIET:
                break
        per_frame = len(pair.upper) // len(pair.true)
        upper = pair.upper[start * per_frame : (start + frames) * per_frame]
        crops.append((pair.decoded[start : start + frames], pair.true[start : start + frames], upper, pair.known))
    return [torch.stack([crop[part] for crop in crops]).float() for part in range(4)]


def _varied(
    recording: WideRecording,
    others: Sequence[WideRecording],
    *,
    variant: int,
    peak: float,
    hop_length: int,
    rng: np.random.Generator,
) -> tuple[Samples, float]:
    samples, limit_hz, _ = recording
    if variant > 0:
        ratio = float(np.exp(rng.uniform(-0.1, 0.1)))
        samples = soxr.resample(samples, ratio, 1.0, quality="HQ").astype(np.float32)
        limit_hz *= ratio
    # Whole latents, and some silence around short sounds.
    step = _FRAMES_OF_LATENTS * hop_length
    length = max(len(samples) + int(rng.uniform(5, 60) * hop_length), _SHORTEST_FRAMES * hop_length)
    laid = np.zeros(-(-length // step) * step, dtype=np.float32)
    start = int(rng.integers(0, len(laid) - len(samples) + 1))
    laid[start : start + len(samples)] = samples
    if variant > 1 and rng.random() < 0.5:
        other = others[int(rng.integers(len(others)))]
        added = scale_peak(other.samples[: len(laid)], float(rng.uniform(0.05, 1.0)))
        start = int(rng.integers(0, len(laid) - len(added) + 1))
        laid = scale_peak(laid, 1.0)
        laid[start : start + len(added)] += added
        limit_hz = min(limit_hz, other.limit_hz)
    level = peak if rng.random() < 0.5 else peak * float(np.exp(rng.uniform(np.log(0.2), np.log(1.6))))
    return scale_peak(laid, level), limit_hz


def _generator(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(1 << 31)))

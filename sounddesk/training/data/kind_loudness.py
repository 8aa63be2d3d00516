"""How loud the recordings of each kind are, and with which conditions the kinds are asked for."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sounddesk.engine.bundles.component_classes import load_text_encoder
from sounddesk.engine.models.text_encoder import SentenceEncoder
from sounddesk.engine.starter.take_level import max_momentary_lufs
from sounddesk.training.data.data_error import DataError
from sounddesk.training.data.detail_pairs import WideRecording
from sounddesk.training.data.kind_vectors import kind_vectors
from sounddesk.training.data.recordings import read_kinds
from sounddesk.training.data.recordings import scale_peak


def kind_loudness(
    recordings: Sequence[WideRecording], *, data_dir: Path, encoders: Path, peak: float, sample_rate_hz: int
) -> tuple[Tensor, Tensor]:
    """Of each kind of a data set its condition, float32[kinds, width], and the median loudness in LUFS, float32[kinds].

    The loudest 400 ms of each recording count, when it is scaled to `peak`. A kind without recordings has the median
    of all.

    Args:
        encoders: folder that holds `text_encoder`.

    Raises:
        DataError: there are no recordings.
    """
    found: dict[str, list[float]] = {}
    for recording in recordings:
        samples = torch.from_numpy(scale_peak(recording.samples - recording.samples.mean(), peak))
        found.setdefault(recording.kind, []).append(max_momentary_lufs(samples, sample_rate_hz=sample_rate_hz))
    if not found:
        raise DataError(f"{data_dir} has no training recordings, so nobody knows how loud its kinds are")
    of_all = statistics.median(lufs for each in found.values() for lufs in each)
    kinds = read_kinds(data_dir)
    text_encoder = load_text_encoder("SentenceEncoder", encoders / "text_encoder")
    assert isinstance(text_encoder, SentenceEncoder)
    conditions, _ = kind_vectors(kinds, text_encoder)
    medians = [statistics.median(found.get(kind.name, [of_all])) for kind in kinds]
    return conditions.float(), torch.tensor(medians)

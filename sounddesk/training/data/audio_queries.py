"""Audio embeddings as attention queries instead of captions: ablation (v)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.resources_folder import resource
from sounddesk.training.data.recordings import Kind
from sounddesk.training.data.recordings import Recording
from sounddesk.training.data.recordings import scale_peak
from sounddesk.training.data.soundscapes import lay_out

VARIANTS: Final = 6


@torch.no_grad()
def audio_queries(
    kinds: Sequence[Kind], recordings: Sequence[Recording], *, classifier: Path | None = None
) -> list[Tensor]:
    """Unit vectors float32[VARIANTS, A] of the sounds of every kind, in the order of `kinds`.

    The paper's audio encoder is CLAP's; here it is the pooled layer of the sound classifier. A kind without a
    recording gets zeros, which ask nothing.
    """
    model = SoundClassifier.load(classifier or resource("evaluation/classifier"))
    length = round(WINDOW_S * model.mel.sample_rate_hz)
    queries = []
    for index, kind in enumerate(kinds):
        own = [recording.samples for recording in recordings if recording.kind == kind.name]
        if not own:
            queries.append(torch.zeros(VARIANTS, model.config.head_width))
            continue
        rng = np.random.default_rng((3, index))
        sounds = [
            scale_peak(lay_out(own[i % len(own)], length=length, repeat=kind.repeat, rng=rng), model.mel.peak)
            for i in range(VARIANTS)
        ]
        pooled = model.pool(model.features(model.log_mel(torch.from_numpy(np.stack(sounds)))))
        queries.append(nn.functional.normalize(pooled, dim=-1))
    return queries

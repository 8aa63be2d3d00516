"""Embeddings of excerpts by the sound-effects encoder that ships (aiSFX), which no bundle was trained with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from sounddesk.engine.perception.matching_inputs import EFFECTS_ENCODER
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.recordings.excerpts import BAND_RATE_HZ
from sounddesk.evaluation.recordings.excerpts import EXCERPT_S
from sounddesk.evaluation.recordings.excerpts import Band
from sounddesk.resources_folder import resource

Embedding = npt.NDArray[np.float32]


class SoundEmbedder:
    """Excerpts to vectors.

    Args:
        encoder: the one that ships by default.
    """

    def __init__(self, encoder: SoundEffectsEncoder | None = None) -> None:
        self._encoder = encoder or SoundEffectsEncoder.load(resource(EFFECTS_ENCODER))

    def embed(self, excerpt: Waveform, band: Band) -> Embedding:
        """float32[width] of at most `EXCERPT_S` of sound float32[n] at the band's rate; its level counts."""
        rate = BAND_RATE_HZ[band]
        padded = np.zeros(round(EXCERPT_S * rate), dtype=np.float32)
        padded[: len(excerpt)] = excerpt[: len(padded)]
        vector = self._encoder.embed(torch.from_numpy(padded)[None], sample_rate_hz=rate, to_peak=False)[0]
        return np.asarray(vector.numpy(), dtype=np.float32)

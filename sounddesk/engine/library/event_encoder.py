"""Embeddings of events by the sound-effects encoder that ships, and vectors of what is said of recordings."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.resample import resample
from sounddesk.engine.library.event_windows import WINDOW_S
from sounddesk.engine.perception.matching_inputs import EFFECTS_ENCODER
from sounddesk.engine.perception.sound_effects import CONFIG_NAME
from sounddesk.engine.perception.sound_effects import SAMPLE_RATE_HZ
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.verified_files import hash_file
from sounddesk.resources_folder import resource

_AT_ONCE: Final = 8


class EventEncoder:
    """Stretches of sound to vectors float32[width].

    Args:
        folder: of the encoder, by default the one that ships.

    Attributes:
        name: tells this encoder from others, for an index that is to hold the vectors of one.

    Raises:
        EngineError: the encoder is missing or damaged.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or resource(EFFECTS_ENCODER)
        self._encoder = SoundEffectsEncoder.load(folder)
        self.name = hash_file(folder / CONFIG_NAME).sha256[:12]

    @property
    def width(self) -> int:
        return self._encoder.width

    def embed(self, sounds: Iterable[tuple[Waveform, int]]) -> Iterator[npt.NDArray[np.float32]]:
        """One vector for each mono sound float32[n] with its rate; of `WINDOW_S` from its start, at a peak of 1."""
        length = round(WINDOW_S * SAMPLE_RATE_HZ)
        rest = iter(sounds)
        while batch := list(islice(rest, _AT_ONCE)):
            windows = np.zeros((len(batch), length), dtype=np.float32)
            for row, (samples, rate) in zip(windows, batch, strict=True):
                part = samples[: round(WINDOW_S * rate)]
                if len(part):
                    heard = resample(part, from_hz=rate, to_hz=SAMPLE_RATE_HZ)[:length]
                    row[: len(heard)] = heard
            yield from self._encoder.embed(torch.from_numpy(windows), sample_rate_hz=SAMPLE_RATE_HZ).numpy()

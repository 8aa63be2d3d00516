"""The sound-effects encoder that ships, on the loudest 2.56 s of a sound, its band cut at 8 kHz."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sound_networks.registry import SeeingNetwork

if TYPE_CHECKING:
    from sounddesk.engine.perception.recognition import RecognisesObjects
    from sounddesk.evaluation.judge.independent_judge import IndependentJudge
    from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder


class EffectsNetwork:
    """As realism and the judge hear: 16 kHz, so that no system is told by its band; at a peak of 1."""

    def __init__(self, embedder: SoundEmbedder | None = None) -> None:
        from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder

        self._embedder = embedder or SoundEmbedder()
        self._lock = threading.Lock()
        self._loaded: tuple[IndependentJudge, RecognisesObjects] | None = None

    def hear(self, sound: SoundFile) -> Features:
        """'embedding': float32[512]."""
        from sounddesk.evaluation.recordings.excerpts import in_band
        from sounddesk.evaluation.recordings.excerpts import loudest_excerpt

        excerpt = loudest_excerpt(sound.mono, sample_rate_hz=sound.sample_rate_hz)
        excerpt = in_band(excerpt, sample_rate_hz=sound.sample_rate_hz, band="16 kHz")
        return {"embedding": self._embedder.embed(excerpt, "16 kHz")}

    def see(self, image: RgbImage, mask: BoolMask | None, /) -> Features:
        """'kinds': how probable each of the judge's kinds is for the object, by the starter's recogniser, float32[K].

        What the recogniser takes it for besides has no place among them, so that the sum may be less than 1.
        """
        import numpy as np

        from sounddesk.evaluation.picture_folder import normal_name

        judge, recogniser = self._eyes()
        known = {normal_name(kind): place for place, kind in enumerate(judge.kinds)}
        seen = np.zeros(len(known), dtype=np.float32)
        area = np.ones(image.shape[:2], dtype=np.bool_) if mask is None else mask
        for guess in recogniser.recognise(image, area).guesses:
            place = known.get(normal_name(guess.name))
            if place is not None:
                seen[place] = guess.confidence
        return {"kinds": seen}

    def _eyes(self) -> tuple[IndependentJudge, RecognisesObjects]:
        """Loaded at the first picture."""
        from sounddesk.domain.errors import EngineError
        from sounddesk.engine.starter.recogniser import open_recogniser
        from sounddesk.evaluation.judge.independent_judge import IndependentJudge
        from sounddesk.resources_folder import SHIPPED_BUNDLE

        with self._lock:
            if self._loaded is None:
                recogniser = open_recogniser(SHIPPED_BUNDLE)
                if recogniser is None:
                    raise EngineError("the starter recognises no objects: install sounddesk again")
                self._loaded = IndependentJudge.load(), recogniser
            return self._loaded


def _load(_: tuple[InstalledModel, ...]) -> SeeingNetwork:
    return EffectsNetwork()


NETWORKS.register(
    NetworkEntry(name="effects", label="sound-effects encoder (aiSFX), ships with sounddesk", version=1, load=_load)
)

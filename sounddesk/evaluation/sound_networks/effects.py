"""The sound-effects encoder that ships, on the loudest 2.56 s of a sound, its band cut at 8 kHz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sound_networks.registry import SoundNetwork

if TYPE_CHECKING:
    from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder


class EffectsNetwork:
    """As realism and the judge hear: 16 kHz, so that no system is told by its band; at a peak of 1."""

    def __init__(self, embedder: SoundEmbedder | None = None) -> None:
        from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder

        self._embedder = embedder or SoundEmbedder()

    def hear(self, sound: SoundFile) -> Features:
        """'embedding': float32[512]."""
        from sounddesk.evaluation.recordings.excerpts import in_band
        from sounddesk.evaluation.recordings.excerpts import loudest_excerpt

        excerpt = loudest_excerpt(sound.mono, sample_rate_hz=sound.sample_rate_hz)
        excerpt = in_band(excerpt, sample_rate_hz=sound.sample_rate_hz, band="16 kHz")
        return {"embedding": self._embedder.embed(excerpt, "16 kHz")}

    def see(self, image: RgbImage) -> Features:
        raise NotImplementedError("the sound-effects encoder sees nothing")


def _load(_: tuple[InstalledModel, ...]) -> SoundNetwork:
    return EffectsNetwork()


NETWORKS.register(
    NetworkEntry(name="effects", label="sound-effects encoder (aiSFX), ships with sounddesk", version=1, load=_load)
)

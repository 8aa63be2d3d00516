"""PANNs Cnn14 as a network of metrics: ACC, KL, IS and FD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sound_networks.registry import SoundNetwork

if TYPE_CHECKING:
    from sounddesk.evaluation.sound_networks.cnn14 import Cnn14


class PannsNetwork:
    """Hears as audioldm_eval: the first channel without its mean, padded to 2 s."""

    def __init__(self, network: Cnn14) -> None:
        self._network = network

    def hear(self, sound: SoundFile) -> Features:
        """'logits': float32[527]; 'embedding': float32[2048]."""
        import torch

        from sounddesk.evaluation.sound_networks.cnn14 import LEAST_SAMPLES
        from sounddesk.evaluation.sound_networks.cnn14 import RATE_HZ
        from sounddesk.evaluation.sound_networks.front_end import first_channel_at
        from sounddesk.evaluation.sound_networks.front_end import padded_to

        waveform = padded_to(first_channel_at(sound, RATE_HZ), LEAST_SAMPLES)
        with torch.no_grad():
            logits, embeddings = self._network(torch.from_numpy(waveform)[None])
        return {"logits": logits[0].numpy(), "embedding": embeddings[0].numpy()}


def _load(models: tuple[InstalledModel, ...]) -> SoundNetwork:
    from sounddesk.evaluation.sound_networks.cnn14 import Cnn14
    from sounddesk.evaluation.sound_networks.cnn14 import published_name
    from sounddesk.evaluation.sound_networks.weights import load_into
    from sounddesk.evaluation.sound_networks.weights import tensors_of

    return PannsNetwork(load_into(Cnn14(), tensors_of(models[0]), of=models[0].name, rename=published_name))


NETWORKS.register(
    NetworkEntry(name="panns", label="PANNs Cnn14, 16 kHz", version=1, load=_load, model_ids=("panns-cnn14-16k",))
)

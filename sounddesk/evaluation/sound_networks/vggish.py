"""VGGish as a network of metrics: FAD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sound_networks.registry import SoundNetwork

if TYPE_CHECKING:
    from sounddesk.evaluation.sound_networks.vgg_audio import Vggish


class VggishNetwork:
    """Hears all channels averaged; a sound shorter than an example is padded to one."""

    def __init__(self, network: Vggish) -> None:
        self._network = network

    def hear(self, sound: SoundFile) -> Features:
        """'windows': float32[N, 128], one for each 0.96 s."""
        import torch

        from sounddesk.evaluation.sound_networks.front_end import mono_at
        from sounddesk.evaluation.sound_networks.front_end import padded_to
        from sounddesk.evaluation.sound_networks.vgg_audio import LEAST_SAMPLES
        from sounddesk.evaluation.sound_networks.vgg_audio import RATE_HZ
        from sounddesk.evaluation.sound_networks.weights import in_batches

        waveform = torch.from_numpy(padded_to(mono_at(sound, RATE_HZ), LEAST_SAMPLES))
        return {"windows": in_batches(self._network, self._network.examples(waveform)).numpy()}


def _load(models: tuple[InstalledModel, ...]) -> SoundNetwork:
    from sounddesk.evaluation.sound_networks.vgg_audio import Vggish
    from sounddesk.evaluation.sound_networks.weights import load_into
    from sounddesk.evaluation.sound_networks.weights import tensors_of

    return VggishNetwork(load_into(Vggish(), tensors_of(models[0]), of=models[0].name))


NETWORKS.register(NetworkEntry(name="vggish", label="VGGish", version=1, load=_load, model_ids=("vggish",)))

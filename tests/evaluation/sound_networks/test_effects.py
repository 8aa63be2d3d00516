from __future__ import annotations

import numpy as np
import pytest
import torch

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.evaluation.judge.independent_judge import IndependentJudge
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.evaluation.sound_networks.effects import EffectsNetwork
from sounddesk.resources_folder import resource


@pytest.fixture(scope="module")
def network() -> EffectsNetwork:
    torch.manual_seed(0)
    return EffectsNetwork(SoundEmbedder(SoundEffectsEncoder(width=8).eval()))


def test_levels_rates_and_channels_do_not_count(network: EffectsNetwork) -> None:
    t = np.arange(16_000) / 16_000
    tone = (0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    first = network.hear(SoundFile(samples=tone, sample_rate_hz=16_000, encoding=""))["embedding"]
    both = np.stack([tone, tone], axis=1) * 0.1
    again = network.hear(SoundFile(samples=both, sample_rate_hz=16_000, encoding=""))["embedding"]
    assert np.allclose(first, again, atol=1e-4)


def test_an_object_of_the_demo_is_seen_as_what_it_is(network: EffectsNetwork) -> None:
    demo = resource("demo")
    image = load_image(next(path for path in demo.iterdir() if path.stem == "scene" and path.suffix != ".json"))
    kinds = IndependentJudge.load().kinds
    name = next(name for name in ("dog", "cow", "sheep", "duck") if name in kinds)
    mask = load_mask(demo / "masks" / f"{name}.png", image_size=(image.width, image.height))
    seen = network.see(image.pixels, mask)["kinds"]
    assert kinds[int(seen.argmax())] == name
    assert 0 < seen.sum() <= 1 + 1e-4

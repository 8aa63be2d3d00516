"""The sound-effects encoder: its spectrogram, its indifference to level, the weights that ship, damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.matching_inputs import EFFECTS_ENCODER
from sounddesk.engine.perception.sound_effects import SAMPLE_RATE_HZ
from sounddesk.engine.perception.sound_effects import WEIGHTS_NAME
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.resources_folder import resource


@pytest.fixture(scope="module")
def shipped() -> SoundEffectsEncoder:
    return SoundEffectsEncoder.load(resource(EFFECTS_ENCODER))


def _noise(seed: int, *, seconds: float = 3.2) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)).astype(np.float32))


def test_a_tone_lies_in_its_band() -> None:
    encoder = SoundEffectsEncoder(width=16)
    frequency_hz = 1_000.0
    tone = torch.sin(2 * torch.pi * frequency_hz * torch.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    frames = encoder.spectrogram(tone[None])
    assert frames.shape == (1, 1 + SAMPLE_RATE_HZ // 1024, 96)
    mel = 2595 * np.log10(1 + frequency_hz / 700)
    top = 2595 * np.log10(1 + SAMPLE_RATE_HZ / 2 / 700)
    # Centres of 96 bands, evenly spaced in mel.
    expected = mel / top * 97 - 1
    assert abs(int(frames[0, 20].argmax()) - expected) <= 1
    assert 0 <= frames.min() and frames.max() <= 1.05
    np.testing.assert_allclose(encoder.filters.sum(dim=0), 1.0, atol=1e-5)


def test_the_level_does_not_count_and_silence_is_a_sound(shipped: SoundEffectsEncoder) -> None:
    sounds = torch.stack([_noise(0), 0.01 * _noise(0), torch.zeros(51_200)])
    loud, quiet, silent = shipped.embed(sounds, sample_rate_hz=16_000)
    torch.testing.assert_close(loud, quiet, atol=1e-3, rtol=1e-3)
    assert torch.isfinite(silent).all()


def test_short_sounds_are_filled_up(shipped: SoundEffectsEncoder) -> None:
    assert shipped.embed(_noise(0, seconds=0.2)[None], sample_rate_hz=16_000).shape == (1, 512)


def test_the_weights_that_ship_tell_sorts_of_sound_apart(shipped: SoundEffectsEncoder) -> None:
    time_s = torch.arange(51_200) / 16_000
    clicks = torch.zeros(51_200)
    clicks[::8_000] = 1.0
    tones = [torch.sin(2 * torch.pi * f * time_s) for f in (440.0, 466.0)]
    sounds = torch.stack([_noise(1), _noise(2), *tones, clicks, clicks.roll(1_000)])
    found = torch.nn.functional.normalize(shipped.embed(sounds, sample_rate_hz=16_000), dim=1)
    likeness = found @ found.T
    for row in range(6):
        likeness[row, row] = -1
    assert likeness.argmax(dim=1).tolist() == [1, 0, 3, 2, 5, 4]


def test_saved_and_loaded_it_says_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = SoundEffectsEncoder(width=16).eval()
    encoder.save(tmp_path)
    blocks = torch.rand(2, 100, 96)
    with torch.no_grad():
        torch.testing.assert_close(SoundEffectsEncoder.load(tmp_path)(blocks), encoder(blocks), atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("damage", ["missing", "flipped", "class", "width"])
def test_damaged_files_are_refused(tmp_path: Path, damage: str) -> None:
    SoundEffectsEncoder(width=16).save(tmp_path)
    config = tmp_path / "config.json"
    weights = tmp_path / WEIGHTS_NAME
    if damage == "missing":
        weights.unlink()
    elif damage == "flipped":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(bytes(data))
    else:
        changed = {"class": "Other"} if damage == "class" else {"width": 32}
        config.write_text(json.dumps({**json.loads(config.read_text()), **changed}))
    with pytest.raises(EngineError, match="install sounddesk again"):
        SoundEffectsEncoder.load(tmp_path)

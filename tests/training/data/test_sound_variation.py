from __future__ import annotations

import numpy as np
import pytest
import torch

from sounddesk.training.data.sound_variation import change_speed
from sounddesk.training.data.sound_variation import mix_log_mels
from sounddesk.training.data.sound_variation import varied_waveform
from sounddesk.training.data.sound_variation import vary_log_mel

RATE = 16_000


def tone(hz: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def dominant_hz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


def test_speed_moves_pitch_and_length_together():
    fast = change_speed(tone(400), 1.25)
    assert len(fast) == RATE * 0.8
    assert dominant_hz(fast) == pytest.approx(500, abs=2)
    np.testing.assert_allclose(change_speed(tone(400), 1.0), tone(400), atol=1e-6)


def test_very_short_sounds_survive():
    assert len(change_speed(np.ones(2, dtype=np.float32), 1.08)) == 2


@pytest.mark.parametrize("repeat", ["one-shot", "repeating", "continuous"])
@pytest.mark.parametrize("seconds", [0.05, 1.0, 9.0])
def test_varied_waveform_has_the_length_and_is_never_silent(repeat, seconds):
    others = [tone(3000)]
    sounds = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sound = varied_waveform(tone(500, seconds), repeat=repeat, length=RATE, peak=0.5, others=others, rng=rng)
        assert sound.shape == (RATE,)
        assert sound.dtype == np.float32
        assert 0.3 < np.abs(sound).max() < 1.0
        if seconds >= 1:
            # A click may hold less energy than what sounds under it.
            assert 400 < dominant_hz(sound) < 600
        sounds.append(sound)
    assert len({sound.tobytes() for sound in sounds}) == 12


def test_same_generator_same_sound():
    make = lambda: varied_waveform(  # noqa: E731
        tone(500), repeat="repeating", length=RATE, peak=0.5, others=[tone(90)], rng=np.random.default_rng(4)
    )
    np.testing.assert_array_equal(make(), make())


def test_silent_beginning_is_not_taken_for_the_sound():
    late = np.concatenate([np.zeros(10 * RATE, dtype=np.float32), tone(500)])
    loud = [
        np.abs(
            varied_waveform(
                late, repeat="one-shot", length=RATE, peak=0.5, others=[late], rng=np.random.default_rng(seed)
            )
        ).max()
        for seed in range(10)
    ]
    assert all(np.isfinite(loud))


def test_varied_mel_keeps_shape_and_stays_recognisable():
    mel = torch.full((6, 80, 64), -8.0)
    mel[:, :, 20:24] = 2.0
    torch.manual_seed(0)
    varied = vary_log_mel(mel, np.random.default_rng(0))
    assert varied.shape == mel.shape
    assert torch.isfinite(varied).all()
    assert not torch.equal(varied, mel)
    # The loudest bands stay where they were, unless a gap hides them.
    assert sum(18 <= int(row.mean(dim=0).argmax()) <= 26 for row in varied) >= 4
    assert len({row.numpy().tobytes() for row in varied}) == 6


def test_mixed_mels_of_known_cases():
    first, second = torch.zeros(1, 2, 3), torch.full((1, 2, 3), 2.0)
    torch.testing.assert_close(mix_log_mels(first, second, torch.zeros(1)), first)
    torch.testing.assert_close(mix_log_mels(first, first, torch.tensor([0.3])), first)
    expected = torch.full((1, 2, 3), float(np.log(0.75 + 0.25 * np.e**2)))
    torch.testing.assert_close(mix_log_mels(first, second, torch.tensor([0.25])), expected)

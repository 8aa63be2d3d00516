from __future__ import annotations

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.sound_classifier import WINDOW_S
from sounddesk.engine.perception.sound_classifier import SoundClassifier
from sounddesk.engine.perception.sound_classifier import SoundClassifierConfig

RATE = 16_000
KINDS = ("dog", "car", "sea")


@pytest.fixture(scope="module")
def classifier() -> SoundClassifier:
    torch.manual_seed(3)
    model = SoundClassifier(SoundClassifierConfig(kinds=KINDS, widths=(8, 8, 8, 8), head_width=8)).eval()
    with torch.no_grad():
        # Fresh logits hardly differ between sounds; a test could not tell two sounds apart.
        model.classify.weight.mul_(20.0)
    return model


def tone(hz: float, seconds: float, level: float = 0.3) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.1, 1.0, WINDOW_S, 7.3, 20.0])
def test_any_length_gives_probabilities(classifier, seconds):
    scores = classifier.log_probabilities(tone(700, seconds))
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    assert np.exp(scores).sum() == pytest.approx(1.0, abs=1e-5)


def test_level_and_offset_do_not_count(classifier):
    sound = tone(440, 2.0)
    expected = classifier.log_probabilities(sound)
    np.testing.assert_allclose(classifier.log_probabilities(sound * 0.01), expected, atol=1e-3)
    np.testing.assert_allclose(classifier.log_probabilities(sound + 0.2), expected, atol=1e-3)


def test_mel_at_another_level_gives_the_same_logits(classifier):
    mel = torch.randn(2, 100, 64)
    assert torch.allclose(classifier(mel), classifier(mel + 3.0), atol=1e-5)


def test_different_sounds_differ(classifier):
    low, high = classifier.log_probabilities(tone(150, 2.0)), classifier.log_probabilities(tone(5000, 2.0))
    assert np.abs(low - high).max() > 0.05


def test_windows_of_silence_have_no_say(classifier):
    window = round(WINDOW_S * RATE)
    padded = [np.concatenate([tone(900, WINDOW_S), np.zeros(n * window, dtype=np.float32)]) for n in (1, 4)]
    short, long = (classifier.log_probabilities(sound) for sound in padded)
    np.testing.assert_allclose(short, long, atol=1e-3)


def test_quiet_windows_have_no_say_but_softer_ones_do(classifier):
    sound, other = tone(150, 2 * WINDOW_S), tone(5000, 2 * WINDOW_S)
    alone = classifier.log_probabilities(np.concatenate([sound, np.zeros_like(other)]))
    faint, soft = (classifier.log_probabilities(np.concatenate([sound, level * other])) for level in (1e-3, 0.3))
    assert np.abs(faint - alone).max() < 0.1 * np.abs(soft - alone).max()


def test_two_sounds_one_after_the_other_are_between_both(classifier):
    first, second = tone(150, 4 * WINDOW_S), tone(5000, 4 * WINDOW_S)
    scores = [classifier.log_probabilities(sound) for sound in (first, second, np.concatenate([first, second]))]
    low, high = np.minimum(scores[0], scores[1]), np.maximum(scores[0], scores[1])
    assert np.all(scores[2] > low - 0.3)
    assert np.all(scores[2] < high + 0.3)


@pytest.mark.parametrize(
    ("sound", "message"),
    [
        (np.zeros(RATE, dtype=np.float32), "silent"),
        (np.zeros(100, dtype=np.float32), "at least 1024"),
        (np.zeros((RATE, 2), dtype=np.float32), "mono"),
    ],
)
def test_what_cannot_be_classified_is_refused(classifier, sound, message):
    with pytest.raises(ValueError, match=message):
        classifier.log_probabilities(sound)


def test_saved_and_loaded_it_says_the_same(classifier, tmp_path):
    classifier.save(tmp_path / "c")
    loaded = SoundClassifier.load(tmp_path / "c")
    assert loaded.config == classifier.config
    assert loaded.mel == classifier.mel
    assert not any(p.requires_grad for p in loaded.parameters())
    expected = classifier.log_probabilities(tone(333, 2.0))
    # Weights are stored in half precision.
    np.testing.assert_allclose(loaded.log_probabilities(tone(333, 2.0)), expected, atol=0.05)


@pytest.mark.parametrize("damage", ["config", "weights", "class", "missing", "garbage"])
def test_damaged_files_are_named(classifier, tmp_path, damage):
    classifier.save(tmp_path)
    config = tmp_path / "config.json"
    if damage == "config":
        config.write_text("{")
    elif damage == "class":
        config.write_text(config.read_text().replace("SoundClassifier", "Other"))
    elif damage == "weights":
        config.write_text(config.read_text().replace('"head_width": 8', '"head_width": 16'))
    elif damage == "garbage":
        (tmp_path / "model.safetensors").write_bytes(b"not weights at all")
    else:
        (tmp_path / "model.safetensors").unlink()
    with pytest.raises(EngineError, match=f"sound classifier in {tmp_path}"):
        SoundClassifier.load(tmp_path)


@pytest.mark.parametrize("kinds", [(), ("dog", "dog")])
def test_kinds_are_given_once_each(kinds):
    with pytest.raises(ValueError, match="each once"):
        SoundClassifierConfig(kinds=kinds)


def test_four_widths_are_needed():
    with pytest.raises(ValueError, match="widths"):
        SoundClassifierConfig(kinds=KINDS, widths=(8, 8))

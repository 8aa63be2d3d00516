from __future__ import annotations

import math

import pytest
import torch

from sounddesk.engine.starter.upper_band import BandLevels
from sounddesk.engine.starter.upper_band import UpperBand

BANDS = 8


@pytest.fixture(scope="module")
def upper() -> UpperBand:
    return UpperBand(lower_rate_hz=16_000, sample_rate_hz=48_000, hop_length=240, bands=BANDS, from_hz=7_500.0)


@pytest.fixture(scope="module")
def levels() -> BandLevels:
    return BandLevels(sample_rate_hz=48_000, hop_length=240, bands=BANDS, from_hz=7_500.0, to_hz=24_000.0)


def tone(frequency_hz: float, rate_hz: int, *, seconds: float = 0.2) -> torch.Tensor:
    n = torch.arange(round(seconds * rate_hz), dtype=torch.float64)
    return torch.sin(2 * math.pi * frequency_hz * n / rate_hz).float()[None]


@pytest.mark.parametrize("frequency_hz", [50.0, 1_000.0, 6_900.0])
def test_below_the_crossover_only_the_rate_changes(upper: UpperBand, frequency_hz: float) -> None:
    raised = upper.raise_rate(tone(frequency_hz, 16_000))
    expected = tone(frequency_hz, 48_000)
    assert raised.shape == expected.shape
    # The ends lack what the filter reaches for.
    assert (raised - expected)[:, 600:-600].abs().max() < 2e-3


def test_above_the_crossover_nothing_of_the_lower_sound_is_left(upper: UpperBand) -> None:
    assert upper.raise_rate(tone(7_950.0, 16_000))[:, 600:-600].abs().max() < 1e-2


def test_noise_has_the_levels_that_were_asked_for(upper: UpperBand, levels: BandLevels) -> None:
    asked = torch.linspace(-6.0, -2.0, BANDS).expand(1, 800, BANDS)
    white = levels(torch.randn(1, 48_000, generator=torch.Generator().manual_seed(1))).mean(dim=(0, 1))
    made = levels(upper.noise(asked, torch.Generator().manual_seed(0))).mean(dim=(0, 1)) - white
    # The lowest band lies in the crossover, and levels between the middles of two bands are in between.
    assert (made - asked[0, 0])[1:].abs().max() < 0.25


def test_frames_louder_than_recordings_are_lowered_to_them_whatever_the_pieces(
    upper: UpperBand, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = torch.full((1, 300, BANDS), -6.0)
    asked[:, 100:200] = -0.5
    limited = upper.limited(asked, -2.1)
    assert torch.equal(limited[:, :100], asked[:, :100])
    assert torch.equal(limited[:, 200:], asked[:, 200:])
    # As a whole, so that the bands keep their balance.
    lowered = asked[:, 100:200] - limited[:, 100:200]
    assert lowered.min() > 0.5
    assert lowered.max() - lowered.min() < 1e-5
    made = upper.noise(limited, torch.Generator().manual_seed(0))[0]
    assert made[110 * 240 : 190 * 240].std().log() == pytest.approx(-2.1, abs=0.02)
    monkeypatch.setattr("sounddesk.engine.starter.upper_band._FRAMES_AT_ONCE", 64)
    assert torch.equal(upper.limited(asked, -2.1), limited)


def test_a_burst_stays_where_it_was_put(upper: UpperBand, levels: BandLevels) -> None:
    asked = torch.full((1, 100, BANDS), -11.0)
    asked[:, 40] = -1.0
    heard = levels(upper.noise(asked, torch.Generator().manual_seed(0)))[0].mean(dim=1)
    assert int(heard.argmax()) == 40
    assert (heard[:38] < -10.0).all()
    assert (heard[43:] < -10.0).all()


def test_blocks_of_noise_join_without_a_seam(upper: UpperBand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sounddesk.engine.starter.upper_band._FRAMES_AT_ONCE", 16)
    noise = upper.noise(torch.full((1, 64, BANDS), -2.0), torch.Generator().manual_seed(0))[0]
    power = (noise.reshape(64, 240) ** 2).mean(dim=1)
    assert power[15:17].min() > 0.4 * power.median()


def test_a_line_of_the_lower_sound_has_copies_above(upper: UpperBand) -> None:
    raised = tone(5_000.0, 48_000, seconds=1.0) * 0.1
    asked = torch.full((1, 200, BANDS), -4.0)
    made = upper.noise(asked, torch.Generator().manual_seed(0), raised=raised, share=1.0)[0, 4_800:43_200]
    # Without a phase that jumps between frames a line stays a line: an eighth of a second resolves 8 Hz.
    spectrum = torch.fft.rfft(made[:6_000] * torch.hann_window(6_000)).abs()
    copy_hz = 5_000.0 + upper.copied_bins * 100.0
    assert int(spectrum.argmax()) * 8 % (upper.copied_bins * 100) == copy_hz % (upper.copied_bins * 100)
    line = round(copy_hz / 8)
    assert spectrum[line] > 20 * spectrum[line + 10 : line + 40].max()


def test_a_copied_carrier_has_the_levels_of_noise(upper: UpperBand, levels: BandLevels) -> None:
    asked = torch.linspace(-6.0, -2.0, BANDS).expand(1, 400, BANDS)
    below = upper.raise_rate(torch.randn(1, 32_000, generator=torch.Generator().manual_seed(1)))
    noise = levels(upper.noise(asked, torch.Generator().manual_seed(0))).mean(dim=(0, 1))
    copied = levels(upper.noise(asked, torch.Generator().manual_seed(0), raised=below, share=1.0)).mean(dim=(0, 1))
    assert (noise - copied).abs().max() < 0.2


def test_over_silence_the_carrier_is_noise_alone(upper: UpperBand) -> None:
    asked = torch.full((1, 50, BANDS), -4.0)
    noise = upper.noise(asked, torch.Generator().manual_seed(0))
    over_silence = upper.noise(asked, torch.Generator().manual_seed(0), raised=torch.zeros(1, 12_000), share=0.5)
    assert torch.equal(noise, over_silence)


def test_copies_do_not_depend_on_the_pieces(upper: UpperBand, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = torch.full((1, 64, BANDS), -2.0)
    below = torch.randn(1, 64 * 240 - 100, generator=torch.Generator().manual_seed(1))
    whole = upper.noise(asked, torch.Generator().manual_seed(0), raised=below, share=1.0)
    monkeypatch.setattr("sounddesk.engine.starter.upper_band._FRAMES_AT_ONCE", 16)
    pieces = upper.noise(asked, torch.Generator().manual_seed(0), raised=below, share=1.0)
    assert torch.allclose(whole, pieces, atol=1e-6)


def test_a_rate_that_is_no_multiple_is_refused() -> None:
    with pytest.raises(ValueError, match="44100 Hz is not a multiple of 16000 Hz"):
        UpperBand(lower_rate_hz=16_000, sample_rate_hz=44_100, hop_length=240, bands=4, from_hz=7_500.0)

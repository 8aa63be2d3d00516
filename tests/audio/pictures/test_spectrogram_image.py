from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sounddesk.audio import mel_bands
from sounddesk.audio.pictures import spectrogram_image as s

RATE = 48_000


def tone(frequency_hz: float, *, seconds: float = 1.0, amplitude: float = 1.0) -> np.ndarray:
    """Faded in and out, because an edge holds all frequencies."""
    n = int(seconds * RATE)
    fade = np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.1 * RATE), 0.0, 1.0)
    return amplitude * np.sin(0.5 * np.pi * fade) ** 2 * np.sin(2 * np.pi * frequency_hz * np.arange(n) / RATE)


def test_mel_scale_and_back() -> None:
    # The scale's fixed point: 1000 Hz is 1000 mel.
    assert float(mel_bands.hz_to_mel(1_000)) == pytest.approx(1_000, abs=0.1)
    assert mel_bands.mel_to_hz(mel_bands.hz_to_mel([40, 8_000])) == pytest.approx([40, 8_000])


def test_brightness_of_the_colours_only_rises() -> None:
    luminance = s.COLOURS.astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) >= 0).all()
    assert luminance[0] < 15
    assert luminance[-1] > 240


@pytest.mark.parametrize("frequency_hz", [100.0, 440.0, 3_000.0, 7_000.0])
def test_a_full_scale_sine_is_0_db_at_its_row(frequency_hz: float) -> None:
    levels = s.spectrogram_db(tone(frequency_hz), sample_rate_hz=RATE, n_columns=100, n_rows=200, highest_hz=8_000.0)
    assert levels.shape == (200, 100)
    low, high = mel_bands.hz_to_mel(mel_bands.LOWEST_HZ), mel_bands.hz_to_mel(8_000.0)
    expected = 199 * (high - mel_bands.hz_to_mel(frequency_hz)) / (high - low)
    assert levels[:, 50].argmax() == pytest.approx(float(expected), abs=2.5)
    # Rows of several bins average over them, so a high tone reads lower.
    assert -8.0 < levels[:, 50].max() < 0.5


def test_events_are_at_their_time() -> None:
    samples = np.zeros(RATE)
    samples[RATE // 4] = 1.0
    levels = s.spectrogram_db(samples, sample_rate_hz=RATE, n_columns=80, n_rows=20)
    assert levels.max(axis=0).argmax() == pytest.approx(20, abs=1)
    assert levels[:, 60:].max() == -200.0


@pytest.mark.parametrize("n", [1, 7, 2_048, 100_000])
@pytest.mark.parametrize("n_columns", [1, 333])
def test_any_length_fills_any_width(n: int, n_columns: int) -> None:
    levels = s.spectrogram_db(np.ones(n), sample_rate_hz=RATE, n_columns=n_columns, n_rows=5)
    assert levels.shape == (5, n_columns)
    assert np.isfinite(levels).all()


def test_channels_are_averaged() -> None:
    mono = tone(500)
    stereo = np.stack([mono, mono], axis=1)
    one = s.spectrogram_db(mono, sample_rate_hz=RATE, n_columns=10, n_rows=10)
    two = s.spectrogram_db(stereo, sample_rate_hz=RATE, n_columns=10, n_rows=10)
    assert two == pytest.approx(one, abs=1e-3)


def test_top_of_the_frequency_axis_follows_the_content() -> None:
    assert s.highest_frequency_hz(tone(440), sample_rate_hz=RATE) == 4_000
    assert s.highest_frequency_hz(tone(7_900), sample_rate_hz=RATE) == 8_000
    assert s.highest_frequency_hz(tone(440) + tone(15_000, amplitude=0.01), sample_rate_hz=RATE) == 16_000
    assert s.highest_frequency_hz(tone(22_000), sample_rate_hz=RATE) == 24_000
    assert s.highest_frequency_hz(np.zeros(100), sample_rate_hz=RATE) == 4_000
    assert s.highest_frequency_hz(tone(440), sample_rate_hz=6_000) == 3_000


def test_colours_span_the_range_and_stop_at_its_ends() -> None:
    colours = s.colour(np.array([-200.0, -60.0, 0.0, 20.0]), low_db=-60.0, high_db=0.0)
    assert colours.tolist() == [s.COLOURS[0].tolist()] * 2 + [s.COLOURS[-1].tolist()] * 2
    with pytest.raises(ValueError, match="range is 0 dB to 0 dB"):
        s.colour(np.zeros(1), low_db=0.0, high_db=0.0)


def test_image_has_low_frequencies_at_the_bottom_and_survives_png() -> None:
    image = s.spectrogram_image(tone(200), sample_rate_hz=RATE, width=60, height=40)
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    assert image[:, 30].sum(axis=1).argmax() > 30
    data = s.encode_png(image)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), image)
    assert s.encode_png(image) == data
    jpeg = np.asarray(Image.open(io.BytesIO(s.encode_jpeg(image)))).astype(int)
    assert np.abs(jpeg - image).mean() < 12


def test_silence_is_dark() -> None:
    image = s.spectrogram_image(np.zeros(1_000), sample_rate_hz=RATE, width=10, height=10)
    assert image.shape == (10, 10, 3)
    assert (image == s.COLOURS[0]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_columns": 0}, "0 x 5 pixels"),
        ({"n_rows": 0}, "5 x 0 pixels"),
        ({"highest_hz": 30.0}, "highest frequency is 30 Hz"),
    ],
)
def test_no_room_for_a_picture(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        s.spectrogram_db(np.zeros(10), **{"sample_rate_hz": RATE, "n_columns": 5, "n_rows": 5, **change})

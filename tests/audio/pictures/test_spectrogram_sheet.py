from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import ImageFont

from sounddesk.audio.metering.loudness import Levels
from sounddesk.audio.pictures import spectrogram_sheet as sheet
from sounddesk.audio.pictures.spectrogram_image import COLOURS
from sounddesk.audio.pictures.spectrogram_sheet import SheetRow
from sounddesk.audio.pictures.spectrogram_sheet import levels_text
from sounddesk.audio.pictures.spectrogram_sheet import spectrogram_sheet

RATE = 16_000


def noise(gain: float, *, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    return gain * np.random.default_rng(seed).uniform(-1.0, 1.0, int(seconds * RATE))


def rows_of(*gains: float) -> list[SheetRow]:
    return [SheetRow(name=f"object {i}", samples=noise(gain, seed=i)) for i, gain in enumerate(gains)]


def part(image: np.ndarray, row: int, *, spectrogram: bool) -> np.ndarray:
    """The waveform or the spectrogram of one row."""
    top = sheet._TOP + row * sheet._ROW + sheet._HEADER + (sheet._WAVE if spectrogram else 0)
    return image[top : top + (sheet._SPECTROGRAM if spectrogram else sheet._WAVE), sheet._LEFT : -sheet._RIGHT]


def test_one_row_per_stem_and_one_for_the_mix() -> None:
    stems = rows_of(0.5, 0.1)
    mix = SheetRow(name="mix", samples=stems[0].samples + stems[1].samples)
    image = spectrogram_sheet(stems, mix=mix, sample_rate_hz=RATE, width=500)
    assert image.dtype == np.uint8
    assert image.shape == (sheet._TOP + 3 * sheet._ROW + sheet._AXIS, 500, 3)
    alone = spectrogram_sheet([], mix=mix, sample_rate_hz=RATE, width=500)
    assert alone.shape[0] == image.shape[0] - 2 * sheet._ROW
    assert np.array_equal(part(alone, 0, spectrogram=False), part(image, 2, spectrogram=False))


def test_a_quieter_stem_looks_quieter_and_silence_is_dark() -> None:
    stems = rows_of(0.5, 0.02, 0.0)
    image = spectrogram_sheet(stems, mix=stems[0], sample_rate_hz=RATE, width=500)
    brightness = [part(image, i, spectrogram=True).mean() for i in range(3)]
    assert brightness[0] > brightness[1] + 20 > brightness[2] + 20
    assert part(image, 2, spectrogram=True).max() <= COLOURS[0].max()
    inked = [(part(image, i, spectrogram=False) == sheet._STEM).all(axis=-1).sum() for i in range(3)]
    assert inked[0] > 5 * inked[1]
    assert inked[2] == 0


def test_events_line_up_in_waveform_and_spectrogram() -> None:
    samples = noise(0.5)
    samples[: RATE // 2] = 0.0
    row = SheetRow(name="late", samples=samples)
    image = spectrogram_sheet([row], mix=row, sample_rate_hz=RATE, width=500)
    for spectrogram in (True, False):
        picture = part(image, 0, spectrogram=spectrogram).astype(float).mean(axis=(0, 2))
        middle = len(picture) // 2
        assert picture[middle + 60 :].mean() > 1.3 * picture[: middle - 60].mean()


@pytest.mark.parametrize("name", ["", "a/b", "🐶" * 300, "犬\n\x00", "\ud800", "x" * 5_000])
def test_any_name_can_be_drawn_beside_the_levels(name: str) -> None:
    samples = noise(0.5)
    image = spectrogram_sheet(
        [SheetRow(name=name, samples=samples)],
        mix=SheetRow(name="mix", samples=samples),
        sample_rate_hz=RATE,
        width=400,
    )
    # The margin beside the levels stays free: the name was cut in time.
    assert (image[sheet._TOP : sheet._TOP + sheet._HEADER, -sheet._RIGHT + 1 :] == sheet._PAPER).all()


def test_characters_the_font_lacks_are_marked() -> None:
    text, _ = sheet._drawable("dog \U000f0000\tx", size=17)
    assert text == "dog ? x"


def test_a_wider_font_is_taken_only_where_it_draws_more(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, wide = sheet._font(17), ImageFont.load_default(18)
    monkeypatch.setattr(sheet, "_fonts", lambda size: iter([plain, wide]))
    assert sheet._drawable("dog", size=17) == ("dog", plain)
    assert sheet._drawable("\U000f0000", size=17) == ("?", plain)
    assert sheet._drawable("", size=17) == ("", plain)


@pytest.mark.parametrize("seconds", [0.01, 1.0, 60.0])
def test_any_length_gets_a_time_axis(seconds: float) -> None:
    mix = SheetRow(name="mix", samples=noise(0.5, seconds=seconds))
    image = spectrogram_sheet([], mix=mix, sample_rate_hz=RATE, width=500)
    axis = image[sheet._TOP + sheet._ROW - sheet._GAP + 3, sheet._LEFT : -sheet._RIGHT]
    ticks = (axis == sheet._FAINT).all(axis=-1).sum()
    assert 5 <= ticks <= 13


def test_stereo_mixes_are_shown_too() -> None:
    stereo = np.stack([noise(0.5), noise(0.1)], axis=1)
    image = spectrogram_sheet([], mix=SheetRow(name="mix", samples=stereo), sample_rate_hz=RATE, width=400)
    assert (part(image, 0, spectrogram=False) == sheet._MIX).all(axis=-1).any()


def test_wrong_sizes_are_named() -> None:
    mix = SheetRow(name="mix", samples=noise(0.5))
    with pytest.raises(ValueError, match="'dog' has 3 samples and the mix 16000"):
        spectrogram_sheet([SheetRow(name="dog", samples=np.zeros(3))], mix=mix, sample_rate_hz=RATE)
    with pytest.raises(ValueError, match="399 pixels wide"):
        spectrogram_sheet([], mix=mix, sample_rate_hz=RATE, width=399)


@pytest.mark.parametrize(
    ("peak_dbfs", "lufs", "text"),
    [
        (-6.02, -23.14, "peak -6.0 dBFS   -23.1 LUFS"),
        (-0.01, None, "peak 0.0 dBFS   LUFS needs 0.4 s"),
        (-90.0, -math.inf, "peak -90.0 dBFS   below -70 LUFS"),
        (-math.inf, -math.inf, "silent"),
    ],
)
def test_levels_are_written_plainly(peak_dbfs: float, lufs: float | None, text: str) -> None:
    assert levels_text(Levels(peak_dbfs=peak_dbfs, true_peak_dbtp=0.0, rms_dbfs=0.0, lufs=lufs)) == text

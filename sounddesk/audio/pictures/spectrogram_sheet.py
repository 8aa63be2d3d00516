"""A sheet that shows a whole render at a glance: one row per stem and one for the mix."""

from __future__ import annotations

import contextlib
import math
import unicodedata
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from sounddesk.audio.mel_bands import LOWEST_HZ
from sounddesk.audio.mel_bands import hz_to_mel
from sounddesk.audio.metering.loudness import Levels
from sounddesk.audio.metering.loudness import measure_levels
from sounddesk.audio.pictures.spectrogram_image import COLOURS
from sounddesk.audio.pictures.spectrogram_image import RgbImage
from sounddesk.audio.pictures.spectrogram_image import colour
from sounddesk.audio.pictures.spectrogram_image import highest_frequency_hz
from sounddesk.audio.pictures.spectrogram_image import spectrogram_db

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Rgb = tuple[int, int, int]

_LEFT: Final = 64
_RIGHT: Final = 24
_TOP: Final = 16
_HEADER: Final = 30
_WAVE: Final = 44
_SPECTROGRAM: Final = 150
_GAP: Final = 18
_AXIS: Final = 62
_ROW: Final = _HEADER + _WAVE + _SPECTROGRAM + _GAP
_RANGE_DB: Final = 75.0

_PAPER: Final[Rgb] = (20, 20, 28)
_WAVE_PAPER: Final[Rgb] = (28, 28, 38)
_INK: Final[Rgb] = (236, 236, 240)
_FAINT: Final[Rgb] = (150, 150, 164)
_LINE: Final[Rgb] = (62, 62, 76)
_STEM: Final[Rgb] = (112, 168, 232)
_MIX: Final[Rgb] = (246, 178, 84)
_WARNING: Final[Rgb] = (255, 108, 96)

_TIME_STEPS_S: Final = tuple(digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5))
_FREQUENCIES_HZ: Final = (100, 200, 500, 1_000, 2_000, 4_000, 8_000, 16_000)
# Pillow's own font is the same everywhere but knows only ASCII; these are looked for where a name needs more.
_WIDER_FONTS: Final = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SheetRow:
    """One sound of the sheet: its name as the user gave it, and float[n] or float[n, channels]."""

    name: str
    samples: npt.NDArray[np.floating[Any]]


def spectrogram_sheet(stems: Sequence[SheetRow], *, mix: SheetRow, sample_rate_hz: int, width: int = 1200) -> RgbImage:
    """Waveform, spectrogram and levels of every stem and of the mix, on one time axis.

    All rows share the colour range, so that a quieter stem looks quieter; frequencies are mel-spaced from 40 Hz.

    Args:
        stems: any number.
        mix: shown last.
        sample_rate_hz: of all of them.
        width: of the picture in pixels, at least 400.

    Returns:
        uint8[H, width, 3].

    Raises:
        ValueError: too narrow, samples missing or not finite, or rows of different length.
    """
    if width < 400:
        raise ValueError(f"sheet is {width} pixels wide: at least 400 are needed")
    rows = [*stems, mix]
    n_samples = len(mix.samples)
    for row in rows:
        if len(row.samples) != n_samples:
            raise ValueError(f"{row.name!r} has {len(row.samples)} samples and the mix {n_samples}: make them equal")
    columns = width - _LEFT - _RIGHT
    highest_hz = max(highest_frequency_hz(row.samples, sample_rate_hz=sample_rate_hz) for row in rows)
    spectrograms = [
        spectrogram_db(
            row.samples, sample_rate_hz=sample_rate_hz, n_columns=columns, n_rows=_SPECTROGRAM, highest_hz=highest_hz
        )
        for row in rows
    ]
    high_db = max(float(levels.max()) for levels in spectrograms)
    image = Image.new("RGB", (width, _TOP + len(rows) * _ROW + _AXIS), _PAPER)
    draw = ImageDraw.Draw(image)
    for i, (row, spectrogram) in enumerate(zip(rows, spectrograms, strict=True)):
        top = _TOP + i * _ROW
        ink = _MIX if i == len(stems) else _STEM
        levels = measure_levels(row.samples, sample_rate_hz=sample_rate_hz)
        _draw_header(draw, row.name, levels, top=top, width=width, ink=ink)
        _draw_waveform(draw, row.samples, top=top + _HEADER, columns=columns, ink=ink)
        picture = colour(spectrogram, low_db=high_db - _RANGE_DB, high_db=high_db)
        image.paste(Image.fromarray(picture), (_LEFT, top + _HEADER + _WAVE))
        _draw_frequencies(draw, top=top + _HEADER + _WAVE, highest_hz=highest_hz)
    bottom = _TOP + len(rows) * _ROW - _GAP
    _draw_seconds(draw, seconds=n_samples / sample_rate_hz, top=bottom, columns=columns)
    _draw_colours(image, draw, top=bottom + 40, width=width, high_db=high_db)
    return np.asarray(image).copy()


def levels_text(levels: Levels) -> str:
    """'peak -6.0 dBFS   -23.1 LUFS' as the sheet shows it; 'silent', and no LUFS under 400 ms."""
    if levels.peak_dbfs == -math.inf:
        return "silent"
    peak = f"peak {_decibels(levels.peak_dbfs)} dBFS"
    if levels.lufs is None:
        return f"{peak}   LUFS needs 0.4 s"
    return f"{peak}   " + ("below -70 LUFS" if levels.lufs == -math.inf else f"{_decibels(levels.lufs)} LUFS")


def _decibels(value: float) -> str:
    # Adding 0.0 turns -0.0 into 0.0.
    return f"{round(value, 1) + 0.0:.1f}"


def _draw_header(draw: ImageDraw.ImageDraw, name: str, levels: Levels, *, top: int, width: int, ink: Rgb) -> None:
    text = levels_text(levels)
    small = _font(14)
    right = width - _RIGHT
    full_scale = levels.peak_dbfs >= 0.0
    draw.text((right, top + 15), text, font=small, fill=_WARNING if full_scale else _FAINT, anchor="rm")
    draw.rectangle((_LEFT, top + 8, _LEFT + 4, top + 22), fill=ink)
    room = right - draw.textlength(text, font=small) - 24 - (_LEFT + 14)
    # No row is wide enough for more, and measuring text takes time.
    shown, font = _drawable(name[:300], size=17)
    shown = _shortened(draw, shown, font=font, room=room)
    draw.text((_LEFT + 14, top + 15), shown, font=font, fill=_INK, anchor="lm")


def _draw_waveform(
    draw: ImageDraw.ImageDraw, samples: npt.NDArray[np.floating[Any]], *, top: int, columns: int, ink: Rgb
) -> None:
    middle = top + _WAVE // 2
    draw.rectangle((_LEFT, top, _LEFT + columns - 1, top + _WAVE - 1), fill=_WAVE_PAPER)
    draw.line((_LEFT, middle, _LEFT + columns - 1, middle), fill=_LINE)
    starts = np.arange(columns) * len(samples) // columns
    flat = samples.reshape(len(samples), -1)
    highest = np.maximum.reduceat(flat.max(axis=1), starts)
    lowest = np.minimum.reduceat(flat.min(axis=1), starts)
    half = (_WAVE - 4) / 2
    for x in range(columns):
        if highest[x] > 0.0 or lowest[x] < 0.0:
            above = middle - min(1.0, max(0.0, float(highest[x]))) * half
            below = middle - max(-1.0, min(0.0, float(lowest[x]))) * half
            draw.line((_LEFT + x, above, _LEFT + x, below), fill=ink)


def _draw_frequencies(draw: ImageDraw.ImageDraw, *, top: int, highest_hz: float) -> None:
    low, high = float(hz_to_mel(LOWEST_HZ)), float(hz_to_mel(highest_hz))
    last_y = math.inf
    for frequency_hz in _FREQUENCIES_HZ:
        if frequency_hz > highest_hz:
            break
        y = top + (high - float(hz_to_mel(frequency_hz))) / (high - low) * (_SPECTROGRAM - 1)
        if last_y - y < 16:
            continue
        last_y = y
        text = f"{frequency_hz // 1000} kHz" if frequency_hz >= 1000 else f"{frequency_hz} Hz"
        draw.line((_LEFT - 5, y, _LEFT - 1, y), fill=_FAINT)
        # The topmost label must not run into the waveform above.
        draw.text((_LEFT - 9, max(y, top + 6)), text, font=_font(12), fill=_FAINT, anchor="rm")


def _draw_seconds(draw: ImageDraw.ImageDraw, *, seconds: float, top: int, columns: int) -> None:
    step = next(step for step in _TIME_STEPS_S if seconds / step <= 12)
    for i in range(int(seconds / step + 1e-9) + 1):
        x = _LEFT + i * step / seconds * (columns - 1)
        draw.line((x, top, x, top + 6), fill=_FAINT)
        draw.text((x, top + 10), f"{i * step:g} s", font=_font(12), fill=_FAINT, anchor="mt")


def _draw_colours(image: Image.Image, draw: ImageDraw.ImageDraw, *, top: int, width: int, high_db: float) -> None:
    """The colour scale at the right of the bottom line."""
    bar = Image.fromarray(np.repeat(COLOURS[None, ::2], 8, axis=0))
    font = _font(12)
    if high_db <= -150.0:
        return
    end_text, start_text = f"{high_db:.0f} dB", f"{high_db - _RANGE_DB:.0f} dB"
    right = width - _RIGHT
    draw.text((right, top + 4), end_text, font=font, fill=_FAINT, anchor="rm")
    left = round(right - draw.textlength(end_text, font=font) - 8 - bar.width)
    image.paste(bar, (left, top))
    draw.text((left - 8, top + 4), start_text, font=font, fill=_FAINT, anchor="rm")


def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def _drawable(text: str, *, size: int) -> tuple[str, Font]:
    """The text on one line, and the font that lacks fewest of its characters; '?' stands for those it lacks."""
    text = unicodedata.normalize("NFC", text).encode(errors="replace").decode()
    text = "".join(" " if c.isspace() else c for c in text)
    best = ("", len(text) + 1, _font(size))
    for font in _fonts(size):
        # What a font draws for a character that no font has.
        missing = bytes(font.getmask("\U0010ffff"))
        lacking = {c for c in set(text) - {" "} if bytes(font.getmask(c)) == missing}
        n_lacking = sum(c in lacking for c in text)
        if n_lacking < best[1]:
            best = ("".join("?" if c in lacking else c for c in text), n_lacking, font)
        if n_lacking == 0:
            break
    return best[0], best[2]


def _fonts(size: int) -> Iterator[Font]:
    yield _font(size)
    for name in _WIDER_FONTS:
        with contextlib.suppress(OSError):
            yield ImageFont.truetype(name, size)


def _shortened(draw: ImageDraw.ImageDraw, text: str, *, font: Font, room: float) -> str:
    if draw.textlength(text, font=font) <= room:
        return text
    while text and draw.textlength(f"{text}...", font=font) > room:
        text = text[:-1]
    return f"{text}..."

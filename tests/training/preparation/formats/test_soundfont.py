from __future__ import annotations

import numpy as np
import pytest

from sounddesk.training.preparation.formats.soundfont import Note
from sounddesk.training.preparation.formats.soundfont import SoundFont
from sounddesk.training.preparation.formats.soundfont import SoundFontError
from sounddesk.training.preparation.formats.soundfont import parse_phrase
from tests.training.preparation.archives import soundfont
from tests.training.preparation.archives import tone

RATE = 22_050


@pytest.fixture
def font(tmp_path):
    path = tmp_path / "x.sf2"
    # A loop of whole periods: 441 Hz repeats every 50 samples.
    path.write_bytes(soundfont({"A4": (tone(hz=441.0, seconds=0.2), 1000, 3000), "Click": (tone(seconds=0.01), 0, 1)}))
    with SoundFont(path) as opened:
        yield opened


def test_a_phrase_is_read():
    assert parse_phrase("Piano D4(L)@1.2~4 + A#4@2 + Gong") == [
        Note(sample="Piano D4(L)", duration_s=1.2, decay_s=4.0),
        Note(sample="A#4", duration_s=2.0),
        Note(sample="Gong"),
    ]
    with pytest.raises(SoundFontError, match="no number"):
        parse_phrase("Gong@long")


def test_a_recording_is_played_as_it_is(font):
    samples, rate = font.render([Note(sample="A4")])
    assert rate == RATE
    np.testing.assert_allclose(samples, tone(hz=441.0, seconds=0.2), atol=1e-4)


def test_a_held_note_goes_on_through_its_loop(font):
    samples, _ = font.render([Note(sample="A4", duration_s=1.0)])
    assert len(samples) == RATE
    expected = tone(hz=441.0, seconds=1.0)
    body = slice(0, round(0.8 * RATE))
    np.testing.assert_allclose(samples[body], expected[body], atol=2e-3)
    assert abs(samples[-1]) < 1e-3


def test_a_struck_note_dies_away_by_60_db(font):
    samples, _ = font.render([Note(sample="A4", duration_s=1.0, decay_s=1.0)])
    early, late = np.abs(samples[:200]).max(), np.abs(samples[round(0.8 * RATE) : round(0.8 * RATE) + 200]).max()
    assert 20 * np.log10(late / early) == pytest.approx(-48.0, abs=1.0)


def test_notes_follow_each_other(font):
    samples, _ = font.render(parse_phrase("A4@0.5 + A4@0.25"))
    assert len(samples) == round(0.5 * RATE) + round(0.25 * RATE)


def test_a_recording_with_no_usable_loop_is_not_stretched(font):
    samples, _ = font.render([Note(sample="Click", duration_s=1.0)])
    assert len(samples) == round(0.01 * RATE)


def test_unknown_notes_and_other_files_are_refused(font, tmp_path):
    with pytest.raises(SoundFontError, match="no sample 'B9'"):
        font.render([Note(sample="B9")])
    for name, data in (("empty", b""), ("wave", b"RIFF\0\0\0\0WAVE" + bytes(20)), ("bare", b"RIFF\4\0\0\0sfbk")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(SoundFontError):
            SoundFont(path)

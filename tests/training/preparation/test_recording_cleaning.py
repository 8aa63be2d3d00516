from __future__ import annotations

import io
import time

import numpy as np
import pytest
import soundfile

from sounddesk.training.preparation.recording_cleaning import LONGEST_S
from sounddesk.training.preparation.recording_cleaning import SAMPLE_RATE_HZ
from sounddesk.training.preparation.recording_cleaning import RecordingError
from sounddesk.training.preparation.recording_cleaning import clean_recording
from sounddesk.training.preparation.recording_cleaning import encode_flac
from sounddesk.training.preparation.recording_cleaning import encode_rendered
from sounddesk.training.preparation.recording_cleaning import join_recordings
from tests.training.preparation.archives import tone
from tests.training.preparation.archives import wav


def test_silence_at_both_ends_goes_and_the_level_stays():
    silence = np.zeros(22_050, np.float32)
    recording = clean_recording(wav(np.concatenate([silence, tone(seconds=0.5, level=0.2), silence])), name="x")
    assert recording.duration_s == pytest.approx(0.58, abs=0.05)
    assert np.abs(recording.samples).max() == pytest.approx(0.2, abs=0.02)
    assert recording.source_rate_hz == 22_050


def test_stereo_becomes_mono_at_16_khz_in_a_file_that_reads_back():
    stereo = np.stack([tone(rate=44_100), tone(rate=44_100)], axis=1)
    recording = clean_recording(wav(stereo, rate=44_100), name="x")
    samples, rate = soundfile.read(io.BytesIO(encode_flac(recording)), dtype="float32")
    assert rate == SAMPLE_RATE_HZ
    np.testing.assert_allclose(samples, recording.samples, atol=1e-4)
    assert encode_flac(recording) == encode_flac(recording)


def test_a_section_is_kept():
    sound = np.concatenate([tone(seconds=1, hz=300), tone(seconds=1, hz=3000)])
    recording = clean_recording(wav(sound), name="x", section_s=(1.0, 2.0))
    spectrum = np.abs(np.fft.rfft(recording.samples))
    assert spectrum.argmax() * SAMPLE_RATE_HZ / len(recording.samples) == pytest.approx(3000, abs=10)


def test_long_recordings_end_after_20_s():
    assert clean_recording(wav(tone(seconds=23)), name="x").duration_s == LONGEST_S


def test_an_offset_is_no_sound_and_overshoot_does_not_clip():
    recording = clean_recording(wav(tone(level=1.6) + 0.3), name="x")
    assert np.abs(recording.samples).max() <= 1.0
    assert abs(float(recording.samples.mean())) < 0.01


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no audio", "cannot be decoded"),
        (wav(tone(seconds=0.02)), "lasts 0.02 s"),
        (wav(np.zeros(22_050, np.float32)), "no sound"),
    ],
)
def test_unusable_recordings_are_refused_by_name(data, message):
    with pytest.raises(RecordingError, match=message) as caught:
        clean_recording(data, name="set:dog.wav")
    assert "set:dog.wav" in str(caught.value)


def test_recordings_are_joined_in_order():
    joined = join_recordings([wav(tone(seconds=0.1)), wav(tone(seconds=0.2))], name="x")
    assert soundfile.info(io.BytesIO(joined)).duration == pytest.approx(0.3, abs=0.001)
    with pytest.raises(RecordingError, match="different sample rates"):
        join_recordings([wav(tone()), wav(tone(), rate=8000)], name="x")


def test_rendered_sources_repeat_to_the_byte():
    first = encode_rendered(tone(), sample_rate_hz=22_050)
    time.sleep(1.1)
    assert encode_rendered(tone(), sample_rate_hz=22_050) == first

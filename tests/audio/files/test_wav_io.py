from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sounddesk.audio.files.pcm import WavFormat
from sounddesk.audio.files.pcm import quantize
from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.files.wav_io import read_sound
from sounddesk.audio.files.wav_io import write_wav
from sounddesk.domain.errors import OutputError

SAMPLES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=2, max_side=24),
    elements=st.floats(-1.0, 0.984375, width=32),
)


@given(SAMPLES, st.sampled_from(["PCM_16", "PCM_24", "FLOAT"]), st.sampled_from([16_000, 48_000]))
def test_what_is_read_is_what_was_encoded_to_the_last_bit(
    samples: np.ndarray, wav_format: WavFormat, rate: int
) -> None:
    data, report = encode_wav(samples, sample_rate_hz=rate, wav_format=wav_format)
    with soundfile.SoundFile(io.BytesIO(data)) as sound:
        assert (sound.samplerate, sound.subtype) == (rate, wav_format)
        decoded = sound.read(dtype="float32", always_2d=True)
    assert np.array_equal(decoded.reshape(samples.shape), quantize(samples, wav_format=wav_format))
    assert report.clipped_samples == 0
    assert report.peak == np.abs(samples).max()


@pytest.mark.parametrize("wav_format", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_file_comes_back_as_written(tmp_path: Path, wav_format: WavFormat) -> None:
    samples = np.linspace(-1.0, 0.9, 4_800)
    write_wav(tmp_path / "a.wav", samples, sample_rate_hz=16_000, wav_format=wav_format)
    sound = read_sound(tmp_path / "a.wav")
    assert np.array_equal(sound.samples, quantize(samples, wav_format=wav_format))
    assert (sound.sample_rate_hz, sound.encoding, sound.seconds) == (16_000, wav_format, 0.3)


def test_the_file_is_plain_24_bit_pcm_for_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.array([0.5, -0.25, 2.0**-23], dtype=np.float32))
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48_000, 3, 1)
        assert file.readframes(3) == b"".join(struct.pack("<i", value)[:3] for value in (0x400000, -0x200000, 1))


def test_the_same_samples_give_the_same_bytes() -> None:
    samples = np.linspace(-0.5, 0.5, 100)
    assert encode_wav(samples) == encode_wav(samples)


def test_clipping_is_reported_and_cut_at_full_scale(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    report = write_wav(path, np.array([0.0, 1.5, -3.0, 1.0, -1.0]))
    assert (report.peak, report.clipped_samples) == (3.0, 3)
    top = 1.0 - 2.0**-23
    assert read_sound(path).samples.tolist() == [0.0, top, -1.0, top, -1.0]


def test_float_keeps_what_is_over_full_scale(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    report = write_wav(path, np.array([1.5, -3.0]), wav_format="FLOAT")
    assert report.clipped_samples == 0
    assert read_sound(path).samples.tolist() == [1.5, -3.0]


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.array([0.0, np.nan]), 48_000, "1 samples that are not finite"),
        (np.zeros(0), 48_000, "give float"),
        (np.zeros(4), 0, "sample rate is 0 Hz"),
    ],
)
def test_refused_samples_leave_the_earlier_file(tmp_path: Path, samples: np.ndarray, rate: int, message: str) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.zeros(4))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        write_wav(path, samples, sample_rate_hz=rate)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_writing_into_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write_wav(tmp_path / "none" / "a.wav", np.zeros(4))


def test_other_formats_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.full((10, 2), 0.5), 44_100, subtype="PCM_16")
    sound = read_sound(path)
    assert sound.samples.shape == (10, 2)
    assert sound.samples.dtype == np.float32
    assert np.all(sound.samples == 0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file.*give the path"), (b"", "is no sound file"), (b"RIFF....WAVE", "is no sound file")],
)
def test_unreadable_files_are_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "dog.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"dog.wav.*{message}"):
        read_sound(path)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dog.wav"
    soundfile.write(path, np.zeros(0), 48_000)
    with pytest.raises(ValueError, match="has no samples"):
        read_sound(path)

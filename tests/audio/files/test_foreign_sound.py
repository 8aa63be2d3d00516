"""Sound files of others are refused before libsndfile asks, through Python, for each of millions of chunks."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.audio.files.foreign_sound import open_foreign_sound
from sounddesk.audio.files.sound_stream import SoundStream
from sounddesk.audio.files.wav_io import SoundFileError
from sounddesk.audio.files.wav_io import read_sound

SAMPLES = np.zeros(4000, dtype=np.float32)


def written(kind: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, SAMPLES, 16_000, format=kind, subtype="PCM_16")
    return buffer.getvalue()


def with_chunks(file: bytes, count: int) -> bytes:
    return file[:12] + b"junk\0\0\0\0" * count + file[12:]


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "RF64", "FLAC", "CAF"])
def test_files_of_usual_programs_are_opened_at_their_beginning(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(written(kind))
    with open_foreign_sound(tmp_path / "a") as file:
        assert file.read() == written(kind)


@pytest.mark.parametrize("kind", ["WAV", "AIFF"])
def test_more_chunks_than_any_recorder_writes_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(with_chunks(written(kind), 9000))
    open_foreign_sound(path).close()
    path.write_bytes(with_chunks(written(kind), 11_000))
    for read in (read_sound, SoundStream):
        with pytest.raises(SoundFileError, match=r"a\.wav: it holds more than 10,000 chunks"):
            read(path)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_samples_behind_a_length_that_was_never_filled_in_are_no_chunks(tmp_path: Path, length: int) -> None:
    whole = written("WAV")
    at = whole.index(b"data") + 4
    (tmp_path / "a.wav").write_bytes(whole[:at] + length.to_bytes(4, "little") + bytes(200_000))
    open_foreign_sound(tmp_path / "a.wav").close()

"""Sound files in blocks, and what their chunks say."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.audio.files import sound_stream
from sounddesk.audio.files.riff_chunks import BroadcastInfo
from sounddesk.audio.files.riff_chunks import bext_chunk
from sounddesk.audio.files.riff_chunks import with_chunks
from sounddesk.audio.files.riff_reader import RiffTexts
from sounddesk.audio.files.riff_reader import read_riff_texts
from sounddesk.audio.files.sound_stream import SoundStream
from sounddesk.audio.files.wav_io import SoundFileError
from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.recordings.recording_tags import cat_id_of
from sounddesk.audio.recordings.recording_tags import read_tags
from sounddesk.audio.recordings.recording_tags import recording_words


def rf64(samples: int, *, promised: int | None = None) -> bytes:
    """A mono RF64 file of 16 bit, whose sizes stand in `ds64` only."""
    data = struct.pack(f"<{samples}h", *([1000, -1000] * samples)[:samples])
    size = 2 * (samples if promised is None else promised)
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, 12 + 36 + 24 + 8 + size - 8, size, size // 2, 0)
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 48_000, 96_000, 2, 16)
    head = b"RF64" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + ds64
    bext = bext_chunk(BroadcastInfo(description="a long night"))
    return head + bext + fmt + b"data" + struct.pack("<I", 0xFFFFFFFF) + data


def test_blocks_together_are_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, (5_000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype="FLOAT")
    monkeypatch.setattr(sound_stream, "_BLOCK_SAMPLES", 1_000)
    with SoundStream(tmp_path / "a.wav") as stream:
        blocks = list(stream.mono_blocks())
        part = stream.read(4_990, 6_000)
    assert [len(each) for each in blocks] == [500] * 10
    assert np.concatenate(blocks) == pytest.approx(samples.mean(axis=1))
    assert np.array_equal(part, samples[4_990:])


def test_samples_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.1, np.nan, np.inf, -np.inf]), 48_000, subtype="FLOAT")
    with SoundStream(tmp_path / "a.wav") as stream:
        assert stream.mono(0, 4).tolist() == pytest.approx([0.1, 0.0, 1.0, -1.0])


def test_rf64_is_read_with_its_texts(tmp_path: Path) -> None:
    (tmp_path / "night.wav").write_bytes(rf64(480))
    assert read_riff_texts(tmp_path / "night.wav").description == "a long night"
    with SoundStream(tmp_path / "night.wav") as stream:
        assert stream.format.frames == 480


def test_a_file_that_ends_early_says_where(tmp_path: Path) -> None:
    (tmp_path / "night.wav").write_bytes(rf64(480, promised=2_200_000_000))
    try:
        with SoundStream(tmp_path / "night.wav") as stream:
            frames = sum(len(block) for block in stream.mono_blocks())
        # libsndfile may go by the file's size in place of its header.
        assert frames == 480
    except SoundFileError as error:
        assert "ends after" in str(error) or "no sound file" in str(error)


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"fLaC", b"RF64\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff"]
)
def test_what_is_no_wav_file_says_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    assert read_riff_texts(tmp_path / "a.wav") == RiffTexts()
    with pytest.raises(SoundFileError):
        SoundStream(tmp_path / "a.wav")


def test_tags_come_from_every_place(tmp_path: Path) -> None:
    wav, _ = encode_wav(np.zeros(100, np.float32) + 0.1, sample_rate_hz=48_000)
    ixml = b"<BWFXML><NOTE>windy</NOTE><USER><CATID>RAIN</CATID><KEYWORDS>storm, roof</KEYWORDS></USER></BWFXML>"
    chunk = b"iXML" + struct.pack("<I", len(ixml)) + ixml + b"\0" * (len(ixml) % 2)
    info = b"INFO" + b"ICMT" + struct.pack("<I", 6) + b"close\0"
    chunk += b"LIST" + struct.pack("<I", len(info)) + info
    path = tmp_path / "library" / "weather" / "roofRain-03.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(with_chunks(wav, before_data=bext_chunk(BroadcastInfo(description="tin roof")), after_data=chunk))
    tags = read_tags(path, {"license": "CC0"})
    assert tags.description.splitlines() == ["tin roof", "windy", "close"]
    assert (tags.cat_id, tags.licence) == ("RAIN", "CC0")
    words = recording_words(path, tags, root=tmp_path / "library")
    assert words == "roof rain, rain, weather, tin roof windy close, storm, roof"


@pytest.mark.parametrize(
    ("name", "cat_id"),
    [("DOORMisc_Old_X_Y.wav", "DOORMisc"), ("RAIN_Roof_X_Y.wav", "RAIN"), ("ABC_1.wav", "ABC"), ("Dog_1.wav", "")],
)
def test_cat_ids_stand_at_the_beginning_of_names(name: str, cat_id: str) -> None:
    assert cat_id_of(name) == cat_id


def test_a_pipe_of_a_sounds_name_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dog.wav")
    with pytest.raises(SoundFileError, match="no ordinary file"):
        SoundStream(tmp_path / "dog.wav")
    with pytest.raises(OSError, match="no ordinary file"):
        read_riff_texts(tmp_path / "dog.wav")

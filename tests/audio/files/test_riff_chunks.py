"""What is written is read back by an independent reader (wavinfo) and by libsndfile."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wavinfo
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.files.riff_chunks import BroadcastInfo
from sounddesk.audio.files.riff_chunks import CuePoint
from sounddesk.audio.files.riff_chunks import SampleLoop
from sounddesk.audio.files.riff_chunks import bext_chunk
from sounddesk.audio.files.riff_chunks import cue_chunks
from sounddesk.audio.files.riff_chunks import ixml_chunk
from sounddesk.audio.files.riff_chunks import smpl_chunk
from sounddesk.audio.files.riff_chunks import with_chunks
from sounddesk.audio.files.wav_io import encode_wav

SOUND = np.sin(np.arange(4801) / 10).astype(np.float32) * 0.5


def file_with(tmp_path: Path, *, before: bytes = b"", after: bytes = b"") -> Path:
    wav, _ = encode_wav(SOUND)
    path = tmp_path / "a.wav"
    path.write_bytes(with_chunks(wav, before_data=before, after_data=after))
    return path


def test_broadcast_info_is_read_back_by_another_reader(tmp_path: Path) -> None:
    info = BroadcastInfo(
        description="dog, barks; seed 7",
        originator_reference="SD0001",
        date="2026-11-22",
        time="12:34:56",
        time_reference_samples=2**33 + 5,
        loudness_lufs=-23.0,
        true_peak_dbtp=-1.25,
        coding_history="A=PCM,F=48000,W=24,M=mono,T=sounddesk",
    )
    bext = wavinfo.WavInfoReader(str(file_with(tmp_path, before=bext_chunk(info)))).bext
    assert (bext.description, bext.originator, bext.originator_ref) == ("dog, barks; seed 7", "sounddesk", "SD0001")
    assert (bext.originator_date, bext.originator_time) == ("2026-11-22", "12:34:56")
    assert bext.time_reference == 2**33 + 5
    assert bext.version == 2
    assert (bext.loudness_value, bext.max_true_peak) == (-23.0, -1.25)
    assert "T=sounddesk" in bext.coding_history


def test_markers_and_loops_are_read_back(tmp_path: Path) -> None:
    points = [CuePoint(frame=100, label="thud"), CuePoint(frame=4000, label="größer"), CuePoint(frame=4001)]
    after = cue_chunks(points) + smpl_chunk([SampleLoop(start_frame=10, end_frame=4000)], sample_rate_hz=48_000)
    read = wavinfo.WavInfoReader(str(file_with(tmp_path, after=after)))
    assert [cue.sample_offset for cue in read.cues.cues] == [100, 4000, 4001]
    assert read.cues.label_and_note(1)[0] == "thud"
    assert [(loop.start, loop.end) for loop in read.smpl.sample_loops] == [(10, 4000)]


def test_ixml_holds_any_text(tmp_path: Path) -> None:
    chunk = ixml_chunk(
        project="Szene <1> & \x00more", tracks=["left 🐶", "right"], note="n", extra={"BUNDLE": "starter"}
    )
    ixml = wavinfo.WavInfoReader(str(file_with(tmp_path, after=chunk))).ixml
    assert ixml.project == "Szene <1> & more"
    assert [track.name for track in ixml.track_list] == ["left 🐶", "right"]


def test_the_samples_are_untouched_and_every_chunk_is_aligned(tmp_path: Path) -> None:
    before = bext_chunk(BroadcastInfo(coding_history="odd"))
    path = file_with(tmp_path, before=before, after=ixml_chunk(project="odd!", tracks=["a"]))
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 48_000
    assert np.array_equal(samples, soundfile.read(io.BytesIO(encode_wav(SOUND)[0]), dtype="float32")[0])
    assert path.stat().st_size % 2 == 0


@settings(max_examples=60, deadline=None)
@given(
    description=st.text(max_size=400),
    labels=st.lists(st.tuples(st.integers(0, 4800), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))),
)
def test_any_text_leaves_a_file_that_both_readers_accept(
    tmp_path_factory: pytest.TempPathFactory, description: str, labels: list[tuple[int, str]]
) -> None:
    points = [CuePoint(frame=frame, label=label) for frame, label in labels]
    path = file_with(
        tmp_path_factory.mktemp("w"),
        before=bext_chunk(BroadcastInfo(description=description)),
        after=cue_chunks(points) + ixml_chunk(project=description, tracks=[label for _, label in labels]),
    )
    assert soundfile.info(path).frames == len(SOUND)
    read = wavinfo.WavInfoReader(str(path))
    assert read.bext.version == 2
    assert [cue.sample_offset for cue in (read.cues.cues if read.cues else [])] == [frame for frame, _ in labels]


def test_what_is_no_wav_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not a WAV file"):
        with_chunks(b"nothing at all")
    with pytest.raises(ValueError, match="time reference is -1"):
        bext_chunk(BroadcastInfo(time_reference_samples=-1))

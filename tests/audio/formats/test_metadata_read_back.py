"""What the files say of themselves, read back by readers that share no code with the product."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
import wavinfo

from tests.audio.conftest import RATE
from tests.audio.conftest import Street

needs_sox = pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")


def said_by(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARN" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_broadcast_extension(street: Street, tmp_path: Path, rate: int) -> None:
    report = street.export(tmp_path, sample_rate_hz=rate, range_s=(0.5, 2.5))
    bext = wavinfo.WavInfoReader(str(report.files[0])).bext
    assert bext.version == 2
    assert bext.originator.startswith("sounddesk ")
    assert len(bext.originator_ref) == 32
    assert (bext.originator_date, bext.originator_time) == ("2026-11-24", "12:34:56")
    # The timeline starts at 01:00:00, the range half a second later.
    assert bext.time_reference == round(3600.5 * rate)
    assert "model starter 1" in bext.description
    assert "licence of the weights: CC-BY-4.0" in bext.description
    assert "dog take 1 seed 1001 hint 'a bark'" in bext.description
    lines = bext.coding_history.strip("\0").split("\r\n")
    assert lines[0] == "A=PCM,F=48000,M=mono,T=starter generated"
    assert lines[-2].startswith(f"A=PCM,F={rate},W=24,M=stereo,T=sounddesk ")
    reading = report.readings["street_dog.wav"]
    assert bext.loudness_value == pytest.approx(reading.integrated_lufs, abs=0.006)
    assert bext.max_true_peak == pytest.approx(reading.true_peak_dbtp, abs=0.006)
    assert bext.max_momentary_loudness == pytest.approx(reading.max_momentary_lufs, abs=0.006)


def test_ixml(street: Street, tmp_path: Path) -> None:
    report = street.export(tmp_path)
    ixml = wavinfo.WavInfoReader(str(report.files[1])).ixml
    assert (ixml.project, ixml.take) == ("street", "1")
    assert [track.name for track in ixml.track_list] == ["car L", "car R"]
    tree = ixml.raw_xml
    assert "seed 1001" in tree.findtext("./NOTE")
    assert tree.findtext("./SPEED/TIMECODE_RATE") == "25/1"
    assert int(tree.findtext("./SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO")) == 3600 * RATE
    assert tree.findtext("./USER/SOUNDDESK_LICENCE") == "CC-BY-4.0"
    mix = wavinfo.WavInfoReader(str(report.files[2])).ixml
    assert not mix.take
    assert set(mix.raw_xml.findtext("./USER/SOUNDDESK_SEED").split()) == {"1001", "1002"}


@pytest.mark.parametrize(
    ("rate", "drop", "told"),
    [
        (23.976, False, ("24000/1001", "NDF")),
        (29.97, True, ("30000/1001", "DF")),
        (29.97, False, ("30000/1001", "NDF")),
        (59.94, True, ("60000/1001", "DF")),
        (50.0, False, ("50/1", "NDF")),
    ],
)
def test_ixml_says_how_frames_are_counted(
    street: Street, tmp_path: Path, rate: float, drop: bool, told: tuple[str, str]
) -> None:
    street.project = street.project.with_settings(frame_rate=rate, drop_frame=drop)
    report = street.export(tmp_path)
    tree = wavinfo.WavInfoReader(str(report.files[1])).ixml.raw_xml
    assert (tree.findtext("./SPEED/TIMECODE_RATE"), tree.findtext("./SPEED/TIMECODE_FLAG")) == told


def test_markers_within_the_range_that_concern_the_object(street: Street, tmp_path: Path) -> None:
    report = street.export(tmp_path, sample_rate_hz=44_100, range_s=(1.25, 3.0))
    dog, car, mix = (wavinfo.WavInfoReader(str(path), info_encoding="utf-8").cues for path in report.files[:3])
    assert [(cue.sample_offset, dog.label_and_note(cue.name)[0]) for cue in dog.cues] == [(11_025, "thud")]
    expected = [(11_025, "thud"), (33_075, "größer")]
    for cues in (car, mix):
        assert [(cue.sample_offset, cues.label_and_note(cue.name)[0]) for cue in cues.cues] == expected


def test_a_looped_clip_says_where_it_loops_and_the_loop_has_no_seam(street: Street, tmp_path: Path) -> None:
    smooth = np.sin(2 * np.pi * 440 * np.arange(RATE // 2) / RATE).astype(np.float32) * 0.2
    street.takes.add(dataclasses.replace(street.takes["t3"], id="sine", waveform=smooth))
    clip = dataclasses.replace(street.project.clip("c3"), take_id="sine", fade_in_s=0.2)
    street.project = street.project.with_clip(clip)
    report = street.export(tmp_path, format="wav32f", stems=False, mix=False, clips=True)
    loop = wavinfo.WavInfoReader(str(report.files[2])).smpl.sample_loops[0]
    assert wavinfo.WavInfoReader(str(report.files[0])).smpl is None
    sound = soundfile.read(report.files[2])[0][:, 0]
    once = sound[loop.start : loop.end + 1]
    # What follows the last frame in the file is what the loop jumps to.
    assert np.allclose(sound[loop.end + 1 : loop.end + 2001], once[:2000], atol=1e-6)


@pytest.mark.parametrize("name", ["flac24", "ogg"])
def test_comments_of_flac_and_ogg(street: Street, tmp_path: Path, name: str) -> None:
    report = street.export(tmp_path, format=name)
    tags = mutagen.File(report.files[1])
    assert tags["TITLE"] == ["car"]
    assert tags["LICENSE"] == ["CC-BY-4.0"]
    assert tags["SOUNDDESK_SEED"] == ["1001"]
    assert tags["SOUNDDESK_MODEL"] == ["starter"]
    assert (tags["CHAPTER002"], tags["CHAPTER002NAME"]) == (["00:00:02.000"], ["größer"])
    assert soundfile.info(report.files[1]).frames == 3 * RATE


@needs_sox
@pytest.mark.parametrize("name", ["wav16", "wav24", "wav32f", "flac24", "ogg"])
@pytest.mark.parametrize("channels", ["stereo", "mono"])
def test_sox_reads_every_format(street: Street, tmp_path: Path, name: str, channels: str) -> None:
    report = street.export(tmp_path, format=name, channels=channels, clips=True)
    for path in report.files[:-1]:
        assert float(said_by("soxi", "-D", str(path))) == pytest.approx(soundfile.info(path).duration, abs=1e-3)
    # Sox decodes every sample, so that a wrong header or size is told.
    said_by("sox", str(report.files[0]), "-n", "stat")


@needs_ffprobe
@pytest.mark.parametrize("name", ["wav16", "wav24", "wav32f", "flac16", "ogg"])
def test_ffprobe_reads_every_format_and_its_tags(street: Street, tmp_path: Path, name: str) -> None:
    report = street.export(tmp_path, format=name, sample_rate_hz=96_000)
    told = json.loads(
        said_by("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(report.files[0]))
    )
    stream = told["streams"][0]
    assert (stream["sample_rate"], stream["channels"]) == ("96000", 2)
    assert float(told["format"]["duration"]) == pytest.approx(3.0, abs=0.001)
    tags = {key.lower(): value for key, value in {**told["format"].get("tags", {}), **stream.get("tags", {})}.items()}
    if name.startswith("wav"):
        assert tags["time_reference"] == str(3600 * 96_000)
        assert tags["encoded_by"].startswith("sounddesk")
    else:
        assert tags["title"] == "dog"

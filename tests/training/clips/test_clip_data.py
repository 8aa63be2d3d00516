"""Clips come from folders, manifests and shards; frame and sound belong together; broken files never end a run."""

from __future__ import annotations

import io
import json
import resource
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sounddesk.domain.errors import DiskFullError
from sounddesk.engine.images.image_file import load_image
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.clip_manifest import clip_from_row
from sounddesk.training.clips.clip_manifest import read_clips
from sounddesk.training.clips.clip_manifest import row_of_clip
from sounddesk.training.clips.clip_manifest import write_clips
from sounddesk.training.clips.data_check import check_data
from sounddesk.training.clips.data_check import refuse_leaks
from sounddesk.training.clips.media_reader import MediaError
from sounddesk.training.clips.media_reader import read_clip
from sounddesk.training.clips.media_reader import read_image
from sounddesk.training.clips.media_reader import read_mask
from sounddesk.training.clips.shards import open_clips
from sounddesk.training.clips.shards import read_shards
from sounddesk.training.clips.shards import write_shards
from sounddesk.training.data.data_error import DataError
from tests.training.tiny_clips import RATE_HZ
from tests.training.tiny_clips import level_at
from tests.training.tiny_clips import pitch_at
from tests.training.tiny_clips import pitch_of
from tests.training.tiny_clips import tones
from tests.training.tiny_clips import write_pair
from tests.training.tiny_clips import write_video
from tests.training.tiny_data import build_tiny_data


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "clock.mp4")


@pytest.mark.parametrize("start_s", [0.0, 1.0, 2.0])
def test_frame_and_sound_are_of_the_same_instant(video: Path, start_s: float) -> None:
    clip = ClipSource(id="a", video=video, start_s=start_s)
    media = read_clip(clip, seconds=1.9, sample_rate_hz=RATE_HZ, frame_times_s=(0.5, 1.5))
    for offset, frame, time_s in zip((0.5, 1.5), media.frames, media.times_s, strict=True):
        second = int(start_s + offset)
        assert time_s == pytest.approx(offset, abs=1 / 8 + 1e-6)
        assert frame.mean() == pytest.approx(level_at(second), abs=6)
        middle = round(offset * RATE_HZ)
        assert pitch_of(media.waveform[middle - 2000 : middle + 2000]) == pytest.approx(pitch_at(second), abs=8)
    assert media.waveform.shape == (round(1.9 * RATE_HZ),)


def test_a_short_clip_is_padded_with_silence_and_says_how_much_was_heard(video: Path) -> None:
    media = read_clip(ClipSource(id="a", video=video), seconds=6.0, sample_rate_hz=RATE_HZ, frame_times_s=(9.0,))
    assert media.waveform.shape == (6 * RATE_HZ,)
    assert np.abs(media.waveform[round(4.2 * RATE_HZ) :]).max() == 0.0
    assert media.heard_s == pytest.approx(4.0, abs=0.1)
    assert media.frames[0].mean() == pytest.approx(level_at(3), abs=6)


def test_a_folder_is_read_with_captions_masks_splits_and_what_has_no_partner(tmp_path: Path) -> None:
    write_pair(tmp_path / "train" / "dog", colour=(10, 20, 200), sound=tones(1), mask=True)
    (tmp_path / "train" / "dog.txt").write_text("a dog barking\n")
    write_pair(tmp_path / "test" / "cat", colour=(200, 20, 10), sound=tones(1))
    write_video(tmp_path / "train" / "clock.mp4", seconds=1)
    (tmp_path / "train" / "alone.png").write_bytes(b"x")
    found = read_clips(tmp_path)
    by_id = {clip.id: clip for clip in found.clips}
    assert sorted(by_id) == ["test/cat", "train/clock", "train/dog"]
    assert by_id["train/dog"].caption == "a dog barking"
    assert by_id["test/cat"].split == "test"
    assert "without a sound" in found.skipped["train/alone"]
    media = read_clip(by_id["train/dog"], seconds=1.0, sample_rate_hz=RATE_HZ, frame_times_s=(0.0,))
    assert media.mask is not None
    assert media.mask[:, :30].min() == 1.0
    assert media.mask[:, 34:].max() == 0.0
    assert media.frames[0][0, 0].tolist() == [200, 20, 10]  # RGB, though OpenCV wrote BGR


def test_a_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    clips = (
        ClipSource(id="a", caption="rain", video=tmp_path / "a.mp4", start_s=2.5, labels=("Rain",), split="test"),
        ClipSource(id="b", image=tmp_path / "b.png", audio=Path("/other/b.wav"), matching_score=0.7),
    )
    write_clips(tmp_path / "clips.jsonl", clips)
    assert read_clips(tmp_path).clips == clips
    assert json.loads((tmp_path / "clips.jsonl").read_text().splitlines()[0])["video"] == "a.mp4"


_TEXT = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20)


@given(name=_TEXT, caption=_TEXT, start_s=st.floats(0, 1e6), labels=st.lists(_TEXT, max_size=3))
def test_any_row_survives_json(name: str, caption: str, start_s: float, labels: list[str]) -> None:
    clip = ClipSource(id=name, caption=caption, video=Path("/v.mp4"), start_s=start_s, labels=tuple(labels))
    row = json.loads(json.dumps(row_of_clip(clip, Path("/x"))))
    assert clip_from_row(row, folder=Path("/x"), where="row") == clip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "a", "video": "a.mp4", "captoin": "x"}', "line 1: unknown key 'captoin'"),
        ('{"id": "a", "video": "a.mp4", "start_s": "soon"}', "start_s is 'soon'"),
        ('{"id": "a", "image": "a.png"}', "name a 'video', or an 'image' and an 'audio'"),
        ('{"id": "a", "video": "a.mp4", "split": "dev"}', "split is 'dev'"),
        ('{"video": "a.mp4"}', "key 'id'"),
        ("[1]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"id": "a", "video": "a.mp4"}\n{"id": "a", "video": "b.mp4"}', "occurs twice"),
    ],
)
def test_a_wrong_manifest_names_line_and_key(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "clips.jsonl").write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        read_clips(tmp_path)


def test_shards_hold_the_same_clips(tmp_path: Path, video: Path) -> None:
    write_pair(tmp_path / "pairs" / "dog", colour=(1, 2, 3), sound=tones(1), mask=True)
    pair = read_clips(tmp_path / "pairs").clips[0]
    clips = [ClipSource(id="clock", caption="a clock", video=video, labels=("Tick",)), pair]
    files = write_shards(clips, tmp_path / "shards", clips_per_shard=1)
    assert len(files) == 2
    with open_clips(tmp_path / "shards") as found:
        assert [clip.id for clip in found.clips] == ["clock", "dog"]
        assert found.clips[0].labels == ("Tick",)
        assert found.clips[0].video is not None
        assert found.clips[0].video.read_bytes() == video.read_bytes()
        media = read_clip(found.clips[1], seconds=1.0, sample_rate_hz=RATE_HZ, frame_times_s=(0.0,))
        assert media.mask is not None
    files[1].write_bytes(files[1].read_bytes()[:700])
    with open_clips(tmp_path / "shards") as found:
        assert [clip.id for clip in found.clips] == ["clock"]
        assert len(found.skipped) == 1


def test_a_shard_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    content = tmp_path / "x.json"
    content.write_text('{"id": "evil", "caption": "c"}')
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(content, "../../../escape.json")
        tar.add(content, "../../../escape.wav")
        tar.add(content, "../../../escape.png")
    with open_clips(tmp_path / "evil.tar"):
        assert not list(tmp_path.parent.glob("escape*"))


@pytest.mark.parametrize(
    "name", ["pipe:touch PWNED; cat ok.tar #.tar", "http:x.tar", "{0..3}.tar", "a::b.tar", "...tar"]
)
def test_a_shards_name_is_a_name_and_no_command_or_address(
    name: str, tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    (made,) = write_shards([ClipSource(id="clock", video=video)], Path())
    made.rename("ok.tar")
    Path(name).write_bytes(Path("ok.tar").read_bytes())
    with open_clips(Path()) as found:
        assert [clip.id for clip in found.clips] == ["clock", "clock"]
        assert not found.skipped
    assert sorted(path.name for path in Path().iterdir()) == sorted(["ok.tar", name])


def test_shards_are_written_where_a_folder_is_named_like_a_command(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (made,) = write_shards([ClipSource(id="clock", video=video)], Path("pipe:touch PWNED; cat >%d"))
    assert made.is_file()
    assert not Path("PWNED").exists()


def test_a_shard_names_no_file_outside_itself(tmp_path: Path) -> None:
    row = json.dumps({"id": "a", "image": str(tmp_path / "her.png"), "audio": "/etc/hostname"}).encode()
    with tarfile.open(tmp_path / "names.tar", "w") as tar:
        member = tarfile.TarInfo("a.json")
        member.size = len(row)
        tar.addfile(member, io.BytesIO(row))
    with open_clips(tmp_path / "names.tar") as found:
        assert not found.clips
        assert "names a file as 'video'" in str(found.skipped) or "names a file as 'image'" in str(found.skipped)


def test_a_shard_that_unpacks_to_more_than_it_is_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bomb.tar", "w:gz") as tar:
        member = tarfile.TarInfo("a.wav")
        member.size = 64 << 20
        with (tmp_path / "zeros").open("wb+") as zeros:
            zeros.truncate(member.size)
            tar.addfile(member, zeros)
    assert (tmp_path / "bomb.tar").stat().st_size < 1 << 20
    with open_clips(tmp_path / "bomb.tar") as found:
        assert not found.clips
        assert "cannot be read" in str(found.skipped)


def test_a_sparse_member_is_refused(tmp_path: Path) -> None:
    # A header of the old GNU kind: 4 bytes of data in a file that says it has 2 GB.
    header = bytearray(tarfile.TarInfo("a.wav").tobuf(format=tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[124:136] = b"%011o\0" % 512
    header[386:410] = b"%011o\0" % 0 + b"%011o\0" % 512
    header[483:495] = b"%011o\0" % (2 << 30)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    (tmp_path / "holes.tar").write_bytes(bytes(header) + b"x" * 512 + bytes(1024))
    with open_clips(tmp_path / "holes.tar") as found:
        assert "sparse" in str(found.skipped)


def header_of(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(format=tarfile.GNU_FORMAT)


HUGE_SHARDS = {
    # Each says that so much follows; tarfile would read it at once.
    "a long name": ([header_of("p", 6 << 30, tarfile.GNUTYPE_LONGNAME)], 6 << 30, "header of 6,442,450,944 bytes"),
    "settings of a file": ([header_of("p", 6 << 30, tarfile.XHDTYPE)], 6 << 30, "header of"),
    "a file": ([header_of("a.wav", 6 << 30)], 6 << 30, "'/a' is larger than"),
    "a sample": ([header_of(f"a.{n}", 800 << 10) + bytes(800 << 10) for n in range(3)], 0, "'/a' is larger than"),
    "many files": ([header_of("a", 0)] * 20, 0, "more than 10 files"),
}


@pytest.mark.parametrize("name", HUGE_SHARDS)
def test_what_a_shard_holds_is_bounded_before_it_is_read(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, length, message = HUGE_SHARDS[name]
    monkeypatch.setattr("sounddesk.training.clips.shards._MOST_MEMBERS", 10)
    monkeypatch.setattr("sounddesk.training.clips.shards._MOST_SAMPLE_BYTES", 2 << 20)
    with (tmp_path / "huge.tar").open("wb") as file:
        file.write(b"".join(headers) + bytes(1024))
        # Nothing but a hole on the disk.
        file.truncate(max(length, file.tell()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_clips(tmp_path / "huge.tar") as found:
        assert not found.clips
        assert message in str(found.skipped)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_disk_without_room_for_a_shard_is_no_fault_of_the_shard(tmp_path: Path, small_disk: Path) -> None:
    with tarfile.open(tmp_path / "large.tar", "w") as tar:
        member = tarfile.TarInfo("a.wav")
        member.size = 8 << 20
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    with pytest.raises(DiskFullError, match=r"a\.wav"):
        read_shards(tmp_path / "large.tar", small_disk / "unpacked")


def test_a_playlist_under_the_name_of_a_film_opens_nothing(tmp_path: Path, video: Path) -> None:
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{video}\n#EXT-X-ENDLIST\n")
    for text in (playlist.read_text(), f"ffconcat version 1.0\nfile '{video}'\n"):
        playlist.write_text(text)
        with pytest.raises(MediaError, match="cannot be read"):
            read_clip(ClipSource(id="a", video=playlist), seconds=1.0, sample_rate_hz=RATE_HZ, frame_times_s=(0.0,))


def test_a_films_name_is_a_name_and_no_protocol(tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a|b.mp4", "http:x.mp4", "pipe:0.mp4"):
        Path(name).write_bytes(video.read_bytes())
        clip = ClipSource(id="a", video=Path(name))
        assert read_clip(clip, seconds=1.0, sample_rate_hz=RATE_HZ, frame_times_s=(0.0,)).heard_s > 0.9


def test_check_lists_broken_files_and_leaks(tmp_path: Path, video: Path) -> None:
    write_pair(tmp_path / "train" / "dog", colour=(1, 2, 3), sound=tones(1))
    (tmp_path / "train" / "dog.txt").write_text("a dog")
    (tmp_path / "train" / "broken.mp4").write_bytes(video.read_bytes()[:300])
    (tmp_path / "train" / "clock.mp4").write_bytes(video.read_bytes())
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "other_name.mp4").write_bytes(video.read_bytes())
    report = check_data(tmp_path)
    assert report.clips == {"train": 2, "test": 1}
    assert report.hours["train"] == pytest.approx(5 / 3600, abs=1e-4)
    assert list(report.broken) == ["train/broken"]
    assert report.without_caption == ("train/clock",)
    assert len(report.leaks) == 1
    assert "clock.mp4" in report.leaks[0]
    assert not report.usable
    with pytest.raises(DataError, match="in training and test"):
        refuse_leaks(read_clips(tmp_path).clips)


def test_check_of_the_starter_layout(tmp_path: Path) -> None:
    build_tiny_data(tmp_path)
    assert check_data(tmp_path).usable
    (tmp_path / "recordings" / "hum" / "one.flac").unlink()
    assert list(check_data(tmp_path).broken) == ["recordings/hum/one.flac"]


def test_what_cannot_be_read_is_named(tmp_path: Path, video: Path) -> None:
    with pytest.raises(DataError, match="is no data set"):
        read_clips(tmp_path / "nothing")
    with pytest.raises(DataError, match="holds no clips"):
        read_clips(tmp_path)
    missing = ClipSource(id="a", video=tmp_path / "none.mp4")
    with pytest.raises(MediaError, match="none.mp4"):
        read_clip(missing, seconds=1.0, sample_rate_hz=RATE_HZ, frame_times_s=(0.0,))
    with pytest.raises(MediaError, match="no sound at 60"):
        late = ClipSource(id="a", video=video, start_s=60.0)
        read_clip(late, seconds=1.0, sample_rate_hz=RATE_HZ, frame_times_s=(0.0,))


def wav_header(*, riff: bytes = b"RIFF", code: int = 1, channels: int = 1, bits: int = 16) -> bytes:
    """What a recorder writes at the beginning: it fills in the lengths, 0 here, at the end."""
    width = channels * bits // 8
    fields = struct.pack("<HHIIHH", code, channels, RATE_HZ, RATE_HZ * width, width, bits)
    lengths = b"ds64" + struct.pack("<I", 28) + bytes(28) if riff == b"RF64" else b""
    return riff + bytes(4) + b"WAVE" + lengths + b"fmt " + struct.pack("<I", 16) + fields + b"data" + bytes(4)


def without_samples(suffix: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(0, dtype=np.float32), RATE_HZ, format=suffix)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".wav", without_samples("WAV")),
        (".wav", wav_header()),
        (".wav", wav_header(code=3, channels=2, bits=32)),
        (".wav", wav_header(channels=6, bits=24)),
        (".wav", wav_header(riff=b"RF64")),
        (".flac", b""),
        (".ogg", without_samples("OGG")),
    ],
    ids=["none", "header", "float", "six channels", "rf64", "flac", "ogg"],
)
def test_a_recording_that_was_never_finished_is_named(tmp_path: Path, suffix: str, data: bytes) -> None:
    write_pair(tmp_path / "dog", colour=(10, 20, 30), sound=tones(1))
    old = next(path for path in tmp_path.iterdir() if path.suffix in (".wav", ".flac"))
    sound = old.with_suffix(suffix)
    old.unlink()
    sound.write_bytes(data)
    clip = read_clips(tmp_path).clips[0]
    with pytest.raises(
        MediaError, match=rf"{sound.name} (says it has no samples|is empty \(0 bytes\)): was the recording finished\?"
    ):
        read_clip(clip, seconds=1.0, sample_rate_hz=RATE_HZ, frame_times_s=(0.0,))


def test_images_and_masks_are_read_as_rendering_reads_them(tmp_path: Path) -> None:
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[..., 0], rgba[:20, :, 3] = 250, 255
    mask = np.zeros((40, 60), np.uint16)
    mask[10:20] = 65535
    mask[20:30] = 32768
    for suffix in ("png", "tif"):
        Image.fromarray(rgba).save(tmp_path / f"a.{suffix}")
        Image.fromarray(mask).save(tmp_path / f"m.{suffix}")
        assert np.array_equal(read_image(tmp_path / f"a.{suffix}"), load_image(tmp_path / f"a.{suffix}").pixels)
        assert read_image(tmp_path / f"a.{suffix}")[30, 0].tolist() == [128, 128, 128]
        assert read_mask(tmp_path / f"m.{suffix}")[[5, 15, 25], 0] == pytest.approx([0.0, 1.0, 0.5], abs=1e-4)
    soundfile.write(tmp_path / "a.wav", np.ones(800), 8000)
    (tmp_path / "a.png").unlink()
    (clip,) = read_clips(tmp_path).clips
    assert clip.image == tmp_path / "a.tif"
    (tmp_path / "b.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n{} loop")
    with pytest.raises(MediaError, match="PostScript"):
        read_image(tmp_path / "b.png")

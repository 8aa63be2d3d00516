from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import resource
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.exchange.exchange_format import EXCHANGE_FORMATS
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.formats.audio_format import audio_formats
from sounddesk.audio.metering.loudness import integrated_loudness
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.errors import OutputError
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import MovieFrame
from tests.audio.conftest import RATE
from tests.audio.conftest import Street
from tests.wav_reader import read_pcm


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


@pytest.mark.parametrize("channels", ["stereo", "mono"])
@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("name", ["wav16", "wav24", "wav32f", "flac24", "ogg"])
def test_every_file_has_the_same_start_and_length(
    street: Street, tmp_path: Path, name: str, rate: int, channels: str
) -> None:
    report = street.export(tmp_path / "out", format=name, sample_rate_hz=rate, channels=channels)
    sounds = [path for path in report.files if path.suffix != ".json"]
    assert [path.stem for path in sounds] == ["street_dog", "street_car", "street_mix"]
    for path in sounds:
        info = soundfile.info(path)
        assert (info.frames, info.samplerate) == (3 * rate, rate)
        assert info.channels == (2 if channels == "stereo" else 1)
        assert info.subtype == {"wav16": "PCM_16", "wav24": "PCM_24", "wav32f": "FLOAT", "flac24": "PCM_24"}.get(
            name, "VORBIS"
        )


@contextlib.contextmanager
def files_of_at_most(n_bytes: int) -> Iterator[None]:
    """As on a full disk, for every file of this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def open_files() -> list[str]:
    """What this process holds open below the folders of tests, where the system tells."""
    links = [os.path.realpath(each) for each in Path("/proc/self/fd").glob("*")]
    return [each for each in links if "sounddesk-" in each]


@pytest.mark.parametrize("name", [each.name for each in audio_formats()])
def test_a_full_disk_is_told_as_such_and_leaves_nothing(street: Street, tmp_path: Path, name: str) -> None:
    report = street.export(tmp_path / "whole", format=name)
    sizes = sorted(path.stat().st_size for path in report.files if path.suffix != ".json")
    # Within the header, the samples, and the tags behind them or before.
    for limit in (0, 10, 100, sizes[0] // 2, *(sizes[-1] - less for less in (1, 50, 200, 400, 1000))):
        with (
            files_of_at_most(limit),
            pytest.raises(DiskFullError, match="larger than this disk or the limit on file sizes"),
        ):
            street.export(tmp_path / "out", format=name)
        assert [path.name for path in tmp_path.iterdir()] == ["whole"]


@pytest.mark.parametrize("name", [each.name for each in EXCHANGE_FORMATS])
def test_a_full_disk_while_a_project_file_is_written(street: Street, tmp_path: Path, name: str) -> None:
    settings = {"stems": False, "mix": False, "sidecar": False, "exchange": (name,)}
    report = street.export(tmp_path / "whole", **settings)
    size = max(path.stat().st_size for path in report.written)
    open_before = open_files()
    for limit in (0, 100, size // 2, size - 1):
        with (
            files_of_at_most(limit),
            pytest.raises(DiskFullError, match="larger than this disk or the limit on file sizes"),
        ):
            street.export(tmp_path / "out", **settings)
        assert [path.name for path in tmp_path.iterdir()] == ["whole"]
        assert open_files() == open_before


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("channels", ["stereo", "mono"])
@pytest.mark.parametrize("name", ["wav16", "wav24", "flac16"])
def test_stems_add_up_to_the_mix_to_the_last_bit(
    street: Street, tmp_path: Path, name: str, channels: str, rate: int
) -> None:
    report = street.export(tmp_path, format=name, channels=channels, sample_rate_hz=rate)
    dog, car, mix = (samples(path) for path in report.files[:3])
    assert np.abs(mix).max() > 0.05
    assert np.array_equal(dog + car, mix)


def test_what_is_written_is_what_is_heard(street: Street, tmp_path: Path) -> None:
    report = street.export(tmp_path, format="wav32f")
    timeline = TimelineMix(street.project, street.samples_of)
    assert np.array_equal(samples(report.files[0]).astype(np.float32), timeline.stem(0, 0, timeline.frames))
    assert np.abs(samples(report.files[2]) - timeline.render(0, timeline.frames)).max() < 1e-7


def test_master_and_limiter_are_in_the_mix_and_not_in_the_stems(street: Street, tmp_path: Path) -> None:
    street.project = street.project.with_master(gain_db=30.0, limiter=True)
    report = street.export(tmp_path, format="wav32f")
    timeline = TimelineMix(street.project, street.samples_of)
    assert 0.5 < np.abs(samples(report.files[2])).max() < 1.0
    assert np.abs(samples(report.files[2]) - timeline.render(0, timeline.frames)).max() < 1e-6
    assert np.abs(samples(report.files[0])).max() < 0.5


def test_pre_fader_stems_know_neither_fader_nor_mute(street: Street, tmp_path: Path) -> None:
    street.project = street.project.with_strip("o1", muted=True)
    post = street.export(tmp_path / "post", format="wav32f")
    pre = street.export(tmp_path / "pre", format="wav32f", pre_fader=True)
    assert not samples(post.files[0]).any()
    expected = TimelineMix(street.project, street.samples_of).lane(0, 0, 3 * RATE)
    assert np.array_equal(samples(pre.files[0])[:, 0].astype(np.float32), expected)
    assert np.array_equal(samples(pre.files[2]), samples(post.files[2]))


def test_range_and_tails(street: Street, tmp_path: Path) -> None:
    whole = street.export(tmp_path / "whole", format="wav32f")
    part = street.export(tmp_path / "part", format="wav32f", range_s=(0.5, 1.25))
    assert np.array_equal(samples(part.files[2]), samples(whole.files[2])[24_000:60_000])
    ringing = street.export(tmp_path / "ringing", format="wav32f", tails=True)
    lengths = {soundfile.info(path).frames for path in ringing.files[:3]}
    # The looped clip ends at 3.5 s, half a second behind the timeline's end.
    assert lengths == {round(3.5 * RATE)}
    with pytest.raises(ValueError, match="begins at 5 s"):
        street.plan(range_s=(5.0, 6.0))


def test_clips_and_takes(street: Street, tmp_path: Path) -> None:
    report = street.export(tmp_path, format="wav32f", stems=False, mix=False, clips=True, takes="all", sidecar=False)
    assert [path.name for path in report.files] == [
        "street_dog_clip01.wav",
        "street_dog_clip02.wav",
        "street_car_clip01.wav",
        "street_dog_take01.wav",
        "street_dog_take02.wav",
        "street_car_take01.wav",
    ]
    stem = TimelineMix(street.project.without_clips(["c2"]), street.samples_of).stem(0, 12_000, 43_200)
    assert np.array_equal(samples(report.files[0]).astype(np.float32), stem)
    raw = samples(report.files[3])
    assert np.array_equal(raw[:, 0].astype(np.float32), street.takes["t1"].waveform)
    assert len(samples(report.files[4])) == RATE


def test_starred_and_placed_takes(street: Street) -> None:
    street.project = street.project.without_clips(["c2"])
    assert [f.take_id for f in street.plan(stems=False, mix=False, takes="placed").files] == ["t1", "t3"]
    with pytest.raises(ValueError, match="nothing to write"):
        street.plan(stems=False, mix=False, takes="starred")


def test_dither_hides_the_rounding(street: Street, tmp_path: Path) -> None:
    # A sound of a third of a step: without dither it is silent, with dither its mean is there.
    quiet = dataclasses.replace(street.takes["t1"], id="q", waveform=np.full(RATE, 1 / 3 / 32_768, dtype=np.float32))
    street.takes.add(quiet)
    clip = dataclasses.replace(street.project.clips[0], take_id="q", fade_in_s=0.0, fade_out_s=0.0)
    street.project = dataclasses.replace(street.project, clips=(clip,)).with_strip("o1", gain_db=0.0, pan=0.0)
    plain = street.export(tmp_path / "plain", format="wav16", dither=False)
    assert not read_pcm(plain.files[0]).steps.any()
    dithered = read_pcm(street.export(tmp_path / "dithered", format="wav16").files[0]).steps
    heard = dithered.reshape(-1, 2)[12_000:55_000, 0]
    assert set(np.unique(heard)) <= {-1, 0, 1}
    assert heard.mean() == pytest.approx(1 / 3, abs=0.02)
    # Rounding with triangular dither has a constant noise of 1/4 step squared.
    assert np.var(heard - 1 / 3) == pytest.approx(0.25, abs=0.01)
    again = street.export(tmp_path / "again", format="wav16")
    assert read_pcm(again.files[0]).steps.tolist() == dithered.tolist()


def test_normalising_moves_stems_and_mix_alike_and_says_by_how_much(street: Street, tmp_path: Path) -> None:
    plain = street.export(tmp_path / "plain", format="wav32f")
    loud = street.export(tmp_path / "loud", format="wav32f", normalise_lufs=-18.0, clips=True)
    assert integrated_loudness(samples(loud.files[2]), sample_rate_hz=RATE) == pytest.approx(-18.0, abs=0.01)
    factor = 10 ** (loud.gain_db["street_mix.wav"] / 20)
    assert np.allclose(samples(loud.files[0]), samples(plain.files[0]) * factor, atol=1e-6)
    assert integrated_loudness(samples(loud.files[3]), sample_rate_hz=RATE) == pytest.approx(-18.0, abs=0.01)
    street.project = street.project.without_clips(["c1", "c2", "c3"])
    silent = street.export(tmp_path / "silent", normalise_lufs=-18.0)
    assert "no loudness" in silent.notes[0]


def test_readings_are_those_of_the_files(street: Street, tmp_path: Path) -> None:
    report = street.export(tmp_path)
    for path in report.files[:3]:
        reading = report.readings[path.name]
        assert integrated_loudness(samples(path), sample_rate_hz=RATE) == pytest.approx(
            reading.integrated_lufs, abs=0.01
        )
        assert np.abs(samples(path)).max() == pytest.approx(10 ** (reading.peak_dbfs / 20), abs=1e-6)


def test_clipping_is_counted_by_file(street: Street, tmp_path: Path) -> None:
    street.project = street.project.with_strip("o1", gain_db=40.0)
    report = street.export(tmp_path)
    assert report.clipped_samples["street_dog.wav"] > 1000
    assert "street_car.wav" not in report.clipped_samples
    steps = read_pcm(report.files[0]).steps
    assert (steps.max(), steps.min()) == (2**23 - 1, -(2**23))


def test_nothing_is_overwritten_unless_asked(street: Street, tmp_path: Path) -> None:
    street.export(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputError, match="street_dog.wav exists already"):
        street.export(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "mine.txt").write_text("kept")
    street.project = street.project.with_strip("o1", gain_db=-20.0)
    street.export(tmp_path, replace=True)
    assert (tmp_path / "street_dog.wav").read_bytes() != before[tmp_path / "street_dog.wav"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*(path.name for path in before), "mine.txt"])


@pytest.mark.parametrize("name", ["wav24", "flac24", "ogg"])
def test_a_cancelled_export_leaves_nothing(street: Street, tmp_path: Path, name: str) -> None:
    class StopError(Exception):
        pass

    def step(done: int, _total: int) -> None:
        if done > 0:
            raise StopError

    with pytest.raises(StopError):
        street.export(tmp_path / "out", step=step, format=name)
    assert list(tmp_path.iterdir()) == []


def test_progress_never_goes_back_and_ends_full(street: Street, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    street.export(
        tmp_path, step=lambda done, total: seen.append((done, total)), clips=True, takes="all", normalise_lufs=-20.0
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


def test_memory_does_not_grow_with_length(street: Street, tmp_path: Path) -> None:
    def peak_bytes(seconds: float) -> int:
        street.project = street.project.with_settings(timeline_s=seconds)
        clips = (dataclasses.replace(street.project.clip("c3"), duration_s=seconds - 1.0),)
        street.project = dataclasses.replace(street.project, clips=clips)
        tracemalloc.start()
        street.export(tmp_path / f"{seconds:g}")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak_bytes(6.0)
    # How far the threads' blocks overlap in time is up to the machine; whole files would be several times more.
    assert peak_bytes(60.0) < 1.5 * peak_bytes(12.0)


def test_the_sidecar_tells_where_every_file_comes_from(street: Street, tmp_path: Path) -> None:
    report = street.export(tmp_path)
    told = json.loads(report.files[-1].read_text())
    assert [entry["file"] for entry in told["files"]] == [path.name for path in report.files[:-1]]
    first = told["files"][0]["takes"][0]
    assert (first["bundle"], first["licence"], first["seed"], first["hint"]) == ("starter", "CC-BY-4.0", 1001, "a bark")
    assert [take["id"] for take in told["files"][2]["takes"]] == ["t1", "t2", "t3"]
    assert told["files"][0]["loudness"]["integrated_lufs"] == round(
        report.readings["street_dog.wav"].integrated_lufs, 2
    )
    assert ExportSettings.from_json(told["settings"]) == ExportSettings()


def test_the_sidecar_says_which_frame_of_a_movie_the_image_is(street: Street, tmp_path: Path) -> None:
    movie = MovieFrame(movie="street.mov", frame=12, sha256="b" * 64)
    image = ImageInfo(sha256="a" * 64, name="street.0012.png", width=2, height=2, movie=movie)
    street.project = dataclasses.replace(street.project, image=image)
    told = json.loads(street.export(tmp_path).files[-1].read_text())
    assert told["image"] == {"name": "street.0012.png", "sha256": "a" * 64, "movie": "street.mov", "frame": 12}


def test_a_lane_called_mix_does_not_take_the_name_of_the_mix(street: Street) -> None:
    street.project = street.project.with_changed_object("o1", name="mix")
    assert [(file.what, file.name) for file in street.plan().files] == [
        ("stem", "street_mix-2.wav"),
        ("stem", "street_car.wav"),
        ("mix", "street_mix.wav"),
    ]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(min_size=1, max_size=120).filter(str.strip), min_size=2, max_size=2, unique_by=str.strip),
    label=st.text(max_size=60),
    project_name=st.text(max_size=60),
    form=st.sampled_from(["wav24", "flac16", "ogg"]),
)
@pytest.mark.slow
def test_any_name_and_text_gives_files_that_open(
    street: Street, tmp_path_factory: pytest.TempPathFactory, names: list[str], label: str, project_name: str, form: str
) -> None:
    folder = tmp_path_factory.mktemp("any") / "out"
    fuzzed = Street(street.project, street.takes)
    try:
        for object_id, name in zip(("o1", "o2"), names, strict=True):
            fuzzed.project = fuzzed.project.with_changed_object(object_id, name=name)
    except ValueError:
        return  # two names of one Unicode form are refused long before
    marker = dataclasses.replace(fuzzed.project.markers[0], label=label)
    fuzzed.project = fuzzed.project.with_marker(marker).with_settings(timeline_s=1.0)
    report = fuzzed.export(
        folder, name=project_name, format=form, clips=True, takes="all", template="{project} {object}"
    )
    for path in report.files[:-1]:
        assert soundfile.info(path).frames > 0
        assert len(path.name.encode()) <= 100
    assert len({path.name.casefold() for path in report.files}) == len(report.files)

"""A bed over the shot: gain from areas, pan from places, and what a batch makes of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sounddesk.audio.files.wav_io import write_wav
from sounddesk.batch.bed import Place
from sounddesk.batch.bed import follow
from sounddesk.batch.bed import places_of
from sounddesk.batch.jobs import BedFrame
from sounddesk.batch.options import BatchOptions
from sounddesk.domain.frame_sequence import Shard
from sounddesk.domain.recordings import SoundEvent
from sounddesk.domain.recordings import SoundFormat
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library_rows import IndexedRecording
from tests.batch.conftest import contents
from tests.batch.conftest import masked
from tests.batch.conftest import run
from tests.wav_reader import read_pcm

RATE = 8_000


def frames(count: int) -> list[BedFrame]:
    return [BedFrame(frame=str(n), path=Path(str(n)), time_s=float(n), objects=()) for n in range(count)]


def test_power_grows_with_the_area_and_the_largest_is_full() -> None:
    places = places_of(frames(4), [0.1, 0.4, 0.0, 0.0001], [-1.0, 0.0, math.nan, 1.0], still=False)
    assert [place.gain for place in places] == pytest.approx([0.5, 1.0, 0.0, 10 ** (-24 / 20)])
    # While it is away, the pan goes where it will come back.
    assert [place.pan for place in places] == [-1.0, 0.0, 0.5, 1.0]


def test_a_frame_that_could_not_be_read_is_bridged_by_its_neighbours() -> None:
    places = places_of(frames(3), [0.25, math.nan, 0.25], [0.2, math.nan, 0.4], still=False)
    assert places[1].gain == 1.0
    assert places[1].pan == pytest.approx(0.3)


def test_what_stands_for_the_whole_scene_stays() -> None:
    assert [(place.gain, place.pan) for place in places_of(frames(2), [0.1, 0.9], [0.5, -0.5], still=True)] == [
        (1.0, 0.0)
    ]


def test_gain_and_pan_glide_without_a_step() -> None:
    sound = np.ones(10 * RATE, dtype=np.float32)
    places = [Place(time_s=2.0, gain=0.2, pan=-1.0), Place(time_s=8.0, gain=1.0, pan=1.0)]
    stereo = follow(sound, places, sample_rate_hz=RATE)
    assert stereo.shape == (10 * RATE, 2)
    assert np.abs(np.diff(stereo, axis=0)).max() < 0.001
    power = np.sqrt((stereo.astype(np.float64) ** 2).sum(axis=1))
    assert power[0] == pytest.approx(0.2, abs=0.01)
    assert power[-1] == pytest.approx(1.0, abs=0.01)
    assert stereo[0, 1] == pytest.approx(0.0, abs=0.01)
    assert stereo[-1, 0] == pytest.approx(0.0, abs=0.01)


@pytest.mark.slow
def test_a_batch_of_beds(options: BatchOptions) -> None:
    asked = {"bed": True, "frames_per_s": 1.0}
    result = run(options, **asked, ambience=True)
    assert (result.unit, result.frames, result.rendered, result.failures) == ("beds", 3, 3, ())
    sound = read_pcm(options.out / "beds" / "red.wav")
    assert (sound.channels, len(sound.steps) // 2) == (2, 4 * 48_000)
    left, right = (np.abs(sound.steps[channel::2]).sum() for channel in (0, 1))
    # The red box lies on the left of the picture, the disc on the right.
    assert left > 1.5 * right
    rows = [json.loads(line) for line in (options.out / "manifest.jsonl").read_text().splitlines()]
    assert {(row["frame"], row["object"], row["kind"]) for row in rows} == {
        ("", name, "bed") for name in ("red", "blue", "ambience")
    }
    assert "red.wav" in (options.out / "index.html").read_text()
    assert run(options, **asked, ambience=True, resume=True).rendered == 0
    for index in (1, 2):
        run(options, **asked, ambience=True, out=options.out.parent / "sharded", shard=Shard(index=index, count=2))
    assert contents(options.out) == contents(options.out.parent / "sharded")
    # Another frame in the middle changes what the bed follows.
    Image.open(options.folder / "f.2.png").rotate(180).save(options.folder / "f.3.png")
    assert run(options, **asked, ambience=True, resume=True).rendered == 3


def test_an_object_that_leaves_fades_away_and_one_in_no_frame_is_reported(
    options: BatchOptions, tmp_path: Path
) -> None:
    for name, filled in (("red", (1, 1, 0, 0)), ("never", (0, 0, 0, 0))):
        (tmp_path / name).mkdir()
        for number, value in enumerate(filled, start=1):
            mask = np.zeros((120, 160), np.uint8)
            mask[20:80, 20:60] = 255 * value
            Image.fromarray(mask).save(tmp_path / name / f"{number}.png")
    objects = tuple(masked(name, tmp_path / name, masks_folder=tmp_path / name) for name in ("red", "never"))
    result = run(options, objects=objects, bed=True, frames_per_s=0.5)
    assert [what for what, _ in result.failures] == ["never"]
    assert "in no frame" in result.failures[0][1]
    steps = read_pcm(options.out / "beds" / "red.wav").steps
    seconds = np.abs(steps).reshape(8, -1).max(axis=1)
    assert seconds[:3].min() > 0
    assert seconds[-1] == 0


@pytest.mark.slow
def test_a_bed_is_laid_out_of_recordings(options: BatchOptions, tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * 16_000).astype(np.float32)
    write_wav(tmp_path / "sounds" / "red_rain.wav", noise, sample_rate_hz=16_000)
    event = SoundEvent(start_s=0.0, end_s=2.0, peak_db=-20.0, level_db=-20.0, texture=True)
    row = IndexedRecording(
        path=tmp_path / "sounds" / "red_rain.wav", size=1, mtime_ns=1, sha256="a" * 64, analysis="1",
        format=SoundFormat(frames=len(noise), sample_rate_hz=16_000, channels=1, encoding="PCM_24"),
        behaviour="continuous", words=("red", "", "", ""), events=(event,), embeddings=np.ones((1, 512), np.float16),
    )  # fmt: skip
    with Library(tmp_path / "library.sqlite") as library:
        folder = library.add_folder(tmp_path / "sounds", licence="house", commercial=False)
        library.put(folder, [row])
        index = library.path
    result = run(options, objects=options.objects[:1], bed=True, frames_per_s=0.5, library=index)
    assert (result.rendered, result.failures) == (1, ())
    steps = read_pcm(options.out / "beds" / "red.wav").steps
    assert len(steps) // 2 == 8 * 48_000
    # Four times as long as the recording, and nowhere silent.
    assert np.abs(steps).reshape(8, -1).max(axis=1).min() > 0
    (row_of,) = (json.loads(line) for line in (options.out / "manifest.jsonl").read_text().splitlines())
    assert row_of["settings"]["recordings"][0]["sha256"] == "a" * 64
    assert "the licence of red_rain.wav (house) forbids paid work" in row_of["notes"]
    assert b"recording red_rain.wav (licence: house, no paid work)" in (options.out / "beds" / "red.wav").read_bytes()
    assert (
        run(options, objects=options.objects[:1], bed=True, frames_per_s=0.5, library=index, resume=True).rendered == 0
    )


def test_a_bed_lasts_over_the_holes_of_its_frames(options: BatchOptions) -> None:
    """Frames 1, 2, 7 and 8 at 2 per second: 4 s, the third of them 3.25 s after the start."""
    for old, new in ((4, 8), (3, 7)):
        (options.folder / f"f.{old}.png").rename(options.folder / f"f.{new}.png")
    result = run(options, bed=True, frames_per_s=2.0)
    assert result.notes == ("the sequence has 1 hole: 3 to 6",)
    assert len(read_pcm(options.out / "beds" / "red.wav").steps) // 2 == 4 * 48_000
    rows = [json.loads(line) for line in (options.out / "manifest.jsonl").read_text().splitlines()]
    automation = next(row["settings"]["automation"] for row in rows if row["object"] == "red")
    assert [time_s for time_s, _gain, _pan in automation] == [0.25, 0.75, 3.25, 3.75]

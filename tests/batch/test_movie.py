"""A batch over a movie gives what a batch over its frames as files gives."""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sounddesk.batch.frame_files import png_of
from sounddesk.batch.frame_source import hash_frame
from sounddesk.batch.options import BatchOptions
from sounddesk.cli.batch_arguments import configure_batch
from sounddesk.cli.batch_arguments import read_batch_options
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import MovieFrame
from sounddesk.domain.project import Project
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from tests.batch.conftest import box_mask
from tests.batch.conftest import contents
from tests.batch.conftest import draw_frame
from tests.batch.conftest import run
from tests.wav_reader import read_pcm


@pytest.fixture
def movie(options: BatchOptions) -> Path:
    """The shot as a movie without loss, 25 frames per second, from 10:00:00:00 on."""
    path = options.folder.parent / "street.mov"
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = "10:00:00:00"
        video = container.add_stream("png", rate=25)
        first = draw_frame(0)
        video.width, video.height, video.pix_fmt = *first.size, "rgb24"
        for number in range(4):
            pixels = np.asarray(draw_frame(3 * number).convert("RGB"))
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
    return path


def test_every_second_frame_of_a_movie(options: BatchOptions, movie: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sounddesk.cli.main import main

    result = run(options, folder=movie, project="street", every=2)
    assert (result.frames, result.rendered, result.failures) == (2, 2, ())
    assert result.notes == ("street.mov: 4 frames at 25 per second, starts at 10:00:00:00",)
    folder = options.out / "frame_0003"
    with Image.open(folder / "frame.png") as still:
        assert np.array_equal(np.asarray(still), np.asarray(draw_frame(6).convert("RGB")))
    assert run(options, folder=movie, project="street", every=2, resume=True).complete == 2
    monkeypatch.chdir(options.out.parent)
    assert main(["render", "--recipe", "out/frame_0003/recipe.json", "--out", "again", "--quiet"]) == 0
    made, again = (read_pcm(each / "red.wav").steps for each in (folder, Path("again")))
    assert np.abs(made - again).max() < 2**23 * 1e-3


def test_masks_are_followed_through_a_movie_as_through_its_frames(options: BatchOptions, movie: Path) -> None:
    run(options, follow="flow")
    of_movie = options.out.with_name("of_movie")
    run(options, folder=movie, follow="flow", out=of_movie)
    for number in range(1, 5):
        folders = options.out / f"f_{number}", of_movie / f"frame_{number:04d}"
        first, second = (np.asarray(Image.open(folder / "masks" / "red.png")) for folder in folders)
        assert np.array_equal(first, second)


def test_a_bed_lasts_as_long_as_the_movie(options: BatchOptions, movie: Path) -> None:
    asked = {"folder": movie, "bed": True, "frames_per_s": 2.0}
    run(options, **asked)
    assert len(read_pcm(options.out / "beds" / "red.wav").steps) // 2 == 2 * 48_000
    run(options, **asked, out=options.out.with_name("again"))
    assert contents(options.out) == contents(options.out.with_name("again"))


def test_a_bed_says_when_the_movie_begins(options: BatchOptions, movie: Path) -> None:
    start_s = 10 * 3600.0
    result = run(options, folder=movie, bed=True, frames_per_s=2.0, start_timecode_s=start_s)
    bed = (options.out / "beds" / "red.wav").read_bytes()
    at = bed.index(b"bext") + 8
    assert struct.unpack_from("<Q", bed, at + 338) == (round(start_s * 48_000),)
    assert b"<TIMECODE_RATE>2/1</TIMECODE_RATE>" in bed
    assert b"<NAME>red L</NAME>" in bed
    assert result.failures == ()
    rows = [json.loads(line) for line in (options.out / "manifest.jsonl").read_text().splitlines()]
    assert {row["settings"]["start_timecode_s"] for row in rows} == {start_s}
    # A sound that says another start is another sound.
    moved = run(options, folder=movie, bed=True, frames_per_s=2.0, start_timecode_s=start_s + 1, resume=True)
    assert moved.rendered == result.rendered > 0
    # Without a start, as of a folder of frames, nothing is claimed.
    run(options, bed=True, frames_per_s=2.0, out=options.out.with_name("of_folder"))
    assert b"bext" not in (options.out.with_name("of_folder") / "beds" / "red.wav").read_bytes()


def asked(*arguments: object) -> BatchOptions:
    """What the command line asks for."""
    parser = argparse.ArgumentParser()
    configure_batch(parser)
    return read_batch_options(parser.parse_args([str(each) for each in arguments]))


def test_a_project_of_a_frame_of_the_movie_is_its_reference(options: BatchOptions, movie: Path) -> None:
    file = options.out.with_name("p.sdesk")
    picture = png_of(np.asarray(draw_frame(6).convert("RGB")))
    third = MovieFrame(movie="street.mov", frame=3, sha256=hash_frame(movie / "street.0003.png"))
    image = ImageInfo(sha256=hashlib.sha256(picture).hexdigest(), name="street.0003.png", width=160, height=120)
    project, _ = Project(image=replace(image, movie=third)).with_new_object(
        name="red", mask=TiledMask.from_array(box_mask(6))
    )
    project = project.with_settings(start_timecode_s=60.0)
    write_project(file, ProjectContents(project=project, images={image.sha256: picture}))
    chosen = asked(movie, "--project", file, "--bed", "--out", options.out)
    # What the movie says goes before what the project's timeline says, which may begin at a frame.
    assert (chosen.reference_sha256, chosen.start_timecode_s) == (third.sha256, 36_000.0)
    assert asked(options.folder, "--project", file, "--bed", "--out", options.out).start_timecode_s == 60.0
    run(options, folder=movie, objects=chosen.objects, reference_sha256=chosen.reference_sha256, follow="flow")
    mask = np.asarray(Image.open(options.out / "frame_0003" / "masks" / "red.png"))
    assert np.array_equal(mask > 127, box_mask(6))

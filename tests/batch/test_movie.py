"""A batch over a movie gives what a batch over its frames as files gives."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sounddesk.batch.options import BatchOptions
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

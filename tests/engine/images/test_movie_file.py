"""Frames of movies: the same whatever way they are asked for, and told in the movie's own time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from sounddesk.domain.frame_sequence import every_nth
from sounddesk.domain.frame_sequence import holes_in
from sounddesk.domain.timecode import parse_timecode
from sounddesk.engine.images.movie_file import MovieReader
from sounddesk.engine.images.movie_file import load_frame
from sounddesk.engine.images.movie_file import movie_frame_sha256
from sounddesk.engine.images.movie_file import movie_frames
from sounddesk.engine.images.movie_file import read_movie_facts
from sounddesk.engine.images.picture_decoding import ImageFileError

N_FRAMES = 40


def level(index: int) -> int:
    return 20 + 5 * index


def write_movie(
    path: Path,
    *,
    rate: Fraction = Fraction(25),
    codec: str = "mpeg4",
    timecode: str = "",
    frames: int = N_FRAMES,
    times_ms: Sequence[int] = (),
) -> Path:
    """A movie of grey frames, each 5 brighter than the one before; `times_ms`: shown then instead of at the rate.

    In mpeg4 a bar moves over them, and there are B frames, so that decoding is out of order.
    """
    with av.open(str(path), "w") as container:
        if timecode:
            container.metadata["timecode"] = timecode
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = 64, 48, "rgb24" if codec == "png" else "yuv420p"
        if codec == "mpeg4":
            video.codec_context.gop_size, video.codec_context.max_b_frames = 12, 2
        if times_ms:
            video.codec_context.time_base = Fraction(1, 1000)
        for index in range(len(times_ms) or frames):
            pixels = np.full((48, 64, 3), level(index), dtype=np.uint8)
            if codec == "mpeg4":
                pixels[:, (index * 5) % 64 :][:, :12] = 255 - pixels[0, 0]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times_ms:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_frames_are_the_same_in_any_order(tmp_path: Path, suffix: str) -> None:
    movie = write_movie(tmp_path / f"street{suffix}")
    facts = read_movie_facts(movie)
    assert (facts.n_frames, str(facts.rate), facts.width, facts.height) == (N_FRAMES, "25", 64, 48)
    with av.open(str(movie)) as container:
        expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len({frame.tobytes() for frame in expected}) == N_FRAMES
    reader = MovieReader(facts)
    order = [0, 1, 2, 39, 13, 12, 11, 11, 38, 0, *range(N_FRAMES)]
    for index in order:
        assert np.array_equal(reader.frame(index), expected[index]), index
    reader.close()
    for index in (-1, N_FRAMES):
        with pytest.raises(ImageFileError, match=f"has no frame {index + 1}"):
            reader.frame(index)


def test_a_frame_is_named_like_a_file_in_the_movie(tmp_path: Path) -> None:
    facts = read_movie_facts(write_movie(tmp_path / "a.b.mov", codec="png"))
    path = facts.frame_path(6)
    assert path == tmp_path / "a.b.mov" / "a.b.0007.png"
    loaded = load_frame(path)
    assert (loaded.width, loaded.height, loaded.notes) == (64, 48, ())
    assert np.array_equal(loaded.pixels, np.full((48, 64, 3), level(6), np.uint8))
    assert loaded.sha256 == movie_frame_sha256(path) != movie_frame_sha256(facts.frame_path(7))


@pytest.mark.parametrize(
    ("rate", "timecode", "told", "start_s"),
    [
        (Fraction(25), "01:00:00:00", "25", 3600.0),
        (Fraction(30000, 1001), "01:00:00;00", "29.97 DF", 107_892 * 1001 / 30000),
        (Fraction(30000, 1001), "01:00:00:00", "29.97", 3603.6),
        (Fraction(24000, 1001), "", "23.976", 0.0),
    ],
)
def test_rate_and_timecode_are_the_movies_own(
    tmp_path: Path, rate: Fraction, timecode: str, told: str, start_s: float
) -> None:
    facts = read_movie_facts(write_movie(tmp_path / "street.mov", rate=rate, timecode=timecode, frames=5))
    assert (facts.start_timecode, str(facts.rate)) == (timecode or None, told)
    assert facts.rate.frames_per_s == rate
    assert facts.start_s == pytest.approx(start_s)


def uneven(*parts: tuple[int, int], slip_ms: int = 0) -> list[int]:
    """Times in ms of so many frames at such a rate, one part after the other; every second frame slips."""
    times, start_s = [], 0.0
    for count, rate in parts:
        times += [round(1000 * (start_s + n / rate)) + slip_ms * (n % 2) for n in range(count)]
        start_s += count / rate
    return times


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
@pytest.mark.parametrize(
    ("times_ms", "rate", "offsets"),
    [
        # A phone in the dark after a while.
        (uneven((12, 30), (8, 15)), "30", [*range(12), *range(12, 28, 2)]),
        # A screen recorder that leaves frames out.
        ([0, 40, 80, 120, 240, 280, 320, 880, 920], "25", [0, 1, 2, 3, 6, 7, 8, 22, 23]),
        (uneven((20, 24), slip_ms=12), "24", [*range(20)]),
        # Pictures of a slow clock.
        ([0, 1000, 2000, 7000], "1", [0, 1, 2, 7]),
    ],
)
def test_uneven_frames_stand_where_they_are_shown(
    tmp_path: Path, suffix: str, times_ms: list[int], rate: str, offsets: list[int]
) -> None:
    codec = "ffv1" if suffix == ".mkv" else "png"
    movie = write_movie(tmp_path / f"phone{suffix}", rate=Fraction(1000), times_ms=times_ms, codec=codec)
    facts = read_movie_facts(movie)
    assert (facts.n_frames, str(facts.rate), list(facts.offsets)) == (len(times_ms), rate, offsets)
    assert facts.varies == (offsets != list(range(len(offsets))))
    reader = MovieReader(facts)
    for index in (len(times_ms) - 1, 0, 2):
        assert reader.frame(index)[0, 0, 0] == pytest.approx(level(index), abs=2)
    reader.close()
    # A place between two frames shows the one before.
    assert [facts.index_at(offset) for offset in (0, offsets[2], facts.length - 1)] == [0, 2, len(times_ms) - 1]
    if offsets[-1] > offsets[-2] + 1:
        assert facts.index_at(facts.length - 2) == len(times_ms) - 2
    last = parse_timecode(facts.timecode_of(len(times_ms) - 1), rate=facts.rate)
    assert facts.rate.time_of(last) == pytest.approx(times_ms[-1] / 1000, abs=0.6 / float(facts.rate.frames_per_s))
    frames = movie_frames(facts)
    assert [frame.offset for frame in frames] == offsets
    assert every_nth(frames, 1) == frames
    assert holes_in(frames) == ()


def test_times_that_the_file_rounds_are_even(tmp_path: Path) -> None:
    facts = read_movie_facts(write_movie(tmp_path / "street.mkv", rate=Fraction(24000, 1001)))
    steps = {after - before for before, after in pairwise(facts.times)}
    assert len(steps) > 1
    assert (str(facts.rate), facts.varies, facts.length) == ("23.976", False, N_FRAMES)


def test_what_is_no_movie_is_told_by_name(tmp_path: Path) -> None:
    for name, data in (
        ("empty.mov", b""),
        ("text.mp4", b"hello" * 100),
        ("list.mkv", b"#EXTM3U\nhttp://localhost/x\n"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageFileError, match=name):
            read_movie_facts(tmp_path / name)
    with pytest.raises(ImageFileError, match=r"none.mov.*does not exist"):
        read_movie_facts(tmp_path / "none.mov")


def test_a_movie_that_was_exported_again_is_read_anew(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "street.mov", codec="png", frames=8)
    name = read_movie_facts(movie).frame_path(2)
    assert load_frame(name).pixels[0, 0, 0] == level(2)
    later = write_movie(tmp_path / "later.mov", codec="png", frames=9, rate=Fraction(50))
    later.replace(movie)
    last = read_movie_facts(movie).frame_path(8)
    assert load_frame(last).pixels[0, 0, 0] == level(8)

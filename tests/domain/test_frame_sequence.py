"""Order of frames, every Nth of them, shards, and masks that belong to them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.frame_sequence import Shard
from sounddesk.domain.frame_sequence import every_nth
from sounddesk.domain.frame_sequence import find_frames
from sounddesk.domain.frame_sequence import holes_in
from sounddesk.domain.frame_sequence import left_out
from sounddesk.domain.frame_sequence import mask_files_by_frame
from sounddesk.domain.frame_sequence import natural_key
from sounddesk.domain.frame_sequence import runs_of


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_frames_come_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b.png",
        "shot.10.png",
        "shot.9.png",
        "Shot.2.PNG",
        "notes.txt",
        ".hidden.png",
        "a2b10.jpg",
        "a2b9.jpg",
    )
    frames = find_frames(tmp_path)
    assert [frame.name for frame in frames] == [
        "a2b9.jpg",
        "a2b10.jpg",
        "b.png",
        "Shot.2.PNG",
        "shot.9.png",
        "shot.10.png",
    ]
    assert [frame.number for frame in frames] == [9, 10, None, 2, 9, 10]
    assert [frame.index for frame in frames] == list(range(6))


@given(st.lists(st.text(alphabet="ab01289.٣²Ａ", min_size=1, max_size=8), unique=True))
def test_the_order_is_total_and_independent_of_the_listing(names: list[str]) -> None:
    keys = {natural_key(name) for name in names}
    assert len(keys) == len(names)
    assert sorted(keys) == sorted(keys, reverse=True)[::-1]


def test_output_folders_are_safe_and_unique(tmp_path: Path) -> None:
    touch(tmp_path, "f.1.png", "f.1.jpg", "con.png", "beds.png", "index.png", "f?1.png")
    outputs = [frame.output for frame in find_frames(tmp_path)]
    assert len({output.casefold() for output in outputs}) == len(outputs)
    assert not {"beds", "index", "con"} & set(outputs)
    assert all("?" not in output and "." not in output for output in outputs)


def test_a_folder_without_frames_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no image"):
        find_frames(touch(tmp_path / "empty", "notes.txt"))
    with pytest.raises(BadInputError, match="cannot be read"):
        find_frames(tmp_path / "missing")
    with pytest.raises(BadInputError, match="is a file"):
        find_frames(tmp_path / "empty" / "notes.txt")


def test_every_nth_frame_keeps_its_place_and_its_folder(tmp_path: Path) -> None:
    frames = find_frames(touch(tmp_path, *(f"{number}.png" for number in range(10))))
    assert [frame.index for frame in every_nth(frames, 4)] == [0, 4, 8]
    assert every_nth(frames, 4)[1] == frames[4]
    with pytest.raises(BadInputError, match="every is 0"):
        every_nth(frames, 0)


@pytest.mark.parametrize(
    ("numbers", "every", "chosen"),
    [
        # Over a hole by number: the next frame stands for the one that is missing, and none where none is near.
        ([*range(1001, 1025), *range(1073, 1097)], 24, [1001, 1073]),
        ([*range(1, 11), *range(14, 21)], 4, [1, 5, 9, 14, 17]),
        ([1, 2, 3, 50, 51], 2, [1, 3, 50, 51]),
        # On twos every second frame is the fourth number.
        (range(1, 20, 2), 2, [1, 5, 9, 13, 17]),
        (range(-3, 4), 3, [-3, 0, 3]),
        # Each frame is each frame, also one between the twos.
        ([1, 3, 5, 7, 8], 1, [1, 3, 5, 7, 8]),
    ],
)
def test_every_nth_frame_goes_by_number(tmp_path: Path, numbers: Sequence[int], every: int, chosen: list[int]) -> None:
    frames = find_frames(touch(tmp_path, *(f"plate.{number:05d}.png" for number in numbers)))
    assert [frame.number for frame in every_nth(frames, every)] == chosen


@given(st.integers(1, 9), st.integers(0, 60))
def test_shards_share_everything_out_once(count: int, items: int) -> None:
    shards = [Shard(index=index, count=count) for index in range(1, count + 1)]
    for position in range(items):
        assert sum(shard.holds(position) for shard in shards) == 1


@pytest.mark.parametrize(("index", "count"), [(0, 2), (3, 2), (1, 0)])
def test_a_shard_out_of_range_is_refused(index: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"shard is {index}/{count}"):
        Shard(index=index, count=count)


def test_masks_belong_to_frames_by_name_or_by_number(tmp_path: Path) -> None:
    frames = find_frames(touch(tmp_path / "shot", "shot.0001.png", "shot.0002.png", "shot.0003.png"))
    masks = touch(tmp_path / "masks", "shot.0003.tif", "dog_mask_1.png", "other.png")
    found = mask_files_by_frame(masks, frames)
    assert {name: path.name for name, path in found.items()} == {
        "shot.0001.png": "dog_mask_1.png",
        "shot.0003.png": "shot.0003.tif",
    }
    with pytest.raises(BadInputError, match="no mask"):
        mask_files_by_frame(touch(tmp_path / "others", "x.77.png"), frames)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["dog_0001_v003.png", "dog_0002_v003.png", "dog_0003_v004.png"], [1, 2, 3]),
        (["v2_0998_1920x1080.png", "v2_0999_1920x1080.png", "v2_1000_1920x1080.png"], [998, 999, 1000]),
        (["sh010.0001.png", "sh010.0002.png", "sh020.0001.png", "sh020.0002.png"], [1, 2, 1, 2]),
        (["plate.-0002.png", "plate.-0001.png", "plate.00000.png", "plate.00001.png"], [-2, -1, 0, 1]),
        # A minus that joins a word or a number to the frame number is no sign.
        (["shot-0001.png", "shot-0002.png"], [1, 2]),
        (["2024-0001.png", "2024-0002.png"], [1, 2]),
        (["v001.png", "v002.png"], [1, 2]),
        # One file alone: no version, the last run.
        (["dog_12_0007_v003.png"], [7]),
        (["still.png"], [None]),
        # Versions of one frame are no sequence.
        (["dog_0001_v003.png", "dog_0001_v004.png"], [None, None]),
    ],
)
def test_the_number_is_the_run_of_digits_that_varies(
    tmp_path: Path, names: list[str], numbers: list[int | None]
) -> None:
    frames = find_frames(touch(tmp_path, *reversed(names)))
    assert [frame.name for frame in frames] == names
    assert [frame.number for frame in frames] == numbers


@given(
    first=st.integers(-20, 2000),
    count=st.integers(2, 30),
    digits=st.integers(1, 6),
    before=st.sampled_from(["shot.", "sh010_", "", "plate-", "Ünder 9 "]),
    behind=st.sampled_from(["", "_v003", ".1920x1080", "_left2"]),
)
def test_numbers_are_found_wherever_they_stand(
    tmp_path_factory: pytest.TempPathFactory, first: int, count: int, digits: int, before: str, behind: str
) -> None:
    wanted = [number for number in range(first, first + count) if number >= 0 or before in ("shot.", "sh010_", "")]
    if not wanted:
        return
    names = [f"{before}{number:0{digits}d}{behind}.png" for number in wanted]
    frames = find_frames(touch(tmp_path_factory.mktemp("shot"), *names))
    if len(wanted) > 1:
        assert [frame.number for frame in frames] == wanted
        assert [frame.offset for frame in frames] == list(range(len(wanted)))
        assert len(runs_of(frames)) == 1


def test_time_goes_by_numbers_and_holes_are_told(tmp_path: Path) -> None:
    names = [f"s.{number}.png" for number in (*range(1001, 1025), *range(1073, 1097), 1099)]
    frames = find_frames(touch(tmp_path / "holes", *names))
    assert [frame.offset for frame in frames if frame.number in (1001, 1073, 1099)] == [0, 72, 98]
    assert holes_in(frames) == ((1025, 1072), (1097, 1098))
    on_twos = find_frames(touch(tmp_path / "twos", *(f"{number}.png" for number in (1, 3, 5, 7, 13))))
    assert [frame.offset for frame in on_twos] == [0, 2, 4, 6, 12]
    assert holes_in(on_twos) == ((9, 11),)


@pytest.mark.parametrize(
    "names", [["a.1.png", "a.5.png", "b.1.png", "b.5.png"], ["a.png", "b.png"], ["s.1.png", "s.1.jpg", "s.9.png"]]
)
def test_what_is_no_single_sequence_goes_by_its_order(tmp_path: Path, names: list[str]) -> None:
    frames = find_frames(touch(tmp_path, *names))
    assert [frame.offset for frame in frames] == list(range(len(names)))
    assert holes_in(frames) == ()


def test_masks_with_a_version_belong_to_their_frames(tmp_path: Path) -> None:
    frames = find_frames(touch(tmp_path / "shot", *(f"shot.{number:04d}.png" for number in range(1, 6))))
    folder = touch(tmp_path / "mattes", *(f"dog_{number:04d}_v003.png" for number in range(1, 6)))
    found = mask_files_by_frame(folder, frames)
    assert {name: path.name for name, path in found.items()} == {
        f"shot.{number:04d}.png": f"dog_{number:04d}_v003.png" for number in range(1, 6)
    }
    with pytest.raises(BadInputError, match=r"2 masks for shot.0002.png, dog_0002_v003.png and dog_0002_v004.png"):
        mask_files_by_frame(touch(folder, "dog_0002_v004.png"), frames)
    with pytest.raises(BadInputError, match="no mask"):
        mask_files_by_frame(touch(tmp_path / "versions", "dog_0001_v003.png", "dog_0001_v004.png"), frames)


def test_handles_before_zero_keep_their_masks(tmp_path: Path) -> None:
    frames = find_frames(touch(tmp_path / "shot", *(f"plate.{number:05d}.png" for number in range(-3, 3))))
    masks = touch(tmp_path / "masks", *(f"dog.{number:04d}.png" for number in (-2, 2)))
    found = mask_files_by_frame(masks, frames)
    assert {name: path.name for name, path in found.items()} == {
        "plate.-0002.png": "dog.-002.png",
        "plate.00002.png": "dog.0002.png",
    }


@pytest.mark.parametrize("word", ["café", "übung", "한글", "ﬁ"])
def test_masks_fit_under_both_unicode_forms(tmp_path: Path, word: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    frames = find_frames(touch(tmp_path / "shot", f"{composed}.png"))
    masks = touch(tmp_path / "masks", f"{decomposed}.tif")
    assert mask_files_by_frame(masks, frames) == {f"{composed}.png": masks / f"{decomposed}.tif"}


def test_what_a_scan_leaves_out_is_told(tmp_path: Path) -> None:
    touch(tmp_path, "thumb.png", "s.1001.svg", "s.1002.SVG", "clip.mov", "notes.txt", ".hidden.svg")
    assert left_out(tmp_path) == "1 .mov (clip.mov), 2 .svg (s.1001.svg ...)"
    with pytest.raises(BadInputError, match=r"no image that is read here, but 2 .svg \(s.1.svg ...\): convert"):
        find_frames(touch(tmp_path / "none", "s.1.svg", "s.2.svg"))


def test_sequences_are_told_apart_by_what_is_not_the_number(tmp_path: Path) -> None:
    touch(tmp_path, "shot.9.png", "shot.10.png", "shot.2.png", "other_1.jpg", "still.png")
    runs = [(run.pattern, run.first, run.last, run.count) for run in runs_of(find_frames(tmp_path))]
    assert runs == [
        ("other_#.jpg", "other_1.jpg", "other_1.jpg", 1),
        ("shot.#.png", "shot.2.png", "shot.10.png", 3),
        ("still.png", "still.png", "still.png", 1),
    ]

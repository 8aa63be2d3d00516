"""Order of frames, every Nth of them, shards, and masks that belong to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.frame_sequence import Shard
from sounddesk.domain.frame_sequence import every_nth
from sounddesk.domain.frame_sequence import find_frames
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


def test_sequences_are_told_apart_by_what_is_not_the_number(tmp_path: Path) -> None:
    touch(tmp_path, "shot.9.png", "shot.10.png", "shot.2.png", "other_1.jpg", "still.png")
    runs = [(run.pattern, run.first, run.last, run.count) for run in runs_of(find_frames(tmp_path))]
    assert runs == [
        ("other_#.jpg", "other_1.jpg", "other_1.jpg", 1),
        ("shot.#.png", "shot.2.png", "shot.10.png", 3),
        ("still.png", "still.png", "still.png", 1),
    ]

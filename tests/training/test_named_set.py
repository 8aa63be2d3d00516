from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sounddesk.training.named_set import NamedPictures
from sounddesk.training.preparation.named_pictures import NAMED_TABLE_NAME
from tests.training.test_tasks_learn import make_named


def test_things_of_one_picture_are_left_out_and_each_is_drawn(tmp_path: Path) -> None:
    make_named(tmp_path)
    named = NamedPictures.read(tmp_path)
    assert named.names == ("red disc", "blue square")
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        index, picture = named.draw(rng)
        assert picture.shape == (40, 40, 4)
        # RGBA: what is red in the file is red here.
        assert picture[20, 20].argmax() in ((0, 3) if named.names[index] == "red disc" else (2, 3))
        seen.add((index, int(picture[20, 20, :3].max())))
    assert seen == {(0, 200), (0, 250), (1, 200), (1, 250)}


def test_a_set_without_them_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train prepare starter"):
        NamedPictures.read(tmp_path)


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    make_named(tmp_path)
    named = NamedPictures.read(tmp_path)
    for file in (tmp_path / "named").rglob("*.png"):
        file.unlink()
    with pytest.raises(ValueError, match=r"named/.*prepare the data set again"):
        named.draw(np.random.default_rng(0))
    assert (tmp_path / NAMED_TABLE_NAME).is_file()

"""Links planted under names that can be guessed lead nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sounddesk.domain.errors import OutputError
from sounddesk.storage.own_file import append_text
from sounddesk.storage.own_file import make_own_folders
from sounddesk.storage.own_file import open_own_file


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file of the user's."""
    path = tmp_path / "mine.txt"
    path.write_text("keep")
    return path


def test_a_file_is_made_and_found_again(tmp_path: Path) -> None:
    for text in (b"one ", b"two"):
        descriptor = open_own_file(tmp_path / "lock", append=True)
        os.write(descriptor, text)
        os.close(descriptor)
    assert (tmp_path / "lock").read_bytes() == b"one two"


def test_text_is_added_at_the_end_and_never_through_a_link(tmp_path: Path, mine: Path) -> None:
    for text in ("é\n", "two\n"):
        with append_text(tmp_path / "log") as file:
            file.write(text)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "é\ntwo\n"
    (tmp_path / "journal").symlink_to(mine)
    with pytest.raises(OutputError, match="journal is a link"):
        append_text(tmp_path / "journal")
    assert mine.read_text() == "keep"


def test_a_link_is_refused_and_its_target_untouched(tmp_path: Path, mine: Path) -> None:
    link = tmp_path / "lock"
    for target in (mine, tmp_path / "not there yet"):
        link.symlink_to(target)
        with pytest.raises(OutputError, match=r"lock is a link, and sounddesk writes there: remove it or choose"):
            open_own_file(link)
        link.unlink()
    assert mine.read_text() == "keep"
    assert not (tmp_path / "not there yet").exists()


def test_a_link_planted_between_the_check_and_the_opening_is_refused(
    tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "lock"
    link.symlink_to(mine)
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)
    with pytest.raises(OutputError, match="is a link"):
        open_own_file(link)


def test_a_second_name_of_another_file_is_refused(tmp_path: Path, mine: Path) -> None:
    (tmp_path / "lock").hardlink_to(mine)
    with pytest.raises(OutputError, match="is a second name of another file"):
        open_own_file(tmp_path / "lock")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(OutputError, match="is no ordinary file"):
        open_own_file(tmp_path / "lock")


def test_folders_are_made_and_links_among_them_refused(tmp_path: Path, mine: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_own_folders(tmp_path / "out", Path("f_1/masks"))
    (tmp_path / "out").mkdir()
    make_own_folders(tmp_path / "out", Path("f_1/masks"))
    make_own_folders(tmp_path / "out", Path("f_1/masks"))
    assert (tmp_path / "out" / "f_1" / "masks").is_dir()
    (tmp_path / "hers").mkdir()
    (tmp_path / "out" / "f_2").symlink_to(tmp_path / "hers")
    with pytest.raises(OutputError, match=r"f_2 is a link"):
        make_own_folders(tmp_path / "out", Path("f_2/masks"))
    assert list((tmp_path / "hers").iterdir()) == []

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sounddesk.domain.errors import OutputError
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.atomic_file import sync_folder
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file


@contextmanager
def small_files_only() -> Iterator[None]:
    """A file of more than 4096 bytes fails half-way, as on a full disk.

    No fixture: pytest reports a test before its fixtures end, and that report may go to a file too.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_file(path, b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_longest_possible_name_can_be_written(tmp_path: Path) -> None:
    write_file(tmp_path / ("x" * 255), b"data")
    with pytest.raises(OutputError, match="its name is too long: choose a shorter one"):
        write_file(tmp_path / ("x" * 256), b"data")


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_file(path, b"old")
    with small_files_only(), pytest.raises(OutputError, match=r"cannot write .*a\.bin: it is larger than"):
        write_file(path, bytes(10_000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none/a.bin", "does not exist or has vanished: make it"), ("file/a.bin", "a part of its path is a file")],
)
def test_reason_and_remedy_are_named(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=reason):
        write_file(tmp_path / name, b"data")


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="it is a folder: choose another name"):
        write_file(tmp_path, b"data")
    assert list(tmp_path.parent.glob(".*.tmp")) == []


def test_a_full_disk_is_named_as_such() -> None:
    with (
        pytest.raises(OutputError, match="cannot write /x: the disk is full: free some space"),
        translate_os_errors(Path("/x")),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(OutputError, match="cannot lock /x: unheard of"),
        translate_os_errors(Path("/x"), what="cannot lock"),
    ):
        raise OSError(99_999, "unheard of")


def test_syncing_a_missing_folder_is_harmless(tmp_path: Path) -> None:
    sync_folder(tmp_path / "none")


def test_a_library_writes_beside_the_target_which_is_replaced_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "weights.bin"
    target.write_bytes(b"old")
    with atomic_path(target) as part:
        part.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_library_that_fails_leaves_the_target_as_it_was_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "weights.bin"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="half"), atomic_path(target) as part:
        part.write_bytes(b"ne")
        raise RuntimeError("half")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes among the files")
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="it is a device or a pipe: choose another name"):
        write_file(tmp_path / "pipe", b"x")
    with pytest.raises(OSError, match="No such device"), atomic_path(tmp_path / "pipe") as part:
        part.write_bytes(b"x")
    assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]

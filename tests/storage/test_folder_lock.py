from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from sounddesk.domain.errors import OutputError
from sounddesk.storage.folder_lock import FolderLock


def test_a_second_holder_is_refused_until_release(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    first = FolderLock(path, folder=tmp_path)
    assert first.guards
    with pytest.raises(OutputError, match=r"is being written by another render \(process \d+ on .* since 2.*\): wait"):
        FolderLock(path, folder=tmp_path)
    first.release()
    assert not path.exists()
    second = FolderLock(path, folder=tmp_path)
    first.release()
    assert path.exists()
    second.release()


@pytest.mark.parametrize(
    "before", ["process 1 on here since yesterday, and a long text behind it", "\0" * 46 + "process 1"]
)
def test_a_lock_file_left_by_a_killed_process_is_no_lock(tmp_path: Path, before: str) -> None:
    path = tmp_path / ".lock"
    path.write_text(before)
    lock = FolderLock(path, folder=tmp_path)
    assert path.read_text().startswith(f"process {os.getpid()} on ")
    assert path.read_text().endswith("\n")
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_removed_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".lock"
    real = fcntl.flock
    calls = []

    def removed_meanwhile(descriptor: int, how: int) -> None:
        calls.append(how)
        if len(calls) == 1:
            path.unlink()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    lock = FolderLock(path, folder=tmp_path)
    assert len(calls) == 2
    with pytest.raises(OutputError, match="another render"):
        FolderLock(path, folder=tmp_path)
    lock.release()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_guards_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def unsupported(*_: Any) -> None:
        raise OSError(code, "no locks")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    lock = FolderLock(tmp_path / ".lock", folder=tmp_path)
    assert not lock.guards
    lock.release()


def test_other_failures_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, "broken")

    with pytest.raises(OutputError, match="does not exist or has vanished"):
        FolderLock(tmp_path / "none" / ".lock", folder=tmp_path)
    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(OutputError, match="the disk reports an error"):
        FolderLock(tmp_path / ".lock", folder=tmp_path)


def test_a_link_under_the_name_of_the_lock_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("keep")
    (tmp_path / ".lock").symlink_to(mine)
    with pytest.raises(OutputError, match=r"\.lock is a link"):
        FolderLock(tmp_path / ".lock", folder=tmp_path)
    assert mine.read_text() == "keep"


def test_a_file_that_no_lock_wrote_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    path.write_text("my notes")
    with pytest.raises(OutputError, match=r"\.lock is no lock of sounddesk: move it away"):
        FolderLock(path, folder=tmp_path)
    assert path.read_text() == "my notes"


def test_a_holder_on_another_machine_may_be_gone(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    lock = FolderLock(path, folder=tmp_path)
    with pytest.raises(OutputError, match="choose another folder$"):
        FolderLock(path, folder=tmp_path)
    path.write_text("process 7 on elsewhere since 2026-01-01 10:00:00\n")
    with pytest.raises(OutputError, match=r"process 7 on elsewhere.*or remove .*\.lock if that machine is gone$"):
        FolderLock(path, folder=tmp_path)
    lock.release()


def test_what_killed_holders_left_is_taken_over_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(3):
        lock = FolderLock(path, folder=tmp_path)
        text = path.read_text()
        assert text.startswith("process ")
        lock.release()
        # As a kill leaves it.
        path.write_text(text)

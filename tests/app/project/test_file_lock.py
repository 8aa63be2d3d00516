"""Locks beside a file: of this window, of another one, of a dead process, of another computer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sounddesk.app.notifications import Notice
from sounddesk.app.notifications import notifier
from sounddesk.app.project.file_lock import FileInUseError
from sounddesk.app.project.file_lock import FileLock
from sounddesk.app.project.file_lock import ForeignLockError
from sounddesk.app.project.file_lock import is_in_use
from sounddesk.app.project.file_lock import lock_file
from sounddesk.app.project.project_store import ProjectStore
from tests.app.conftest import succeeds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.sdesk"


def test_a_living_holder_is_named(path: Path) -> None:
    held = FileLock(path)
    with pytest.raises(FileInUseError, match=rf"in another window \(process {os.getpid()} on .+\): close"):
        FileLock(path)
    assert is_in_use(path)
    held.release()
    assert not is_in_use(path)


def test_a_dead_process_holds_nothing(path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    lock_file(path).write_text(f"{int(dead.stdout)}\npython3\n{os.uname().nodename}\n\n\n")
    assert not is_in_use(path)


def test_another_computer_is_named_and_its_lock_can_be_broken(path: Path, store: ProjectStore) -> None:
    assert succeeds(store.save_as, path)
    assert succeeds(store.new)
    lock_file(path).write_text("4711\nsounddesk\nstudio-2\n\n\n")
    with pytest.raises(ForeignLockError, match=r"sounddesk on studio-2, process 4711"):
        FileLock(path)
    heard: list[Notice] = []
    notifier.noticed.connect(heard.append)
    assert not succeeds(store.open, path)
    notifier.noticed.disconnect(heard.append)
    (notice,) = heard
    assert "studio-2" in notice.line
    assert notice.button is not None
    notice.button.press()
    assert succeeds(store.open, path)


@pytest.mark.parametrize(("age_s", "in_use"), [(0, True), (60, False)])
def test_an_empty_lock_is_of_nobody_once_it_is_old(path: Path, age_s: int, in_use: bool) -> None:
    lock_file(path).touch()
    then = time.time() - age_s
    os.utime(lock_file(path), (then, then))
    assert is_in_use(path) is in_use

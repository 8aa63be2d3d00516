"""What killed processes leave is removed at the next start; what living ones are writing, and what is hers, is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sounddesk.storage.leftovers import remove_leftovers
from sounddesk.storage.leftovers import temporary_name

KILLED = """
import os, signal, sys
from pathlib import Path
from sounddesk.storage import atomic_file, project_file
from sounddesk.engine import verified_files
folder = Path(sys.argv[1])
# The moment before the rename.
def kill(*_): os.kill(os.getpid(), signal.SIGKILL)
Path.replace = Path.rename = kill
if sys.argv[2] == "file":
    atomic_file.write_file(folder / "a.json", b"x" * 1000)
elif sys.argv[2] == "library":
    with atomic_file.atomic_path(folder / "a.safetensors") as part:
        part.write_bytes(b"x")
elif sys.argv[2] == "folder":
    with verified_files.whole_folder(folder / "bundle", overwrite=False) as made:
        (made / "x").write_bytes(b"x")
else:
    project_file.ProjectDatabase.create(folder.parent / "working.sdesk").copy_to(folder / "street.sdesk")
"""


@pytest.mark.parametrize("what", ["file", "library", "folder", "project"])
def test_nothing_remains_of_a_killed_process_after_the_next_start(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "hers"
    folder.mkdir()
    (folder / "street.wav").write_bytes(b"hers")
    process = subprocess.run([sys.executable, "-c", KILLED, str(folder), what], check=False)
    assert process.returncode < 0
    assert len(list(folder.iterdir())) > 1
    remove_leftovers(folder)
    assert [path.name for path in folder.iterdir()] == ["street.wav"]


def test_what_is_not_surely_left_stays(tmp_path: Path) -> None:
    ours = temporary_name()
    another = "." + "0" * 8 + ours[9:]
    before = ".0123456789abcdef.sdesk-tmp"
    hers = [".letter.tmp", "0123456789abcdef.tmp", ".0123456789abcdef.wav", ours[1:]]
    for name in (ours, another, before, *hers):
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {ours, another, before, *hers}
    # Two days later nobody is writing them any more.
    for name in (ours, another, before, *hers):
        os.utime(tmp_path / name, (time.time() - 2 * 86_400,) * 2)
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {ours, *hers}


def test_a_planted_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "hers").mkdir()
    (tmp_path / "hers/letter").write_bytes(b"hers")
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    name = temporary_name().replace(f"-{os.getpid()}-", f"-{dead.stdout.strip()}-")
    (tmp_path / name).symlink_to(tmp_path / "hers", target_is_directory=True)
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["hers", "letter"]


def test_a_folder_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "missing")
    remove_leftovers(tmp_path / ("x" * 300))


OVERWRITTEN = """
import os, signal, sys
from pathlib import Path
from sounddesk.engine import verified_files
target, after = Path(sys.argv[1]), int(sys.argv[2])
rename = Path.rename
def kill(self, to):
    global after
    after -= 1
    if after == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, to)
Path.rename = kill
verified_files.shutil.rmtree = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
with verified_files.whole_folder(target, overwrite=True) as made:
    (made / "weights").write_text("new")
"""


@pytest.mark.parametrize(("renames", "left"), [(1, "old"), (2, "old"), (3, "new")])
def test_a_folder_that_was_being_replaced_is_whole_after_the_next_start(
    tmp_path: Path, renames: int, left: str
) -> None:
    """Killed before the first rename, between the two, and before the old one is removed."""
    bundle = tmp_path / "my bundle.v2"
    bundle.mkdir()
    (bundle / "weights").write_text("old")
    process = subprocess.run([sys.executable, "-c", OVERWRITTEN, str(bundle), str(renames)], check=False)
    assert process.returncode < 0
    assert bundle.exists() == (renames != 2)
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["my bundle.v2"]
    assert (bundle / "weights").read_text() == left

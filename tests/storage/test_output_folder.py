from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from sounddesk.domain.errors import OutputError
from sounddesk.storage import output_folder
from sounddesk.storage.output_folder import OutputFolder

FILES = {"dog.wav": b"dog", "mix.wav": b"mix", "masks/dog.png": b"mask", "recipe.json": b"{}"}
# One line of a render: it says on stdout when it is there, and waits for a line on stdin.
SYNC = "print(flush=True); input()"


def render(directory: Path, files: dict[str, bytes] = FILES) -> Path:
    with OutputFolder(directory) as folder:
        for name, data in files.items():
            folder.write(name, data)
        return folder.commit()


def tree(folder: Path) -> dict[str, bytes]:
    """All files below `folder`, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def start(script: str, directory: Path) -> subprocess.Popen[str]:
    """Run `script` with `directory` and this module's names at hand, up to its first SYNC."""
    head = "import sys, pathlib\nfrom sounddesk.storage import output_folder\nd = pathlib.Path(sys.argv[1])\n"
    process = subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(script).replace("SYNC", SYNC), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "\n"
    return process


@pytest.mark.parametrize("depth", ["out", "a/b/out"])
def test_a_missing_folder_appears_whole_with_nothing_hidden(tmp_path: Path, depth: str) -> None:
    directory = tmp_path / depth
    with OutputFolder(directory) as folder:
        for name, data in FILES.items():
            folder.write(name, data)
        assert not directory.exists()
        assert folder.commit() == directory
    assert tree(tmp_path) == {f"{depth}/{name}": data for name, data in FILES.items()}


def test_an_existing_folder_with_other_files_gets_the_render(tmp_path: Path) -> None:
    (tmp_path / "street.jpg").write_bytes(b"image")
    assert render(tmp_path) == tmp_path
    assert tree(tmp_path) == {**FILES, "street.jpg": b"image"}


def test_the_current_folder_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert render(Path()) == tmp_path
    assert tree(Path()) == FILES


def test_the_folder_has_the_users_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "ordinary").mkdir()
    assert render(tmp_path / "out").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_no_render_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert [render(out, {**FILES, "dog.wav": bytes([i])}).name for i in range(3)] == ["out", "out-2", "out-3"]
    assert [(tmp_path / name / "dog.wav").read_bytes() for name in ("out", "out-2", "out-3")] == [b"\0", b"\1", b"\2"]


@pytest.mark.parametrize("taken", ["dog.wav", "masks"])
def test_no_other_file_is_overwritten(tmp_path: Path, taken: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / taken).write_bytes(b"precious")
    assert render(out).name == "out-2"
    assert tree(tmp_path) == {f"out/{taken}": b"precious", **{f"out-2/{name}": data for name, data in FILES.items()}}


def test_a_folder_that_filled_up_meanwhile_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with OutputFolder(out) as folder:
        for name, data in FILES.items():
            folder.write(name, data)
        out.mkdir()
        (out / "recipe.json").write_bytes(b"other")
        assert folder.commit().name == "out-2"
    assert tree(out) == {"recipe.json": b"other"}
    assert tree(tmp_path / "out-2") == FILES


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_or_ctrl_c_leaves_nothing(tmp_path: Path, exists: bool, error: type[BaseException]) -> None:
    out = tmp_path / "a" / "out"
    if exists:
        out.mkdir(parents=True)
    with pytest.raises(error), OutputFolder(out) as folder:
        folder.write("dog.wav", b"dog")
        raise error
    assert tree(tmp_path) == {}
    assert out.exists() == exists
    assert (tmp_path / "a").exists() == exists


@pytest.mark.parametrize("name", ["../x", "/x", "a/../x", ".x", "a/.x", "a\\x", "", "."])
def test_names_that_lead_out_or_hide_are_refused(tmp_path: Path, name: str) -> None:
    with OutputFolder(tmp_path / "out") as folder, pytest.raises(ValueError, match="leads out of the folder"):
        folder.write(name, b"")


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out") as folder:
        folder.write("dog.wav", b"first")
        with pytest.raises(OutputError, match=r"'dog\.wav' would be written twice"):
            folder.write("dog.wav", b"second")


def test_after_commit_it_is_closed(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out") as folder:
        folder.commit()
        with pytest.raises(OutputError, match="is closed"):
            folder.write("dog.wav", b"dog")
        folder.close()


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write into .*out: it is a file: choose a folder"):
        OutputFolder(tmp_path / "out")
    with pytest.raises(OutputError, match="a part of its path is a file"):
        OutputFolder(tmp_path / "out" / "deeper")


def test_too_long_a_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="its name is too long: choose a shorter one"):
        OutputFolder(tmp_path / ("x" * 300))
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_that_vanishes_is_named(tmp_path: Path, exists: bool) -> None:
    home = tmp_path / "home"
    out = home / "out"
    home.mkdir()
    if exists:
        out.mkdir()
    with OutputFolder(out) as folder:
        folder.write("dog.wav", b"dog")
        shutil.rmtree(out if exists else home)
        with pytest.raises(OutputError, match=r"cannot write 'mix.wav': .*out has vanished while it was written"):
            folder.write("mix.wav", b"mix")
        with pytest.raises(OutputError, match="has vanished while it was written: render into another folder"):
            folder.commit()
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("exists", [False, True])
def test_a_full_disk_is_named_and_nothing_remains(small_disk: Path, exists: bool) -> None:
    out = small_disk / "out"
    if exists:
        out.mkdir()
    with (
        pytest.raises(OutputError, match=r"cannot write .*out/mix\.wav: the disk is full"),
        OutputFolder(out) as folder,
    ):
        folder.write("dog.wav", b"dog")
        folder.write("mix.wav", bytes(100_000))
    assert tree(small_disk) == {}
    assert out.exists() == exists


def test_too_small_a_disk_is_refused_before_the_work(small_disk: Path) -> None:
    with pytest.raises(OutputError, match=r"out has 0 MB free and the render needs 40 MB: free some space"):
        OutputFolder(small_disk / "out", needed_bytes=40_000_000)
    assert tree(small_disk) == {}


def test_a_mounted_disk_itself_can_be_the_folder(small_disk: Path) -> None:
    assert render(small_disk) == small_disk
    assert tree(small_disk) == FILES
    assert render(small_disk).name == "disk-2"


def test_a_read_only_disk_is_named(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for out in (small_disk, small_disk / "out", small_disk / "a" / "out"):
        with pytest.raises(OutputError, match="it is on a read-only disk: choose another folder"):
            OutputFolder(out)
    assert sorted(path.name for path in small_disk.parent.iterdir()) == ["disk"]


def test_two_renders_into_one_folder_at_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = start("with output_folder.OutputFolder(d) as f:\n f.write('recipe.json', b'1'); SYNC; f.commit()", out)
    with pytest.raises(OutputError, match=rf"out is being written by another render \(process {first.pid} on .*wait"):
        OutputFolder(out)
    other = render(tmp_path / "other")
    first.communicate("\n")
    assert first.returncode == 0
    assert tree(out) == {"recipe.json": b"1"}
    assert render(out).name == "out-2"
    assert visible(tmp_path) == ["other", "out", "out-2"]
    assert tree(other) == FILES
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("exists", [False, True])
def test_a_killed_render_leaves_nothing_visible_and_the_next_one_cleans_up(tmp_path: Path, exists: bool) -> None:
    out = tmp_path / "out"
    if exists:
        out.mkdir()
    killed = start("with output_folder.OutputFolder(d) as f:\n f.write('dog.wav', b'1'); SYNC", out)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert "dog.wav" in "".join(tree(tmp_path))
    assert visible(tmp_path) == (["out"] if exists else [])
    assert not exists or visible(out) == []
    assert render(out) == out
    assert tree(tmp_path) == {f"out/{name}": data for name, data in FILES.items()}


def test_a_move_interrupted_by_a_kill_is_completed_by_the_next_render(tmp_path: Path) -> None:
    killed = start(
        """
        real = pathlib.Path.rename
        def slow(self, target):
            if self.name == "mix.wav":
                SYNC
            return real(self, target)
        pathlib.Path.rename = slow
        with output_folder.OutputFolder(d) as f:
            for name in ("dog.wav", "mix.wav", "recipe.json"):
                f.write(name, name.encode())
            f.commit()
        """,
        tmp_path,
    )
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert visible(tmp_path) == ["dog.wav"]
    second = render(tmp_path)
    assert tree(tmp_path) == {name: name.encode() for name in ("dog.wav", "mix.wav", "recipe.json")}
    assert second.name == f"{tmp_path.name}-2"
    assert tree(second) == FILES
    shutil.rmtree(second)


def test_a_move_that_fails_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == output_folder.MARKER:
            raise OSError(5, "Input/output error")
        return real(self, target)

    with OutputFolder(tmp_path) as folder:
        for name, data in FILES.items():
            folder.write(name, data)
        monkeypatch.setattr(Path, "rename", failing)
        with pytest.raises(OutputError, match=r"cannot put the files into .*: the disk reports an error"):
            folder.commit()
    assert tree(tmp_path) == {}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_folders_without_permission() -> None:
    """As an ordinary user: a closed folder is refused; a writable one in a closed one works."""
    with tempfile.TemporaryDirectory() as temporary:
        # Unlike pytest's folders, one that the other user may enter.
        Path(temporary).chmod(0o755)
        _check_permissions(Path(temporary) / "closed")


def _check_permissions(closed: Path) -> None:
    opened = closed / "open"
    opened.mkdir(parents=True)
    os.chown(opened, 65534, 65534)
    script = """
    import os
    print(flush=True)
    os.setuid(65534)
    def attempt(where):
        try:
            with output_folder.OutputFolder(where) as f:
                f.write("recipe.json", b"{}")
                print(f.commit().name)
        except output_folder.OutputError as error:
            print(error)
    attempt(d), attempt(d / "new"), attempt(d / "open"), attempt(d / "open")
    """
    process = start(script, closed)
    assert process.stdout is not None
    # Not by `communicate`, which does not see what `start` has read ahead behind the first line.
    lines = process.stdout.read().splitlines()
    process.communicate()
    refusal = "no permission to write there: choose another folder or change its permissions"
    assert lines == [
        f"cannot write {closed}: {refusal}",
        f"cannot write {closed / 'new'}: {refusal}",
        "open",
        f"cannot write {closed / 'open-2'}: {refusal}",
    ]
    assert tree(closed) == {"open/recipe.json": b"{}"}


@pytest.mark.parametrize("moving", [False, True])
def test_a_link_that_looks_like_a_staging_folder_is_left_alone(tmp_path: Path, moving: bool) -> None:
    hers = tmp_path / "hers"
    hers.mkdir()
    (hers / "letter.txt").write_text("keep")
    if moving:
        (hers / output_folder._MOVING).touch()
    out = tmp_path / "out"
    out.mkdir()
    for home in (tmp_path, out):
        (home / output_folder._hidden(out, "staging-0123abcd")).symlink_to(hers)
    assert render(out) == out
    assert (hers / "letter.txt").read_text() == "keep"
    assert visible(out) == ["dog.wav", "masks", "mix.wav", "recipe.json"]
    assert visible(tmp_path) == ["hers", "out"]


def test_a_link_under_the_name_of_the_lock_does_not_empty_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("keep")
    (tmp_path / output_folder._hidden(tmp_path / "out", "lock")).symlink_to(mine)
    with pytest.raises(OutputError, match="is a link, and sounddesk writes there"):
        OutputFolder(tmp_path / "out")
    assert mine.read_text() == "keep"


def test_only_what_may_be_replaced_is_and_nothing_else_changes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.wav").write_bytes(b"ours")
    (out / "b.wav").write_bytes(b"hers")
    with OutputFolder(out, taken="replace", may_replace=lambda path: path.name == "a.wav") as folder:
        folder.refuse_taken(["a.wav", "c.wav"])
        with pytest.raises(OutputError, match=r"b\.wav was not written by this export"):
            folder.refuse_taken(["a.wav", "b.wav"])
        for name in ("a.wav", "b.wav"):
            folder.write(name, b"new")
        with pytest.raises(OutputError, match=r"b\.wav was not written by this export"):
            folder.commit()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"a.wav": b"ours", "b.wav": b"hers"}


def test_a_folder_of_takes_that_is_a_link_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "hers").mkdir()
    (tmp_path / "hers/dog.wav").write_bytes(b"hers")
    out = tmp_path / "out"
    out.mkdir()
    (out / "street_media").symlink_to(tmp_path / "hers")
    with OutputFolder(out, taken="replace") as folder:
        folder.write("street_media/dog.wav", b"new")
        with pytest.raises(OutputError, match="is a link"):
            folder.commit()
    assert (tmp_path / "hers/dog.wav").read_bytes() == b"hers"

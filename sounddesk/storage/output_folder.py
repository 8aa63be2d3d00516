"""The folder that a render writes: all of it appears at once, or nothing does, and nothing is overwritten.

Files are first written into a hidden staging folder and moved into place by `commit`:

- where the folder asked for does not exist, the staging folder stands beside it and takes its name in one rename;
- where it exists, perhaps with other files, the staging folder stands in it and its entries are moved one by one,
  the marker (`recipe.json`) last; a move that a kill interrupted is completed by the next render into that folder;
- where it already holds a render, or a file of one of the names, the render goes to a new folder beside it:
  DIR-2, DIR-3, and so on. No take is ever overwritten. An export is refused instead, or where the user has asked
  for it replaces the files of the same names one by one.

One render at a time: a second into the same folder is refused while the first runs. What a killed process leaves
is hidden, and removed by the next render into the same folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import secrets
import shutil
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
from pathlib import PurePosixPath
from typing import Final
from typing import Literal

from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.errors import OutputError
from sounddesk.storage.atomic_file import sync_folder
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.closing import Closing
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.storage.own_file import make_own_folders

MARKER: Final = "recipe.json"

Taken = Literal["beside", "refuse", "replace"]

# Written into the staging folder before its entries are moved one by one.
_MOVING: Final = ".moving"


class OutputFolder(Closing):
    """A render's output folder, as a transaction.

    Without `commit` (an error, Ctrl-C) nothing remains.

    Example:
        A second render goes beside the first:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     for _ in range(2):
        ...         with OutputFolder(Path(home) / "sounds") as folder:
        ...             folder.write("recipe.json", b"{}")
        ...             print(folder.commit().name)
        sounds
        sounds-2

    Args:
        directory: folder asked for; made on commit, with its parents, where missing.
        needed_bytes: what the render will take; refused at once where the disk has less free.
        taken: what to do where names are taken: go to a folder beside it, refuse, or replace those files.
        may_replace: which files may be replaced, by path; any other refuses the whole.

    Raises:
        OutputError: not a folder, not writable, too little space, or another render is writing there.
    """

    def __init__(
        self,
        directory: Path,
        *,
        needed_bytes: int = 0,
        taken: Taken = "beside",
        may_replace: Callable[[Path], bool] = lambda _path: True,
    ) -> None:
        self._taken = taken
        self._may_replace = may_replace
        self._lock: FolderLock | None = None
        self._staging: Path | None = None
        self._made_parents: list[Path] = []
        with translate_os_errors(directory):
            # Not Path.resolve, which fails on a circle of links with an error of its own.
            self._asked = Path(os.path.realpath(directory))
            if self._asked.exists() and not self._asked.is_dir():
                raise OutputError(f"cannot write into {directory}: it is a file: choose a folder")
            try:
                self._open(needed_bytes=needed_bytes)
            except BaseException:
                self.close()
                raise

    @property
    def staging(self) -> Path:
        """The hidden folder that is filled before `commit`.

        Raises:
            OutputError: after `commit` or `close`.
        """
        if self._staging is None:
            raise OutputError(f"{self._asked} is closed: open the output folder again")
        return self._staging

    def refuse_taken(self, names: Iterable[str]) -> None:
        """Check before the rendering what `commit` would refuse.

        Raises:
            OutputError: naming the first of `names` that is there already, or that is not to be replaced.
        """
        names = list(names)
        if self._taken == "replace":
            self._refuse_foreign([name for name in names if not (self._asked / name).is_dir()], self._asked)
            return
        taken = next((name for name in names if os.path.lexists(self._asked / name)), None)
        if taken is not None:
            raise OutputError(f"{self._asked / taken} exists already: choose another folder or other names")

    def write(self, name: str, data: bytes) -> None:
        """Stage one file.

        Args:
            name: relative, with '/' between folders, e.g. 'masks/dog.png'.
            data: its bytes.

        Raises:
            OutputError: the disk is full, the folder has vanished, or `name` is staged already.
            ValueError: `name` leads out of the folder or is hidden.
        """
        path = PurePosixPath(name)
        if path.is_absolute() or not path.parts or any(part.startswith(".") or "\\" in part for part in path.parts):
            raise ValueError(f"file name {name!r} leads out of the folder or is hidden: make it safe first")
        target = self.staging.joinpath(*path.parts)
        try:
            if not self.staging.is_dir():
                raise FileNotFoundError(errno.ENOENT, "staging folder is gone")
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise OutputError(f"{name!r} would be written twice: give the objects names that differ") from None
        except FileNotFoundError as error:
            raise OutputError(
                f"cannot write {name!r}: {self._asked} has vanished while it was written: render into another folder"
            ) from error
        except OSError:
            with translate_os_errors(self._asked / name):
                raise

    def staged_files(self) -> list[Path]:
        """Every file that is staged, relative to the folder."""
        return [path.relative_to(self.staging) for path in sorted(self.staging.rglob("*")) if not path.is_dir()]

    def commit(self) -> Path:
        """Move everything into place and return the folder where it is: the one asked for, or 'DIR-2' and so on.

        Raises:
            OutputError: it cannot be moved; nothing visible has changed.
        """
        staging = self.staging
        try:
            names = sorted(entry.name for entry in staging.iterdir())
        except OSError as error:
            raise OutputError(f"{self._asked} has vanished while it was written: render into another folder") from error
        for folder, _, _ in os.walk(staging):
            sync_folder(Path(folder))
        with translate_os_errors(self._asked, what="cannot put the files into"):
            for target in _candidates(self._asked):
                if self._move(staging, target, names=names):
                    sync_folder(target.parent)
                    self._staging = None
                    self._made_parents = []
                    self.close()
                    break
                if self._taken != "beside":
                    name = next(name for name in names if os.path.lexists(target / name))
                    raise OutputError(f"{target / name} exists already: choose another folder or other names")
        return target

    def close(self) -> None:
        """Remove what was staged and let other renders in. Harmless when called again."""
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
            self._staging = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        for folder in self._made_parents:
            # Only what is empty goes; somebody may have put something there meanwhile.
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._made_parents = []

    def _open(self, *, needed_bytes: int) -> None:
        asked = self._asked
        for folder in _missing_folders(asked.parent):
            folder.mkdir(exist_ok=True)
            self._made_parents.insert(0, folder)
        # A folder may be writable while the one around it is not, e.g. a mounted disk.
        home = asked if asked.exists() and not os.access(asked.parent, os.W_OK) else asked.parent
        self._lock = FolderLock(home / _hidden(asked, "lock"), folder=asked)
        if self._lock.guards:
            _clean_up(asked)
        beside = self._taken == "beside"
        target = next(each for each in _candidates(asked) if not (beside and (each / MARKER).exists()))
        staging = (target if target.exists() else target.parent) / _hidden(asked, f"staging-{secrets.token_hex(4)}")
        with translate_os_errors(target):
            # Not tempfile.mkdtemp: the result must get the user's ordinary permissions.
            staging.mkdir()
            self._staging = staging
            free = shutil.disk_usage(staging).free
        if free < needed_bytes:
            raise DiskFullError(
                f"{target} has {free / 1e6:.0f} MB free and the render needs {needed_bytes / 1e6:.0f} MB: "
                "free some space or choose another folder"
            )

    def _refuse_foreign(self, names: Iterable[str | Path], target: Path) -> None:
        for name in names:
            if os.path.lexists(target / name) and not self._may_replace(target / name):
                raise OutputError(
                    f"{target / name} was not written by this export, or was changed since, and is not replaced: "
                    "move it away, or choose another folder"
                )

    def _move(self, staging: Path, target: Path, *, names: list[str]) -> bool:
        """Move into `target`; False where it is taken."""
        if not os.path.lexists(target):
            staging.rename(target)
            return True
        if self._taken == "replace":
            self._refuse_foreign(self.staged_files(), target)
            _replace_files(staging, target)
            return True
        marked = self._taken == "beside" and (target / MARKER).exists()
        if marked or any(os.path.lexists(target / name) for name in names):
            return False
        (staging / _MOVING).touch()
        sync_folder(staging)
        _move_entries(staging, target)
        return True


def _move_entries(staging: Path, target: Path) -> None:
    """Move what is staged, the marker last, and remove the staging folder; or move nothing."""
    names = sorted(entry.name for entry in staging.iterdir() if entry.name != _MOVING)
    moved: list[str] = []
    try:
        for name in sorted(names, key=lambda name: name == MARKER):
            (staging / name).rename(target / name)
            moved.append(name)
    except BaseException:
        for name in moved:
            (target / name).rename(staging / name)
        raise
    sync_folder(target)
    shutil.rmtree(staging, ignore_errors=True)


def _replace_files(staging: Path, target: Path) -> None:
    """Replace every file by the staged one of its name; after an error all are restored.

    A kill in between leaves each file whole, old or new.
    """
    kept = staging / ".kept"
    names = [path.relative_to(staging) for path in sorted(staging.rglob("*")) if not path.is_dir()]
    moved: list[Path] = []
    try:
        for name in names:
            make_own_folders(target, name.parent)
            if (target / name).exists():
                (kept / name).parent.mkdir(parents=True, exist_ok=True)
                # Without a link (some file systems know none) there is nothing to go back to, but nothing is half.
                with contextlib.suppress(OSError):
                    os.link(target / name, kept / name)
            (staging / name).replace(target / name)
            moved.append(name)
    except BaseException:
        for name in moved:
            if (kept / name).exists():
                (kept / name).replace(target / name)
            else:
                (target / name).unlink()
        raise
    sync_folder(target)
    shutil.rmtree(staging, ignore_errors=True)


def _clean_up(asked: Path) -> None:
    """Remove what killed renders left; complete a move that had begun. Only while the lock is held."""
    homes = [asked.parent, *itertools.takewhile(Path.is_dir, _candidates(asked))]
    for home in homes:
        for staging in home.glob(_hidden(asked, "staging-*")):
            # A link was planted: what it leads to is not ours to move or remove.
            if staging.is_symlink() or not staging.is_dir():
                continue
            staged = {entry.name for entry in staging.iterdir()}
            if _MOVING in staged and not any(os.path.lexists(home / name) for name in staged):
                _move_entries(staging, home)
            shutil.rmtree(staging, ignore_errors=True)


def _candidates(asked: Path) -> Iterator[Path]:
    """The folder asked for and its numbered siblings."""
    yield asked
    for number in itertools.count(2):
        yield asked.parent / f"{asked.name}-{number}"


def _hidden(asked: Path, purpose: str) -> str:
    # A digest, because the folder's own name may be as long as a name can be.
    return f".sounddesk-{hashlib.sha256(os.fsencode(asked.name)).hexdigest()[:12]}-{purpose}"


def _missing_folders(folder: Path) -> list[Path]:
    """`folder` and its parents, as far as they do not exist, outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    return missing

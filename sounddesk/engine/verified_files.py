"""Files that are known by their hash: of bundles and of installed models; and folders that appear as a whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from pathlib import PurePosixPath
from pathlib import PureWindowsPath
from typing import Annotated
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import Range
from sounddesk.domain.limits import Sha256
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BundleError
from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.leftovers import ASIDE_SUFFIX
from sounddesk.storage.leftovers import remove_leftovers
from sounddesk.storage.leftovers import temporary_name

_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """Content of one file: lower-case hex sha256 and length."""

    sha256: Sha256
    bytes: Annotated[int, Range(0, 1 << 60)]


def hash_file(path: Path, *, on_bytes: Callable[[int], None] | None = None) -> FileEntry:
    """Sha256 and length of one file; `on_bytes` gets the length of each block read.

    Raises:
        OSError: not readable.
    """
    digest = hashlib.sha256()
    n_bytes = 0
    with open_foreign_file(path) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            n_bytes += len(block)
            if on_bytes is not None:
                on_bytes(len(block))
    return FileEntry(sha256=digest.hexdigest(), bytes=n_bytes)


class FileDiffersError(EngineError):
    """A file is not what its entry says; the message is its path and what is wrong, without a remedy."""


def check_lengths(folder: Path, files: Mapping[str, FileEntry]) -> None:
    """The quick half of `check_hashes`. Raises: FileDiffersError, BundleError."""
    for relative, entry in files.items():
        path = inside(folder, relative)
        if not path.is_file():
            raise FileDiffersError(f"{relative} is missing")
        n_bytes = path.stat().st_size
        if n_bytes != entry.bytes:
            raise FileDiffersError(f"{relative} has {n_bytes} bytes instead of {entry.bytes}")


def check_hashes(
    folder: Path,
    files: Mapping[str, FileEntry],
    *,
    stage: str,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Check existence, length and sha256 of every file below `folder`; `stage` names the work in reports.

    Raises:
        FileDiffersError: of the first file that differs.
        BundleError: a path leads out of the folder.
        Cancelled: through `cancel`.
    """
    check_lengths(folder, files)
    total = sum(entry.bytes for entry in files.values())
    reporter = StageReporter(stage=stage, total=total, on_progress=on_progress, cancel=cancel, unit="bytes")
    done = 0

    def on_bytes(n_bytes: int) -> None:
        nonlocal done
        done += n_bytes
        reporter.step(done)

    for relative, entry in files.items():
        try:
            found = hash_file(inside(folder, relative), on_bytes=on_bytes)
        except OSError as error:
            raise FileDiffersError(f"{relative} cannot be read ({error.strerror})") from error
        if found != entry:
            raise FileDiffersError(f"{relative} is not the file that it should be (sha256 differs)")


def safe_relative_path(path: str) -> bool:
    """Whether `path` is a plain relative path with `/` that cannot lead out of its folder on any system."""
    pure = PurePosixPath(path)
    return (
        bool(path)
        and pure.as_posix() == path
        and "\\" not in path
        and "\0" not in path
        and not pure.is_absolute()
        and not PureWindowsPath(path).drive
        and not any(part in ("..", ".") for part in pure.parts)
    )


def inside(root: Path, relative: str) -> Path:
    """`root / relative`, refused when it leads out of `root`, by `..` or by a symbolic link.

    Raises:
        BundleError: it leads out.
    """
    path = root / relative
    if not safe_relative_path(relative) or not path.resolve().is_relative_to(root.resolve()):
        raise BundleError(f"{root.name}: {relative!r} leads out of the bundle's folder: install the bundle again")
    return path


@contextmanager
def whole_folder(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside `target` that becomes `target` when the block ends without an error.

    Until then `target` stays as it was; after an error the temporary folder is gone.

    Raises:
        FileExistsError: `target` exists and `overwrite` is false.
    """
    # First: it may put back what stood here.
    remove_leftovers(target.parent)
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists already: choose another folder or allow overwriting")
    # Not tempfile.mkdtemp: a bundle shall be as readable as any folder the user makes, not 0700.
    temporary = target.with_name(temporary_name())
    temporary.mkdir(parents=True)
    try:
        yield temporary
        sync_files(temporary)
        if target.exists():
            # A folder cannot be replaced in one step; the old one is kept aside until the new one is in place.
            # Its name says where it belongs, so that the next start can put it back after a kill between the two.
            old = target.with_name(temporary_name(f".{target.name}{ASIDE_SUFFIX}"))
            target.rename(old)
            try:
                temporary.rename(target)
            except OSError:
                old.rename(target)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def copy_files(source: Path, target: Path, *, leave_out: Sequence[str] = ()) -> None:
    """Copy what is in the folder `source` into the folder `target`, contents only.

    Not permissions: what was read-only where it came from (a disk image, a shared folder) could be neither flushed,
    replaced nor removed here.

    Args:
        leave_out: patterns of file names, as of a shell.

    Raises:
        OSError: something cannot be read or written.
    """
    for path in sorted(source.rglob("*")):
        if any(fnmatch(path.name, each) for each in leave_out):
            continue
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def sync_files(folder: Path) -> None:
    """Flush every file below `folder` to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())

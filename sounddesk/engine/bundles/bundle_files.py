"""The files of a bundle on disk: hashes, the check before any load, and writing a folder as a whole."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
from sounddesk.engine.bundles.bundle_manifest import BundleError
from sounddesk.engine.bundles.bundle_manifest import BundleManifest
from sounddesk.engine.bundles.bundle_manifest import FileEntry
from sounddesk.engine.bundles.bundle_manifest import safe_relative_path

_BLOCK_BYTES: Final = 1 << 20
# Files that desktop systems drop into any folder; no loader reads them.
_DESKTOP_FILES: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})


def hash_file(path: Path, *, on_bytes: Callable[[int], None] | None = None) -> FileEntry:
    """Sha256 and length of one file; `on_bytes` gets the length of each block read.

    Raises:
        OSError: not readable.
    """
    digest = hashlib.sha256()
    n_bytes = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            n_bytes += len(block)
            if on_bytes is not None:
                on_bytes(len(block))
    return FileEntry(sha256=digest.hexdigest(), bytes=n_bytes)


def inside(root: Path, relative: str) -> Path:
    """`root / relative`, refused when it leads out of `root`, by `..` or by a symbolic link.

    Raises:
        BundleError: it leads out.
    """
    path = root / relative
    if not safe_relative_path(relative) or not path.resolve().is_relative_to(root.resolve()):
        raise BundleError(f"{root.name}: {relative!r} leads out of the bundle's folder: install the bundle again")
    return path


def check_files(root: Path, manifest: BundleManifest, *, on_bytes: Callable[[int], None] | None = None) -> None:
    """Compare every file of the bundle with the manifest; nothing may be loaded before this returned.

    Files that the manifest does not name are refused inside component folders, because a loader could pick
    them up (an index file, a pickle beside the safetensors).

    Raises:
        BundleError: names the first file that is missing, cut off, changed, unreadable or not in the manifest.
    """
    entries = manifest.files()
    # Existence and length first: a cut-off download is reported at once, not after hashing gigabytes.
    for relative, entry in entries.items():
        path = inside(root, relative)
        if not path.is_file():
            raise _refused(root, relative, "is missing")
        n_bytes = path.stat().st_size
        if n_bytes != entry.bytes:
            raise _refused(root, relative, f"has {n_bytes} bytes instead of {entry.bytes}, so it is cut off or changed")
    for component in manifest.components.values():
        _refuse_strangers(root, component.folder, set(entries))
    for relative, entry in entries.items():
        try:
            found = hash_file(root / relative, on_bytes=on_bytes)
        except OSError as error:
            raise _refused(root, relative, f"cannot be read ({error})") from error
        if found != entry:
            raise _refused(root, relative, "is not the file that the manifest names (sha256 differs)")


def _refuse_strangers(root: Path, folder: str, known: set[str]) -> None:
    for path in sorted((root / folder).rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if relative not in known and path.name not in _DESKTOP_FILES:
            raise BundleError(f"{root.name}: {relative} is not in {MANIFEST_NAME}: delete that file")


def _refused(root: Path, relative: str, problem: str) -> BundleError:
    return BundleError(f"{root.name}: {relative} {problem}: install the bundle again")


@contextmanager
def whole_folder(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside `target` that becomes `target` when the block ends without an error.

    Until then `target` stays as it was; after an error the temporary folder is gone.

    Raises:
        FileExistsError: `target` exists and `overwrite` is false.
    """
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists already: choose another folder or allow overwriting")
    # Not tempfile.mkdtemp: a bundle shall be as readable as any folder the user makes, not 0700.
    token = secrets.token_hex(4)
    temporary = target.with_name(f".{target.name}.{token}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        sync_files(temporary)
        if target.exists():
            # A folder cannot be replaced in one step; the old one is kept aside until the new one is in place.
            old = target.with_name(f".{target.name}.{token}.old")
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


def sync_files(folder: Path) -> None:
    """Flush every file below `folder` to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())

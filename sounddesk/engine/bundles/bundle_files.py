"""The check of a bundle's files against its manifest, before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
from sounddesk.engine.bundles.bundle_manifest import BundleManifest
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import hash_file
from sounddesk.engine.verified_files import inside

_BLOCK_BYTES: Final = 1 << 20
# Files that desktop systems drop into any folder; no loader reads them.
_DESKTOP_FILES: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})


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
        _refuse_unexpected_files(root, component.folder, set(entries))
    for relative, entry in entries.items():
        try:
            found = hash_file(root / relative, on_bytes=on_bytes)
        except OSError as error:
            raise _refused(root, relative, f"cannot be read ({error})") from error
        if found != entry:
            raise _refused(root, relative, "is not the file that the manifest names (sha256 differs)")


def _refuse_unexpected_files(root: Path, folder: str, known: set[str]) -> None:
    for path in sorted((root / folder).rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if relative not in known and path.name not in _DESKTOP_FILES:
            raise BundleError(f"{root.name}: {relative} is not in {MANIFEST_NAME}: delete that file")


def _refused(root: Path, relative: str, problem: str) -> BundleError:
    return BundleError(f"{root.name}: {relative} {problem}: install the bundle again")

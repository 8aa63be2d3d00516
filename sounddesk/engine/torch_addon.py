"""The add-on for graphics cards: a folder with a CUDA build of torch, which the app without Python puts before its own.

The app without Python brings a torch that computes on the processor. An add-on, made by `packaging/addon.py`, holds the
same version of torch built for CUDA, and a manifest with the length and hash of every file. Installing it checks all of
them and keeps where it is; the start (`use_addon`) takes it where it fits, and leaves it where it does not.
"""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Literal

from sounddesk import __version__
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.limits import NotEmpty
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import FileDiffersError
from sounddesk.engine.verified_files import FileEntry
from sounddesk.engine.verified_files import check_hashes
from sounddesk.engine.verified_files import hash_file
from sounddesk.resources_folder import frozen_folder
from sounddesk.storage.addon_record import AddonRecord
from sounddesk.storage.addon_record import TorchRuntime
from sounddesk.storage.addon_record import read_record
from sounddesk.storage.addon_record import record_path
from sounddesk.storage.addon_record import write_record
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.codec import load
from sounddesk.storage.text_formats import FieldError

MANIFEST_NAME: Final = "addon.json"
_MOST_NAMED: Final = 3
_AGAIN: Final = "run 'sounddesk addon install FOLDER' again, or 'sounddesk addon remove'"


class AddonError(BadInputError):
    """An add-on that cannot be used; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class AddonManifest:
    """What `addon.json` says.

    Attributes:
        runtime: which torch it holds, and for what.
        made_for: version of sounddesk that it was made for, e.g. '0.2.0'.
        files: all that is in the folder beside the manifest, by relative path.
    """

    schema_version: Literal[1]
    runtime: TorchRuntime
    made_for: NotEmpty
    files: Mapping[str, FileEntry]


@dataclass(frozen=True, kw_only=True)
class AddonState:
    """The add-on that was installed.

    Attributes:
        folder: where it is.
        runtime: which torch it holds; None where the record cannot be read.
        problem: why it is not used, with the remedy; empty where it is.
    """

    folder: Path
    runtime: TorchRuntime | None
    problem: str = ""


def own_runtime() -> TorchRuntime:
    """What the app without Python brings, whichever torch is in use.

    Raises:
        AddonError: this is an installation with Python, whose torch is that of its environment.
    """
    folder = frozen_folder()
    if folder is None:
        raise AddonError(
            "add-ons are for the app without Python",
            remedy="this installation takes the torch of its environment: install a CUDA build of torch there",
        )
    # Not that of whichever torch is found first: that could be the add-on's.
    found = next(iter(importlib.metadata.distributions(name="torch", path=[str(folder)])), None)
    return TorchRuntime(
        torch=found.version if found is not None else "none",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=f"{sys.platform}-{platform.machine().lower()}",
    )


def install_addon(
    folder: Path,
    *,
    here: TorchRuntime,
    manifest_sha256: str | None = None,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> AddonRecord:
    """Check every file of the add-on in `folder`, and use it from the next start on; it stays where it is.

    Args:
        here: what the app brings (`own_runtime`).
        manifest_sha256: what the hash of its manifest must be, as its publisher tells it.

    Raises:
        AddonError: it does not fit, or a file is missing, too many, or not what the manifest says.
        OutputError: the record cannot be written.
        Cancelled: through `cancel`.
    """
    manifest, digest = _read_manifest(folder)
    if manifest_sha256 is not None and digest != manifest_sha256.lower():
        raise AddonError(
            f"{folder / MANIFEST_NAME} has the SHA-256 {digest}, not {manifest_sha256}",
            remedy="get the add-on again, from where that hash is published",
        )
    if not manifest.runtime.fits(here):
        raise AddonError(_misfit(manifest.runtime, here, made_for=manifest.made_for))
    _check_files(folder, manifest, on_progress=on_progress, cancel=cancel)
    record = AddonRecord(schema_version=1, folder=folder.resolve(), manifest_sha256=digest, runtime=manifest.runtime)
    write_record(record)
    return record


def check_addon(*, on_progress: OnProgress | None = None, cancel: CancelToken | None = None) -> AddonRecord:
    """Check every file of the installed add-on again.

    Raises:
        AddonError: none is installed, or it is not what was installed.
        Cancelled: through `cancel`.
    """
    try:
        record = read_record()
    except (FieldError, OSError) as error:
        raise AddonError(f"the record of the add-on is damaged ({error})", remedy=_AGAIN) from error
    if record is None:
        raise AddonError("no add-on is installed", remedy="'sounddesk addon install FOLDER' installs one")
    manifest, digest = _read_manifest(record.folder)
    if digest != record.manifest_sha256:
        raise AddonError(f"{record.folder / MANIFEST_NAME} is not the one that was installed", remedy=_AGAIN)
    _check_files(record.folder, manifest, on_progress=on_progress, cancel=cancel)
    return record


def forget_addon() -> bool:
    """Use the app's own torch from the next start on; the add-on's files stay. Whether one was installed.

    Raises:
        OutputError: the record cannot be removed.
    """
    path = record_path()
    with translate_os_errors(path, what="cannot remove"):
        if not path.is_file():
            return False
        path.unlink()
    return True


def addon_state(here: TorchRuntime) -> AddonState | None:
    """The installed add-on and whether it can be used: its manifest is the one that was installed, and it fits `here`.

    None where none is installed. The files' hashes are looked at by `check_addon`, since gigabytes take a while.
    """
    try:
        record = read_record()
    except (FieldError, OSError) as error:
        problem = f"the record of the add-on is damaged ({error}): {_AGAIN}"
        return AddonState(folder=record_path(), runtime=None, problem=problem)
    if record is None:
        return None
    return AddonState(folder=record.folder, runtime=record.runtime, problem=_problem_of(record, here))


def use_addon() -> AddonState | None:
    """Put the installed add-on before the app's own torch, where it can be used; call it before torch is imported."""
    state = addon_state(own_runtime())
    if state is not None and not state.problem and str(state.folder) not in sys.path:
        sys.path.insert(0, str(state.folder))
    return state


def _problem_of(record: AddonRecord, here: TorchRuntime) -> str:
    try:
        digest = hash_file(record.folder / MANIFEST_NAME).sha256
    except OSError as error:
        return f"{record.folder} cannot be read ({error.strerror}): {_AGAIN}"
    if digest != record.manifest_sha256:
        return f"{record.folder / MANIFEST_NAME} is not the one that was installed: {_AGAIN}"
    return "" if record.runtime.fits(here) else _misfit(record.runtime, here)


def _misfit(addon: TorchRuntime, here: TorchRuntime, *, made_for: str = "") -> str:
    origin = f", for sounddesk {made_for}" if made_for else ""
    return f"the add-on has {addon}{origin}; this app needs {here}: get the add-on of sounddesk {__version__}"


def _read_manifest(folder: Path) -> tuple[AddonManifest, str]:
    path = folder / MANIFEST_NAME
    try:
        digest = hash_file(path).sha256
        return load(AddonManifest, path, unknown="ignore"), digest
    except (FileNotFoundError, NotADirectoryError):
        raise AddonError(f"{folder} holds no {MANIFEST_NAME}", remedy="name the unpacked folder of an add-on") from None
    except OSError as error:
        raise AddonError(f"{path} cannot be read ({error.strerror})", remedy="check its permissions") from error


def _check_files(
    folder: Path, manifest: AddonManifest, *, on_progress: OnProgress | None, cancel: CancelToken | None
) -> None:
    remedy = "unpack the add-on again, into an empty folder"
    try:
        check_hashes(folder, manifest.files, stage="check the add-on", on_progress=on_progress, cancel=cancel)
    except (FileDiffersError, BundleError) as error:
        raise AddonError(f"{folder}: {error}", remedy=remedy) from error
    # Python would import them as well.
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    if unexpected := sorted(found - set(manifest.files) - {MANIFEST_NAME}):
        named = ", ".join(unexpected[:_MOST_NAMED])
        raise AddonError(f"{folder} holds files that its manifest does not name ({named})", remedy=remedy)

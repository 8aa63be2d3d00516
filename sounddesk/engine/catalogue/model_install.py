"""Installing a model of the catalogue: fetch, check, convert, and only then give it its place.

Everything happens in a hidden folder beside the installed models. A cut, a cancel, a full disk or a kill leaves that
folder, and the next try goes on with it; a model stands under its name only when all of its files were checked.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import OutputError
from sounddesk.engine.catalogue.download import SPARE_BYTES
from sounddesk.engine.catalogue.download import DownloadError
from sounddesk.engine.catalogue.download import Expected
from sounddesk.engine.catalogue.download import Remote
from sounddesk.engine.catalogue.download import fetch
from sounddesk.engine.catalogue.download import mismatch
from sounddesk.engine.catalogue.download import part_path
from sounddesk.engine.catalogue.download import probe
from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.engine.catalogue.entries import CatalogueError
from sounddesk.engine.catalogue.entries import RemoteFile
from sounddesk.engine.catalogue.hub_files import PICKLE_SUFFIXES
from sounddesk.engine.catalogue.hub_files import cached_file
from sounddesk.engine.catalogue.hub_files import cached_listing
from sounddesk.engine.catalogue.hub_files import is_offline
from sounddesk.engine.catalogue.hub_files import list_hub_files
from sounddesk.engine.catalogue.model_store import DOWNLOADS_FOLDER
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import ModelError
from sounddesk.engine.catalogue.model_store import discard
from sounddesk.engine.catalogue.model_store import hash_folder
from sounddesk.engine.catalogue.model_store import install_lock
from sounddesk.engine.catalogue.model_store import installed_model
from sounddesk.engine.catalogue.model_store import models_folder
from sounddesk.engine.catalogue.model_store import now_text
from sounddesk.engine.catalogue.model_store import write_record
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.verified_files import sync_files
from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.atomic_file import sync_folder
from sounddesk.storage.atomic_file import translate_os_errors

_FILES: Final = "files"


@dataclass(frozen=True, kw_only=True)
class WantedFile:
    """One file of a model, and where it can be had.

    Attributes:
        path: relative to the model's folder.
        remote: where to fetch it; None offline.
        cached: the same file in a cache that other programs share, unchecked.
    """

    path: str
    expected: Expected
    remote: Remote | None
    cached: Path | None = None


def install(
    entry: CatalogueEntry,
    *,
    accept_licence: bool,
    folder: Path | None = None,
    offline: bool | None = None,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
    first_wait_s: float = 1.0,
) -> InstalledModel:
    """Install `entry`, or return it as it is where it is installed and whole; a damaged one is installed again.

    Waits while another process installs the same model. Progress stages: 'download ID' (bytes) and 'convert ID'.

    Args:
        accept_licence: that the user has read and accepted `entry.licence`; kept with the date in the record.
        offline: use nothing but the shared cache; by default as `HF_HUB_OFFLINE` says.
        first_wait_s: pause before the second try after a cut.

    Raises:
        CatalogueError: the licence is not accepted.
        DownloadError: it cannot be fetched; what has arrived is kept.
        OutputError: the disk is full or not writable.
        Cancelled: through `cancel`; what has arrived is kept.
    """
    if not accept_licence:
        raise CatalogueError(
            f"{entry.name} is under {entry.licence.name} (commercial use: {entry.licence.commercial}): accept its "
            f"licence first, with --accept-licence {entry.id}"
        )
    root = models_folder() if folder is None else folder
    with install_lock(entry.id, root=root, cancel=cancel):
        present = _whole(entry.id, root)
        if present is not None:
            return present
        origin, wanted = plan_files(entry, offline=is_offline() if offline is None else offline)
        staging = root / DOWNLOADS_FOLDER / entry.id
        files = staging / _FILES
        with translate_os_errors(staging):
            files.mkdir(parents=True, exist_ok=True)
        _drop_unexpected_files(files, wanted)
        _fetch_all(entry, wanted, files, on_progress=on_progress, cancel=cancel, first_wait_s=first_wait_s)
        _convert_pickles(entry, files, on_progress=on_progress, cancel=cancel)
        return _put_in_place(entry, origin, files, root=root)


def plan_files(entry: CatalogueEntry, *, offline: bool) -> tuple[str, list[WantedFile]]:
    """Where the model comes from, for its record, and its files. Raises: DownloadError."""
    if entry.hub is not None:
        listing = cached_listing(entry.hub) if offline else list_hub_files(entry.hub)
        wanted = [
            WantedFile(
                path=file.path,
                expected=file.expected,
                remote=None if offline else file.remote,
                cached=cached_file(entry.hub, file.path, commit=listing.commit),
            )
            for file in listing.files
        ]
        return f"{entry.hub.repo}@{listing.commit}", wanted
    if offline:
        raise DownloadError(f"offline, and {entry.id} is not installed: go online, or add a folder that holds it")
    return ", ".join(file.url for file in entry.files), [
        WantedFile(path=file.name, expected=_expected(file), remote=Remote(url=file.url)) for file in entry.files
    ]


def _expected(file: RemoteFile) -> Expected:
    known = Expected(bytes=file.bytes, sha256=file.sha256, md5=file.md5)
    if known.key is not None and known.bytes is not None:
        return known
    asked = probe(Remote(url=file.url))
    return replace(known, bytes=known.bytes or asked.bytes, etag=asked.etag if known.key is None else None)


def _whole(model_id: str, root: Path) -> InstalledModel | None:
    try:
        model = installed_model(model_id, folder=root)
        if model is not None:
            model.verify()
    except ModelError:
        return None
    return model


def _drop_unexpected_files(files: Path, wanted: Sequence[WantedFile]) -> None:
    """Remove what an earlier version of the model left here."""
    keep = {files / file.path for file in wanted}
    keep |= {part_path(files / file.path, file.remote.url, file.expected) for file in wanted if file.remote is not None}
    for path in files.rglob("*"):
        if path.is_file() and path not in keep:
            path.unlink()


def _fetch_all(
    entry: CatalogueEntry,
    wanted: Sequence[WantedFile],
    files: Path,
    *,
    on_progress: OnProgress | None,
    cancel: CancelToken | None,
    first_wait_s: float,
) -> None:
    sizes = [file.expected.bytes or 0 for file in wanted]
    there = [_bytes_there(files, file) for file in wanted]
    pickles = sum(size for size, file in zip(sizes, wanted, strict=True) if file.path.endswith(PICKLE_SUFFIXES))
    _check_disk(files, needed=sum(sizes) - sum(there) + pickles, what=entry.id)
    reporter = StageReporter(
        stage=f"download {entry.id}",
        total=max(sum(sizes), 1),
        on_progress=on_progress,
        cancel=cancel,
        unit="bytes",
        done_before=sum(there),
    )
    others = sum(there)
    for file, already in zip(wanted, there, strict=True):
        others -= already
        target = files / file.path
        if not (target.is_file() and mismatch(target, file.expected) is None) and not _from_cache(file, target):
            if file.remote is None:
                raise DownloadError(f"offline, and {file.path} in the shared cache is damaged: go online")
            fetch(
                file.remote,
                target,
                expected=file.expected,
                on_bytes=lambda done, others=others: reporter.step(others + done),  # type: ignore[misc]
                cancel=cancel,
                first_wait_s=first_wait_s,
            )
        others += target.stat().st_size
        reporter.step(others)


def _bytes_there(files: Path, file: WantedFile) -> int:
    """What an earlier try left of this file."""
    target = files / file.path
    places = [target]
    if file.remote is not None:
        places.append(part_path(target, file.remote.url, file.expected))
    return next((place.stat().st_size for place in places if place.is_file()), 0)


def _from_cache(file: WantedFile, target: Path) -> bool:
    """Copy the file from the shared cache, where it is there and right."""
    if file.cached is None or mismatch(file.cached, file.expected) is not None:
        return False
    with translate_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            shutil.copyfile(file.cached, temporary)
    # A copy can be cut short by a full disk without an error on some network disks.
    return mismatch(target, file.expected) is None


def _check_disk(folder: Path, *, needed: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise OutputError(
            f"{what} needs {needed / 10**9:.2f} GB more in {folder.parents[2]}, which has {free / 10**9:.2f} GB free: "
            "free some space, or name another folder in SOUNDDESK_MODELS"
        )


def _convert_pickles(
    entry: CatalogueEntry, files: Path, *, on_progress: OnProgress | None, cancel: CancelToken | None
) -> None:
    pickles = [path for path in sorted(files.rglob("*")) if path.is_file() and path.suffix in PICKLE_SUFFIXES]
    if not pickles:
        return
    from sounddesk.engine.catalogue.pickled_weights import convert_pickle
    from sounddesk.engine.catalogue.pickled_weights import safetensors_name

    reporter = StageReporter(stage=f"convert {entry.id}", total=len(pickles), on_progress=on_progress, cancel=cancel)
    for index, path in enumerate(pickles):
        target = files / safetensors_name(path.relative_to(files).as_posix())
        with translate_os_errors(target), atomic_path(target) as temporary:
            convert_pickle(path, temporary)
        path.unlink()
        reporter.step(index + 1)


def _put_in_place(entry: CatalogueEntry, origin: str, files: Path, *, root: Path) -> InstalledModel:
    target = root / entry.id
    staged = InstalledModel(
        id=entry.id,
        name=entry.name,
        kind=entry.kind,
        licence=entry.licence,
        origin=origin,
        accepted_at=now_text(),
        folder=files,
        record_folder=files,
        files=hash_folder(files),
    )
    write_record(staged)
    with translate_os_errors(target):
        sync_files(files)
        if target.exists():
            discard(target)
        files.rename(target)
        sync_folder(root)
    discard(files.parent)
    model = installed_model(entry.id, folder=root)
    assert model is not None
    return model

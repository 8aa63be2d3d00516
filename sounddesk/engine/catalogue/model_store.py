"""Installed models: one folder each with a record of licence, origin and the hash of every file (no torch).

`SOUNDDESK_MODELS` names another folder than the user's own, for example one that a studio shares.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Annotated
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.domain.limits import Range
from sounddesk.engine.catalogue.entries import ModelKind
from sounddesk.engine.catalogue.entries import check_id
from sounddesk.engine.licence import Licence
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.verified_files import FileDiffersError
from sounddesk.engine.verified_files import FileEntry
from sounddesk.engine.verified_files import check_hashes
from sounddesk.engine.verified_files import check_lengths
from sounddesk.engine.verified_files import hash_file
from sounddesk.engine.verified_files import inside
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.codec import encode
from sounddesk.storage.codec import load
from sounddesk.storage.folder_lock import FolderInUseError
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.storage.leftovers import remove_leftovers
from sounddesk.storage.leftovers import temporary_name
from sounddesk.storage.path_text import path_of
from sounddesk.storage.path_text import user_data_folder
from sounddesk.storage.text_formats import FieldError

MODELS_VARIABLE: Final = "SOUNDDESK_MODELS"
RECORD_FILE: Final = "model.json"
DOWNLOADS_FOLDER: Final = ".downloads"
_SCHEMA_VERSION: Final = 1
_WAIT_S: Final = 0.2


class ModelError(EngineError):
    """An installed model that cannot be used; the message names it and the remedy."""


@dataclass(frozen=True, kw_only=True)
class InstalledModel:
    """A model on this machine.

    Attributes:
        folder: where its files are.
        record_folder: where its record is; another folder than `folder` for one that was only pointed at.
        files: by path relative to `folder`.
        origin: where it came from, e.g. hub repository and commit.
        accepted_at: when the licence was accepted, e.g. '2026-11-24 10:03:11'.
    """

    id: str
    name: str
    kind: ModelKind
    licence: Licence
    origin: str
    accepted_at: str
    folder: Path
    record_folder: Path
    files: Mapping[str, FileEntry]

    @property
    def n_bytes(self) -> int:
        return sum(entry.bytes for entry in self.files.values())

    @property
    def is_linked(self) -> bool:
        """Whether the files lie where the user keeps them, not in the models folder."""
        return self.folder != self.record_folder

    def verify(self, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None) -> None:
        """Check existence, length and sha256 of every file; nothing may be loaded before this returned.

        Raises:
            ModelError: names the file and the remedy.
            Cancelled: through `cancel`.
        """
        try:
            check_hashes(self.folder, self.files, stage=f"check {self.id}", on_progress=on_progress, cancel=cancel)
        except FileDiffersError as error:
            raise self._refused(error) from error

    def check_lengths(self) -> None:
        """The quick half of `verify`. Raises: ModelError."""
        try:
            check_lengths(self.folder, self.files)
        except FileDiffersError as error:
            raise self._refused(error) from error

    def file(self, relative: str) -> Path:
        """Path of one of its files. Raises: ModelError."""
        if relative not in self.files:
            raise ModelError(f"model {self.id!r} has no file {relative!r}: install it again")
        return inside(self.folder, relative)

    def to_json_text(self) -> str:
        """The text of its record."""
        record = _Record(
            id=self.id,
            name=self.name,
            kind=self.kind,
            licence=self.licence,
            accepted_at=self.accepted_at,
            origin=self.origin,
            folder=self.folder if self.is_linked else None,
            files={path: self.files[path] for path in sorted(self.files)},
        )
        return json.dumps(encode(record), indent=2, ensure_ascii=False) + "\n"

    def _refused(self, differs: FileDiffersError) -> ModelError:
        remedy = "add the folder again" if self.is_linked else f"run 'sounddesk models install {self.id}' again"
        return ModelError(f"model {self.id!r}: {differs}: {remedy}")


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What `model.json` says; `folder` only where the files lie elsewhere."""

    schema_version: Annotated[int, Range(_SCHEMA_VERSION, _SCHEMA_VERSION)] = field(
        default=_SCHEMA_VERSION, metadata={"required": True}
    )
    id: str
    name: str
    kind: ModelKind
    licence: Licence
    accepted_at: str
    origin: str
    folder: Path | None = field(default=None, metadata={"required": True})
    files: Mapping[str, FileEntry]


@dataclass(frozen=True, kw_only=True)
class ModelListing:
    """One folder that holds a record: the model, or why it cannot be used."""

    record_folder: Path
    model: InstalledModel | None
    problem: str | None = None


def models_folder() -> Path:
    """Where models are installed: `SOUNDDESK_MODELS`, else `sounddesk/models` in the user's data folder."""
    named = os.environ.get(MODELS_VARIABLE, "").strip()
    return path_of(named) if named else user_data_folder() / "models"


def list_models(folder: Path | None = None) -> list[ModelListing]:
    """Every installed model by its id; those with an unreadable record with their problem."""
    root = models_folder() if folder is None else folder
    listings = []
    for record in sorted(root.glob(f"*/{RECORD_FILE}")) if root.is_dir() else ():
        if record.parent.name.startswith("."):
            continue
        try:
            listings.append(ModelListing(record_folder=record.parent, model=read_record(record.parent)))
        except ModelError as error:
            listings.append(ModelListing(record_folder=record.parent, model=None, problem=str(error)))
    return listings


def installed_models(kind: ModelKind, *, folder: Path | None = None) -> list[InstalledModel]:
    """Every installed model of a kind with a readable record, its files unchecked, by id."""
    return [each.model for each in list_models(folder) if each.model is not None and each.model.kind == kind]


def installed_model(model_id: str, *, folder: Path | None = None) -> InstalledModel | None:
    """The model of that id, its files unchecked; None where it is not installed.

    Raises:
        ModelError: its record is damaged.
        CatalogueError: the id is none.
    """
    record_folder = _record_folder(model_id, folder)
    return read_record(record_folder) if (record_folder / RECORD_FILE).is_file() else None


def require_model(model_id: str, *, folder: Path | None = None) -> InstalledModel:
    """The model of that id. Raises: as `installed_model`; ModelError also when it is not installed."""
    model = installed_model(model_id, folder=folder)
    if model is None:
        raise ModelError(f"model {model_id!r} is not installed: run 'sounddesk models install {model_id}'")
    return model


def read_record(record_folder: Path) -> InstalledModel:
    """Read `model.json`. Raises: ModelError."""
    path = record_folder / RECORD_FILE
    try:
        record = load(_Record, path, unknown="ignore")
    except (OSError, FieldError) as error:
        raise ModelError(f"a record is damaged ({error}): remove the model and install it again") from error
    if record.id != record_folder.name:
        raise ModelError(f"{path} is the record of {record.id!r}: remove that folder and install the model again")
    return InstalledModel(
        id=record.id,
        name=record.name,
        kind=record.kind,
        licence=record.licence,
        origin=record.origin,
        accepted_at=record.accepted_at,
        folder=record.folder or record_folder,
        record_folder=record_folder,
        files=record.files,
    )


def write_record(model: InstalledModel) -> None:
    """Write the record of `model` into its record folder, whole or not at all. Raises: OutputError."""
    write_file(model.record_folder / RECORD_FILE, model.to_json_text().encode("utf-8"))


def hash_folder(folder: Path) -> dict[str, FileEntry]:
    """Every file below `folder` but the record and hidden ones, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != RECORD_FILE and not _is_hidden(path.relative_to(folder))
    }


def now_text() -> str:
    """The local time, as records hold it."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


@contextlib.contextmanager
def install_lock(model_id: str, *, root: Path, cancel: CancelToken | None = None, wait: bool = True) -> Iterator[None]:
    """Nobody else installs or removes this model inside the block; waits for whoever does so now.

    `FolderLock` in place of the package filelock, for the reasons that stand there: whoever waits is told for whom, and
    a models folder on a network disk without locks still works.

    Raises:
        OutputError: the folder cannot be written, or (without `wait`) another process is at it.
        CatalogueError: the id is none.
        Cancelled: through `cancel`, while waiting.
    """
    check_id(model_id)
    downloads = root / DOWNLOADS_FOLDER
    with translate_os_errors(downloads):
        downloads.mkdir(parents=True, exist_ok=True)
    for place in (root, downloads):
        remove_leftovers(place)
    while True:
        try:
            lock = FolderLock(downloads / f"{model_id}.lock", folder=root / model_id, work="installation")
            break
        except FolderInUseError:
            if not wait:
                raise
            if cancel is not None:
                cancel.raise_if_cancelled()
            time.sleep(_WAIT_S)
    try:
        yield
    finally:
        lock.release()


def remove_model(model_id: str, *, folder: Path | None = None) -> int:
    """Remove an installed model and what is left of its downloads; the number of bytes that became free.

    A model that was only pointed at loses its record, its files stay.

    Raises:
        ModelError: not installed.
        CatalogueError: the id is none; nothing but a model's own folder is ever removed.
        OutputError: it cannot be removed, or is being installed.
    """
    root = models_folder() if folder is None else folder
    record_folder = _record_folder(model_id, folder)
    staging = root / DOWNLOADS_FOLDER / model_id
    if not (record_folder / RECORD_FILE).is_file() and not staging.is_dir():
        raise ModelError(f"model {model_id!r} is not installed: 'sounddesk models list' shows what is")
    with install_lock(model_id, root=root, wait=False):
        freed = sum(path.lstat().st_size for place in (record_folder, staging) for path in place.rglob("*"))
        for place in (record_folder, staging):
            discard(place)
    return freed


def has_partial_download(model_id: str, *, folder: Path | None = None) -> bool:
    """Whether an earlier installation stopped before its end."""
    return (_record_folder(model_id, folder).parent / DOWNLOADS_FOLDER / model_id).is_dir()


def discard(folder: Path) -> None:
    """Remove a folder so that at no moment a part of it stands under its name. Raises: OutputError."""
    if not folder.exists():
        return
    with translate_os_errors(folder, what="cannot remove"):
        doomed = folder.with_name(temporary_name(".removed"))
        folder.rename(doomed)
    if doomed.is_symlink():
        # What it leads to is the user's.
        with translate_os_errors(folder, what="cannot remove"):
            doomed.unlink()
        return
    shutil.rmtree(doomed, ignore_errors=True)


def _record_folder(model_id: str, folder: Path | None) -> Path:
    """Where the model of that id is installed. Raises: CatalogueError, the id would lead elsewhere."""
    check_id(model_id)
    return (models_folder() if folder is None else folder) / model_id


def _is_hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)

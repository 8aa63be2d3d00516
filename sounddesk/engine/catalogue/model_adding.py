"""What users bring along: catalogues, bundles that colleagues made, and model folders that stay where they are."""

from __future__ import annotations

from pathlib import Path

from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.engine.catalogue.entries import CatalogueError
from sounddesk.engine.catalogue.entries import ModelKind
from sounddesk.engine.catalogue.entries import add_entries
from sounddesk.engine.catalogue.entries import check_id
from sounddesk.engine.catalogue.entries import load_catalogue
from sounddesk.engine.catalogue.entries import read_catalogue
from sounddesk.engine.catalogue.entries import user_catalogues_folder
from sounddesk.engine.catalogue.hub_files import PICKLE_SUFFIXES
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import hash_folder
from sounddesk.engine.catalogue.model_store import install_lock
from sounddesk.engine.catalogue.model_store import installed_model
from sounddesk.engine.catalogue.model_store import models_folder
from sounddesk.engine.catalogue.model_store import now_text
from sounddesk.engine.catalogue.model_store import write_record
from sounddesk.engine.licence import Licence
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file


def add_catalogue(path: Path) -> list[CatalogueEntry]:
    """Copy a catalogue file to the user's; its entries.

    Raises:
        CatalogueError: it is wrong, or an id is taken by another catalogue.
        OutputError: it cannot be copied.
    """
    entries = read_catalogue(path)
    target = user_catalogues_folder() / path.name
    others = {key: entry for key, entry in load_catalogue().items() if entry.catalogue != target}
    add_entries(others, entries)
    with translate_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_file(target, path.read_bytes())
    return entries


def link_model(
    folder: Path, *, model_id: str, kind: ModelKind, licence: Licence, name: str | None = None, root: Path | None = None
) -> InstalledModel:
    """Make a folder of weights known under `model_id`; its files stay where they are, their hashes are recorded.

    Raises:
        CatalogueError: the id is not usable or taken, the folder is empty, or it holds pickled weights.
        OutputError: the record cannot be written.
    """
    check_id(model_id)
    place = models_folder() if root is None else root
    source = folder.resolve()
    try:
        files = hash_folder(source)
    except OSError as error:
        raise CatalogueError(
            f"{error.filename or source} cannot be read ({error.strerror or error}): check its permissions"
        ) from error
    if not files:
        raise CatalogueError(f"{folder} holds no files: name a folder with a model")
    pickled = [path for path in files if path.endswith(PICKLE_SUFFIXES)]
    if pickled:
        raise CatalogueError(
            f"{folder} holds pickled weights ({pickled[0]}), which could run code: give a folder of safetensors"
        )
    model = InstalledModel(
        id=model_id,
        name=name or model_id,
        kind=kind,
        licence=licence,
        origin=str(source),
        accepted_at=now_text(),
        folder=source,
        record_folder=place / model_id,
        files=files,
    )
    with install_lock(model_id, root=place):
        if installed_model(model_id, folder=place) is not None:
            raise CatalogueError(f"there is a model {model_id!r} already: remove it, or choose another --id")
        with translate_os_errors(model.record_folder):
            model.record_folder.mkdir(parents=True, exist_ok=True)
        write_record(model)
    return model

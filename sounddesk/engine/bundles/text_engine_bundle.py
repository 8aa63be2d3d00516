"""Installed text-to-sound models as bundles: text-only, behind the same session (no torch).

Such a model is used where it was installed; its record stands for the manifest, with the hash of every file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import BundleManifest
from sounddesk.engine.bundles.bundle_manifest import ComponentEntry
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import list_models
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.text_engines.registry import TEXT_ENGINES
from sounddesk.engine.text_engines.registry import TextEngineEntry
from sounddesk.engine.verified_files import FileEntry
from sounddesk.storage.codec import field_of
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json
from sounddesk.storage.text_formats import read_json

_INDEX_FILE: Final = "model_index.json"
# An AudioLDM is a part of the paper's bundles, and makes sound from words by itself.
_KINDS: Final = ("text_engine", "audio_model")
MODEL_USERS.register(ModelUser(name="text engines", uses=lambda entry: entry.kind in _KINDS))


def installed_text_engines() -> list[Bundle]:
    """Every installed text engine that can be opened; `sounddesk models verify` names the others' problem."""
    bundles = []
    for listing in list_models():
        if listing.model is None or listing.model.kind not in _KINDS:
            continue
        try:
            bundles.append(text_engine_bundle(listing.model))
        except EngineError:
            continue
    return bundles


def text_engine_bundle(model: InstalledModel) -> Bundle:
    """An installed text engine or AudioLDM as a bundle; its files are checked by `Bundle.verify`.

    Raises:
        EngineError: a file or configuration is missing, or it is a pipeline that is not known.
    """
    engine = _engine_of(model)
    folders: dict[str, dict[str, FileEntry]] = {}
    documents: dict[str, FileEntry] = {}
    for path, entry in model.files.items():
        pure = PurePosixPath(path)
        if len(pure.parts) == 1:
            documents[path] = entry
        else:
            folders.setdefault(pure.parts[0], {})[PurePosixPath(*pure.parts[1:]).as_posix()] = entry
    record = model.to_json_text()
    manifest = BundleManifest(
        name=model.id,
        version=model.origin.rpartition("@")[2][:12],
        licence=model.licence,
        audio=engine.audio_spec(model.folder),
        grounding={},
        components={
            role: ComponentEntry(class_name=engine.name, folder=role, files=files, origin=model.origin)
            for role, files in folders.items()
        },
        documents=documents,
    )
    # When and by whom it was installed does not matter for what it makes.
    content = json.dumps(parse_json(record)["files"], sort_keys=True)
    return Bundle(
        folder=model.folder,
        manifest=manifest,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        text_engine=engine.name,
        longest_s=engine.longest_s(model.folder),
    )


def _engine_of(model: InstalledModel) -> TextEngineEntry:
    try:
        name = field_of(str, read_json(model.file(_INDEX_FILE)), "_class_name")
    except (OSError, FieldError) as error:
        raise EngineError(f"model {model.id!r}: {_INDEX_FILE} cannot be read ({error}): install it again") from error
    if name not in TEXT_ENGINES:
        known = " and ".join(TEXT_ENGINES.names())
        raise EngineError(f"model {model.id!r} is a {name}: known text engines are {known}")
    return TEXT_ENGINES.get(name)

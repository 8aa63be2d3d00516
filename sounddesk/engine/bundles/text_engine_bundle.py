"""Installed text-to-sound models as bundles: they hear words, not images, and run behind the same session (no torch).

Such a model is used where it was installed; its record stands for the manifest, with the hash of every file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import Any
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import BundleManifest
from sounddesk.engine.bundles.bundle_manifest import ComponentEntry
from sounddesk.engine.bundles.published_configs import audio_spec
from sounddesk.engine.bundles.published_configs import read_config
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import list_models
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import LatentSpec
from sounddesk.engine.specs import MelSpec
from sounddesk.engine.verified_files import FileEntry

AUDIOLDM2: Final = "AudioLDM2Pipeline"
STABLE_AUDIO: Final = "StableAudioPipeline"
_INDEX_FILE: Final = "model_index.json"
MODEL_USERS.register(ModelUser(name="text engines", uses=lambda entry: entry.kind == "text_engine"))


def installed_text_engines() -> list[Bundle]:
    """Every installed text engine that can be opened; `sounddesk models verify` names the others' problem."""
    bundles = []
    for listing in list_models():
        if listing.model is None or listing.model.kind != "text_engine":
            continue
        try:
            bundles.append(text_engine_bundle(listing.model))
        except EngineError:
            continue
    return bundles


def text_engine_bundle(model: InstalledModel) -> Bundle:
    """An installed model of kind 'text_engine' as a bundle; its files are checked by `Bundle.verify`.

    Raises:
        EngineError: a file or configuration is missing, or it is a pipeline that is not known.
    """
    pipeline = _pipeline_class(model)
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
        audio=_stable_audio_spec(model) if pipeline == STABLE_AUDIO else audio_spec(model.folder),
        grounding={},
        components={
            role: ComponentEntry(class_name=pipeline, folder=role, files=files, origin=model.origin)
            for role, files in folders.items()
        },
        documents=documents,
    )
    # When and by whom it was installed does not matter for what it makes.
    content = json.dumps(json.loads(record)["files"], sort_keys=True)
    return Bundle(
        folder=model.folder,
        manifest=manifest,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        text_pipeline=pipeline,
    )


def longest_seconds(bundle: Bundle) -> float | None:
    """The most that a text engine makes at once; None where only the session's own limit holds."""
    if bundle.text_pipeline != STABLE_AUDIO:
        return None
    frames = read_config(bundle.folder / "transformer")["sample_size"]
    vae = read_config(bundle.folder / "vae")
    hop = 1
    for ratio in vae["downsampling_ratios"]:
        hop *= ratio
    return float(frames * hop / vae["sampling_rate"])


def _pipeline_class(model: InstalledModel) -> str:
    try:
        index: dict[str, Any] = json.loads(model.file(_INDEX_FILE).read_text(encoding="utf-8"))
        name = str(index["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"model {model.id!r}: {_INDEX_FILE} cannot be read ({error}): install it again") from error
    if name not in (AUDIOLDM2, STABLE_AUDIO):
        raise EngineError(f"model {model.id!r} is a {name}: known text engines are {AUDIOLDM2} and {STABLE_AUDIO}")
    return name


def _stable_audio_spec(model: InstalledModel) -> AudioSpec:
    """Its rate; it has no mel spectrogram of its own, so this one is for pictures and for the balance of takes."""
    rate = int(read_config(model.folder / "vae")["sampling_rate"])
    mel = MelSpec(sample_rate_hz=rate, n_fft=2048, win_length=2048, hop_length=rate // 100, fmax_hz=rate / 2)
    return AudioSpec(mel=mel, latent=LatentSpec())

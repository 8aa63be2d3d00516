"""`bundle.json`: what a bundle consists of, as values; reading it checks every key and names the wrong one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import PurePosixPath
from typing import Annotated
from typing import Any
from typing import Final
from typing import Literal

from sounddesk.domain.limits import NotEmpty
from sounddesk.domain.limits import Pattern
from sounddesk.engine.licence import Licence
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import FileEntry
from sounddesk.engine.verified_files import safe_relative_path
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.codec import field_of
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json

MANIFEST_NAME: Final = "bundle.json"
SCHEMA_VERSION: Final = 1
SEGMENTER_ROLE: Final = "segmenter"
"""Component that turns clicks into masks; a bundle may go without."""
DETAIL_ROLE: Final = "detail"
"""Component that finishes decoded sounds; a bundle may go without."""

Inject = Literal["both", "film", "cross"]
Heads = Literal["config", "original"]

# Nothing that runs code on load (pickle, Python source) can be part of a bundle.
COMPONENT_SUFFIXES: Final = (".safetensors", ".json", ".txt")
DOCUMENT_SUFFIXES: Final = (".md", ".txt", ".json", ".csv", ".tsv", ".png")
# Spelled out, because the module that writes them imports torch and a manifest is read without it.
WeightStorage = Literal["float32", "float16", "int8-rowwise"]
BundleName = Annotated[
    str, Pattern("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "1 to 64 letters, digits, '.', '_' or '-', no dot first")
]


@dataclass(frozen=True, kw_only=True)
class ComponentEntry:
    """One model part.

    Attributes:
        class_name: which of our classes reads it (key `class` in JSON).
        folder: folder relative to the bundle, with `/`.
        files: by path relative to `folder`.
        weight_storage: how its safetensors files hold their values (`quantised_weights`).
        origin: where the weights came from, e.g. hub repository and revision.
    """

    class_name: NotEmpty = field(metadata={"key": "class"})
    folder: NotEmpty
    weight_storage: WeightStorage = field(default="float32", metadata={"required": True})
    files: Mapping[str, FileEntry]
    origin: str | None = field(default=None, metadata={"omit_default": True})


@dataclass(frozen=True, kw_only=True)
class DenoiserSettings:
    """What the U-Net's own folder does not say.

    Attributes:
        inject: where the condition enters: 'film' the class-embedding slot, 'cross' added attention branches
            (component 'injection'), 'both'.
        heads: 'config' takes the head counts of the U-Net's configuration, 'original' AudioLDM's own.
    """

    inject: Inject = "both"
    heads: Heads = "config"


@dataclass(frozen=True, kw_only=True)
class BundleManifest:
    """Everything `bundle.json` says.

    Attributes:
        grounding: settings of the grounding as JSON, read by `GroundingConfig`.
        denoiser: settings of the U-Net; the defaults where the manifest is silent.
        components: by role: 'unet', 'injection', 'scheduler', 'vae', 'vocoder', 'image_encoder', 'text_encoder',
            'grounding', and perhaps 'segmenter' and 'detail'.
        documents: files that are no model part (card, table of sources), by path relative to the bundle.
        card: the document that is the model card.
    """

    schema_version: int = field(default=SCHEMA_VERSION, metadata={"required": True})
    name: BundleName
    version: NotEmpty
    licence: Licence
    audio: AudioSpec
    grounding: Mapping[str, Any]
    denoiser: DenoiserSettings = field(default_factory=DenoiserSettings)
    components: Mapping[str, ComponentEntry]
    documents: Mapping[str, FileEntry] = field(default_factory=dict)
    card: str | None = None

    def files(self) -> dict[str, FileEntry]:
        """Every file of the bundle but the manifest, by path relative to the bundle."""
        entries = dict(self.documents)
        for component in self.components.values():
            entries.update({f"{component.folder}/{path}": entry for path, entry in component.files.items()})
        return entries

    def component(self, role: str) -> ComponentEntry:
        """Raises: BundleError, when the bundle has no such component."""
        try:
            return self.components[role]
        except KeyError:
            raise BundleError(
                f"bundle {self.name!r} has no component {role!r}, only {', '.join(sorted(self.components))}: "
                "choose another bundle"
            ) from None

    def to_json_text(self) -> str:
        """The manifest as the text of `bundle.json`; `parse_manifest` gives back an equal manifest."""
        data = encode(self)
        for files in (data["documents"], *(component["files"] for component in data["components"].values())):
            entries = sorted(files.items())
            files.clear()
            files.update(entries)
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def parse_manifest(text: str) -> BundleManifest:
    """Read and check the text of a `bundle.json`; keys of newer versions are left out.

    Raises:
        BundleError: names the key that is missing, of the wrong type or has a bad value.
    """
    try:
        data = decode(dict[str, Any], parse_json(text))
        schema_version = field_of(int, data, "schema_version")
        if schema_version != SCHEMA_VERSION:
            remedy = "update sounddesk" if schema_version > SCHEMA_VERSION else "install the bundle again"
            raise BundleError(
                f"{MANIFEST_NAME}: schema_version is {schema_version}, this version reads {SCHEMA_VERSION}: {remedy}"
            )
        if "audio" in data:
            # A slip in a mel setting would pass as its default.
            data["audio"] = decode(AudioSpec, data["audio"], where="audio")
        manifest = decode(BundleManifest, data, unknown="ignore")
        _check(manifest)
    except FieldError as error:
        raise BundleError(f"{MANIFEST_NAME}: {error}", remedy="install the bundle again") from error
    return manifest


def _check(manifest: BundleManifest) -> None:
    for role, component in manifest.components.items():
        place = f"components.{role}"
        if not safe_relative_path(component.folder):
            raise FieldError(f"{place}.folder is {component.folder!r}: only a folder inside the bundle is allowed")
        if not component.files:
            raise FieldError(f"{place}.files is empty")
        _check_paths(component.files, place=f"{place}.files", allowed=COMPONENT_SUFFIXES)
    doubled = [
        folder for folder, count in Counter(each.folder for each in manifest.components.values()).items() if count > 1
    ]
    if doubled:
        raise FieldError(f"components: folder {doubled[0]!r} belongs to two components")
    _check_paths(manifest.documents, place="documents", allowed=DOCUMENT_SUFFIXES)
    if manifest.card is not None and manifest.card not in manifest.documents:
        raise FieldError(f"card is {manifest.card!r}, which is not among 'documents'")


def _check_paths(paths: Iterable[str], *, place: str, allowed: tuple[str, ...]) -> None:
    for path in paths:
        if not safe_relative_path(path):
            raise FieldError(f"{place}: {path!r} leads out of the bundle: only plain relative paths are allowed")
        if PurePosixPath(path).suffix not in allowed:
            raise FieldError(f"{place}: {path!r} is of a kind that bundles do not hold, only {', '.join(allowed)}")

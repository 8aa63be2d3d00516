"""`bundle.json`: what a bundle consists of, as values; reading it checks every key and names the wrong one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import PurePosixPath
from typing import Any
from typing import Final
from typing import Literal
from typing import get_args

from sounddesk.engine.licence import CommercialUse
from sounddesk.engine.licence import Licence
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import FileEntry
from sounddesk.engine.verified_files import safe_relative_path

MANIFEST_NAME: Final = "bundle.json"
SCHEMA_VERSION: Final = 1
SEGMENTER_ROLE: Final = "segmenter"
"""Component that turns clicks into masks; a bundle may go without."""

Inject = Literal["both", "film", "cross"]
Heads = Literal["config", "original"]

# Nothing that runs code on load (pickle, Python source) can be part of a bundle.
COMPONENT_SUFFIXES: Final = (".safetensors", ".json", ".txt")
DOCUMENT_SUFFIXES: Final = (".md", ".txt", ".json", ".csv", ".tsv", ".png")
# Spelled out, because the module that writes them imports torch and a manifest is read without it.
_WEIGHT_STORAGES: Final = ("float32", "float16", "int8-rowwise")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


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

    class_name: str
    folder: str
    files: Mapping[str, FileEntry]
    weight_storage: str = "float32"
    origin: str | None = None


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
            'grounding', and perhaps 'segmenter'.
        documents: files that are no model part (card, table of sources), by path relative to the bundle.
        card: the document that is the model card.
    """

    name: str
    version: str
    licence: Licence
    audio: AudioSpec
    grounding: Mapping[str, Any]
    components: Mapping[str, ComponentEntry]
    denoiser: DenoiserSettings = field(default_factory=DenoiserSettings)
    documents: Mapping[str, FileEntry] = field(default_factory=dict)
    card: str | None = None
    schema_version: int = SCHEMA_VERSION

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
        data: dict[str, Any] = {
            "schema_version": self.schema_version,
            "name": self.name,
            "version": self.version,
            "licence": asdict(self.licence),
            "audio": self.audio.to_json(),
            "grounding": dict(self.grounding),
            "denoiser": asdict(self.denoiser),
            "components": {role: _component_json(entry) for role, entry in self.components.items()},
            "documents": _files_json(self.documents),
            "card": self.card,
        }
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def parse_manifest(text: str) -> BundleManifest:
    """Read and check the text of a `bundle.json`.

    Raises:
        BundleError: names the key that is missing, of the wrong type or has a bad value.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BundleError(f"{MANIFEST_NAME} is not JSON ({error}): install the bundle again") from error
    root = _Table(data, where="")
    schema_version = root.integer("schema_version")
    if schema_version != SCHEMA_VERSION:
        raise BundleError(
            f"{MANIFEST_NAME}: schema_version is {schema_version}, this version reads {SCHEMA_VERSION}: "
            + ("update sounddesk" if schema_version > SCHEMA_VERSION else "install the bundle again")
        )
    name = root.text("name")
    if not _NAME.fullmatch(name):
        raise root.error("name", f"is {name!r}: use 1 to 64 letters, digits, '.', '_' or '-'")
    components = {role: _read_component(table) for role, table in root.table("components").tables()}
    folders = [entry.folder for entry in components.values()]
    for folder in folders:
        if folders.count(folder) > 1:
            raise root.error("components", f"folder {folder!r} belongs to two components")
    documents = _read_files(root.optional_table("documents"), allowed=DOCUMENT_SUFFIXES)
    card = root.optional_text("card")
    if card is not None and card not in documents:
        raise root.error("card", f"is {card!r}, which is not among 'documents'")
    return BundleManifest(
        schema_version=schema_version,
        name=name,
        version=root.text("version"),
        licence=_read_licence(root.table("licence")),
        audio=_read_audio(root),
        grounding=root.table("grounding").data,
        denoiser=_read_denoiser(root.optional_table("denoiser")),
        components=components,
        documents=documents,
        card=card,
    )


class _Table:
    """A JSON object together with the key path that leads to it, for messages."""

    def __init__(self, data: Any, *, where: str) -> None:
        self._where = where
        if not isinstance(data, dict):
            raise BundleError(f"{MANIFEST_NAME}: {where or 'the whole file'} must be an object, not {_kind(data)}")
        self.data: dict[str, Any] = data

    def error(self, key: str, problem: str) -> BundleError:
        return BundleError(f"{MANIFEST_NAME}: {self._where}{key} {problem}")

    def text(self, key: str) -> str:
        value = self._value(key, str)
        if not value:
            raise self.error(key, "is empty")
        return value

    def optional_text(self, key: str) -> str | None:
        return None if self.data.get(key) is None else self._value(key, str)

    def integer(self, key: str) -> int:
        value = self._value(key, int)
        if isinstance(value, bool):
            raise self.error(key, "must be a whole number, not true or false")
        return value

    def table(self, key: str) -> _Table:
        return _Table(self._value(key, dict), where=f"{self._where}{key}.")

    def optional_table(self, key: str) -> _Table:
        return self.table(key) if key in self.data else _Table({}, where=f"{self._where}{key}.")

    def tables(self) -> list[tuple[str, _Table]]:
        return [(key, self.table(key)) for key in self.data]

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in choices:
            raise self.error(key, f"is {value!r}: choose one of {', '.join(choices)}")
        return value

    def _value(self, key: str, kind: type) -> Any:
        if key not in self.data:
            raise self.error(key, "is missing")
        value = self.data[key]
        if not isinstance(value, kind):
            raise self.error(key, f"must be {_KINDS[kind]}, not {_kind(value)}")
        return value


_KINDS: Final = {str: "text", int: "a whole number", dict: "an object"}


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _read_licence(table: _Table) -> Licence:
    commercial: Any = table.choice("commercial", get_args(CommercialUse))
    return Licence(
        name=table.text("name"),
        commercial=commercial,
        spdx=table.optional_text("spdx"),
        note=table.optional_text("note") or "",
        url=table.optional_text("url"),
    )


def _read_denoiser(table: _Table) -> DenoiserSettings:
    inject: Any = table.choice("inject", get_args(Inject)) if "inject" in table.data else "both"
    heads: Any = table.choice("heads", get_args(Heads)) if "heads" in table.data else "config"
    return DenoiserSettings(inject=inject, heads=heads)


def _read_audio(root: _Table) -> AudioSpec:
    data = root.table("audio").data
    try:
        return AudioSpec.from_json(data)
    except KeyError as error:
        raise root.error(f"audio.{error.args[0]}", "is missing") from error
    except (TypeError, ValueError) as error:
        raise root.error("audio", f"is wrong: {error}") from error


def _read_component(table: _Table) -> ComponentEntry:
    folder = table.text("folder")
    if not safe_relative_path(folder):
        raise table.error("folder", f"is {folder!r}: only a folder inside the bundle is allowed")
    files = _read_files(table.table("files"), allowed=COMPONENT_SUFFIXES)
    if not files:
        raise table.error("files", "is empty")
    return ComponentEntry(
        class_name=table.text("class"),
        folder=folder,
        files=files,
        weight_storage=table.choice("weight_storage", _WEIGHT_STORAGES),
        origin=table.optional_text("origin"),
    )


def _read_files(table: _Table, *, allowed: tuple[str, ...]) -> dict[str, FileEntry]:
    entries = {}
    for path, entry in table.tables():
        if not safe_relative_path(path):
            raise table.error(repr(path), "leads out of the bundle: only plain relative paths are allowed")
        if PurePosixPath(path).suffix not in allowed:
            raise table.error(repr(path), f"is of a kind that bundles do not hold, only {', '.join(allowed)}")
        sha256 = entry.text("sha256")
        if not _SHA256.fullmatch(sha256):
            raise entry.error("sha256", f"is {sha256!r}: must be 64 lower-case hexadecimal digits")
        n_bytes = entry.integer("bytes")
        if n_bytes < 0:
            raise entry.error("bytes", f"is {n_bytes}")
        entries[path] = FileEntry(sha256=sha256, bytes=n_bytes)
    return entries


def _component_json(entry: ComponentEntry) -> dict[str, Any]:
    data: dict[str, Any] = {
        "class": entry.class_name,
        "folder": entry.folder,
        "weight_storage": entry.weight_storage,
        "files": _files_json(entry.files),
    }
    if entry.origin is not None:
        data["origin"] = entry.origin
    return data


def _files_json(files: Mapping[str, FileEntry]) -> dict[str, dict[str, Any]]:
    return {path: asdict(files[path]) for path in sorted(files)}

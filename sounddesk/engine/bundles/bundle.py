"""Bundles: a folder of model components with a manifest. Opening, checking and writing them (no torch)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle_files import check_files
from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
from sounddesk.engine.bundles.bundle_manifest import BundleManifest
from sounddesk.engine.bundles.bundle_manifest import ComponentEntry
from sounddesk.engine.bundles.bundle_manifest import DenoiserSettings
from sounddesk.engine.bundles.bundle_manifest import WeightStorage
from sounddesk.engine.bundles.bundle_manifest import parse_manifest
from sounddesk.engine.licence import Licence
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import FileEntry
from sounddesk.engine.verified_files import hash_file
from sounddesk.engine.verified_files import inside
from sounddesk.engine.verified_files import whole_folder
from sounddesk.storage.foreign_file import open_foreign_file
from sounddesk.storage.text_formats import MAX_TEXT_BYTES

# Ends the name of a bundle of random weights, so that nobody takes what it makes for a result.
RANDOM_SUFFIX: Final = "-random-weights"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """An opened bundle: its folder, what its manifest says, and the manifest's own sha256.

    The manifest holds the hash of every file, so `sha256` stands for the whole bundle in recipes.

    Attributes:
        text_engine: of a text-only bundle, the name of its engine (`text_engines.registry`).
        longest_s: the most that it makes at once; None where only the session's own limit holds.
    """

    folder: Path
    manifest: BundleManifest
    sha256: str
    text_engine: str | None = None
    longest_s: float | None = None

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def audio(self) -> AudioSpec:
        return self.manifest.audio

    @property
    def is_random(self) -> bool:
        """Whether its weights are random numbers, so that what it makes means nothing."""
        return self.name.endswith(RANDOM_SUFFIX)

    @property
    def n_bytes(self) -> int:
        """Length of all files together."""
        return sum(entry.bytes for entry in self.manifest.files().values())

    @property
    def texts_are_conditions(self) -> bool:
        """Whether its text encoder gives vectors of the space that its conditions are in."""
        grounding = self.manifest.grounding
        return self.text_engine is None and bool(grounding["out_width"] == grounding["text_width"])

    def require_images(self) -> None:
        """Raises: EngineError, for a text-only bundle."""
        if self.text_engine is not None:
            raise EngineError(f"bundle {self.name!r} is text-only: choose an image bundle")

    def require_texts(self) -> None:
        """Raises: EngineError, for a bundle that makes no sound from texts alone."""
        if self.text_engine is None and not self.texts_are_conditions:
            raise EngineError(f"bundle {self.name!r} cannot make sound from texts: its conditions are in another space")

    def check_length(self, seconds: float) -> None:
        """Raises: EngineError, for more than the model makes at once."""
        if self.longest_s is not None and seconds > self.longest_s:
            raise EngineError(f"length is {seconds:g} s: {self.name!r} makes at most {self.longest_s:.1f} s at once")

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Read and check the manifest; the files themselves are checked by `verify`.

        Raises:
            BundleError: no readable manifest, or one with a wrong key (named in the message).
        """
        path = folder / MANIFEST_NAME
        try:
            with open_foreign_file(path) as file:
                data = file.read(MAX_TEXT_BYTES)
        except OSError as error:
            raise BundleError(f"{folder} is not a bundle: {MANIFEST_NAME} cannot be read ({error.strerror})") from error
        try:
            manifest = parse_manifest(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise BundleError(f"{path} is not UTF-8 text: install the bundle again") from error
        except BundleError as error:
            raise BundleError(f"{folder}: {error}") from error
        return cls(folder=folder, manifest=manifest, sha256=hashlib.sha256(data).hexdigest())

    def verify(self, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None) -> None:
        """Check existence, length and sha256 of every file, and that no component folder holds anything else.

        Raises:
            BundleError: names the file and the remedy.
            Cancelled: through `cancel`.
        """
        reporter = StageReporter(stage="check bundle", total=self.n_bytes, on_progress=on_progress, cancel=cancel)
        done = 0

        def on_bytes(n_bytes: int) -> None:
            nonlocal done
            done += n_bytes
            reporter.step(done)

        check_files(self.folder, self.manifest, on_bytes=on_bytes)

    def verify_components(self, roles: Sequence[str]) -> None:
        """As `verify`, for these components only: what is not loaded need not be read.

        Raises:
            BundleError: there is no such component, or one of its files is not what the manifest says.
        """
        components = {role: self.manifest.component(role) for role in roles}
        check_files(self.folder, replace(self.manifest, components=components, documents={}))

    def component_folder(self, role: str) -> Path:
        """Folder of one component. Raises: BundleError."""
        return inside(self.folder, self.manifest.component(role).folder)

    def document(self, relative: str) -> Path:
        """Path of a document, e.g. the model card. Raises: BundleError."""
        if relative not in self.manifest.documents:
            raise BundleError(f"bundle {self.name!r} has no document {relative!r}")
        return inside(self.folder, relative)


@dataclass(frozen=True, kw_only=True)
class ComponentSource:
    """A component to put into a bundle.

    Attributes:
        class_name: which of our classes reads it.
        folder: an existing folder with its files (configuration and safetensors).
        weight_storage: how the bundle shall hold its weights; safetensors of another storage are converted.
        origin: where the weights came from.
        suffixes: which files of `folder` are taken; None takes all, and refuses those that bundles do not hold.
    """

    class_name: str
    folder: Path
    weight_storage: WeightStorage = "float16"
    origin: str | None = None
    suffixes: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class BundleSource:
    """Everything that `write_bundle` needs.

    Attributes:
        components: by role; the role is also the folder's name in the bundle.
        documents: existing files by their path in the bundle.
        card: which document is the model card.
    """

    name: str
    version: str
    licence: Licence
    audio: AudioSpec
    grounding: Mapping[str, Any]
    components: Mapping[str, ComponentSource]
    denoiser: DenoiserSettings = field(default_factory=DenoiserSettings)
    documents: Mapping[str, Path] = field(default_factory=dict)
    card: str | None = None


def write_bundle(source: BundleSource, target: Path, *, overwrite: bool = False) -> Bundle:
    """Copy the components into a new bundle at `target`, as a whole or not at all.

    Raises:
        FileExistsError: `target` exists and `overwrite` is false.
        BundleError: a component holds a file that bundles do not allow, or a name is not usable.
    """
    with whole_folder(target, overwrite=overwrite) as folder:
        components = {}
        for role, component in source.components.items():
            _copy_component(component, folder / role)
            components[role] = ComponentEntry(
                class_name=component.class_name,
                folder=role,
                files=_entries(folder / role),
                weight_storage=component.weight_storage,
                origin=component.origin,
            )
        documents = {}
        for relative, path in source.documents.items():
            copy = inside(folder, relative)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            documents[relative] = hash_file(copy)
        manifest = BundleManifest(
            name=source.name,
            version=source.version,
            licence=source.licence,
            audio=source.audio,
            grounding=source.grounding,
            denoiser=source.denoiser,
            components=components,
            documents=documents,
            card=source.card,
        )
        (folder / MANIFEST_NAME).write_text(manifest.to_json_text(), encoding="utf-8")
        # Refuse now what nobody could open later.
        Bundle.open(folder).verify()
    return Bundle.open(target)


def _copy_component(component: ComponentSource, target: Path) -> None:
    from sounddesk.engine.models.quantised_weights import WEIGHT_STORAGES
    from sounddesk.engine.models.quantised_weights import convert_weights

    storage = next((known for known in WEIGHT_STORAGES if known == component.weight_storage), None)
    if storage is None:
        raise BundleError(f"weight storage is {component.weight_storage!r}: choose one of {', '.join(WEIGHT_STORAGES)}")
    if not component.folder.is_dir():
        raise BundleError(f"component folder {component.folder} does not exist")
    for path in sorted(component.folder.rglob("*")):
        if not path.is_file() or (component.suffixes is not None and path.suffix not in component.suffixes):
            continue
        copy = target / path.relative_to(component.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            convert_weights(path, copy, storage=storage)
        else:
            shutil.copyfile(path, copy)


def _entries(folder: Path) -> dict[str, FileEntry]:
    return {
        path.relative_to(folder).as_posix(): hash_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }

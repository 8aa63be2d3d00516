"""The bundles on this machine: the one that ships, installed ones, and text engines; found by name (no torch)."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
from sounddesk.engine.bundles.remembered_bundles import find_remembered
from sounddesk.engine.bundles.text_engine_bundle import installed_text_engines
from sounddesk.engine.catalogue.entries import CatalogueError
from sounddesk.engine.licence import licence_line
from sounddesk.engine.types import BundleError
from sounddesk.engine.verified_files import copy_files
from sounddesk.engine.verified_files import whole_folder
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.resources_folder import resources_folder
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.leftovers import remove_leftovers
from sounddesk.storage.path_text import user_data_folder

_REFERENCE_DIGITS: Final = 16
_REFERENCE: Final = re.compile(rf"(.+)@([0-9a-f]{{{_REFERENCE_DIGITS}}})", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class BundleListing:
    """One folder that holds a manifest: the bundle, or why it cannot be used."""

    folder: Path
    bundle: Bundle | None
    problem: str | None = None


def user_bundles_folder() -> Path:
    """Where installed and exported bundles live, one folder each."""
    return user_data_folder() / "bundles"


def list_bundles() -> list[BundleListing]:
    """Every bundle that `find_bundle` finds by name: the starter, installed ones (broken ones with their problem), text
    engines.
    """
    listings = []
    for folder in _bundle_folders():
        try:
            listings.append(BundleListing(folder=folder, bundle=Bundle.open(folder)))
        except BundleError as error:
            listings.append(BundleListing(folder=folder, bundle=None, problem=str(error)))
    listings += [BundleListing(folder=bundle.folder, bundle=bundle) for bundle in installed_text_engines()]
    return listings


def find_bundle(name_or_path: str | Path) -> Bundle:
    """The bundle of that name (shipped, then installed), at that path, or of that reference ('NAME@HASH').

    Raises:
        BundleError: none found (the message lists those there are), or the one found has a bad manifest.
    """
    if isinstance(name_or_path, str):
        for folder in _bundle_folders():
            if folder.name == name_or_path:
                return Bundle.open(folder)
        listings = list_bundles()
        for listing in listings:
            if listing.bundle is not None and listing.bundle.name == name_or_path:
                return listing.bundle
    path = Path(name_or_path)
    if (path / MANIFEST_NAME).is_file():
        return Bundle.open(path)
    if isinstance(name_or_path, str) and (reference := _REFERENCE.fullmatch(name_or_path)):
        return find_recorded(reference[1], reference[2])
    if path.is_dir():
        raise BundleError(f"{path} is not a bundle: it holds no {MANIFEST_NAME}")
    names = [listing.bundle.name for listing in list_bundles() if listing.bundle is not None]
    available = f"choose one of {', '.join(names)} or give a folder" if names else "none is installed; give a folder"
    raise BundleError(f"there is no bundle {str(name_or_path)!r}: {available}")


def reference_to(bundle: Bundle) -> str:
    """'NAME@HASH': finds this very bundle, wherever it lies."""
    return f"{bundle.name}@{bundle.sha256[:_REFERENCE_DIGITS]}"


def is_reference(text: str) -> bool:
    """Whether a text has the form of `reference_to`."""
    return _REFERENCE.fullmatch(text) is not None


def find_recorded(name: str, sha256: str) -> Bundle:
    """The bundle of that hash, or the beginning of one: installed, else where it was when it was used here.

    Args:
        name: to call it by.

    Raises:
        BundleError: there is none; the message says what to do.
    """
    for listing in list_bundles():
        if listing.bundle is not None and listing.bundle.sha256.startswith(sha256):
            return listing.bundle
    found = find_remembered(sha256)
    if found is None:
        raise BundleError(
            f"bundle {name!r} ({sha256[:_REFERENCE_DIGITS]}) is neither installed nor where it was used before",
            remedy="name its folder with --bundle, or choose another one in the project's settings",
        )
    return found


def _bundle_folders() -> list[Path]:
    folders = []
    # A broken installation can still use installed bundles; doctor reports the missing resources.
    with contextlib.suppress(FileNotFoundError):
        folders.append(resources_folder() / SHIPPED_BUNDLE)
    installed = user_bundles_folder()
    if installed.is_dir():
        # One that was being replaced when the process was killed comes back.
        remove_leftovers(installed)
        folders += sorted(folder for folder in installed.iterdir() if not folder.name.startswith("."))
    return [folder for folder in folders if (folder / MANIFEST_NAME).is_file()]


def add_bundle(folder: Path) -> Bundle:
    """Copy a bundle to the user's bundles, every file checked against its manifest.

    Raises:
        BundleError: damaged, or not a bundle.
        CatalogueError: a bundle of that name is there.
        OutputError: it cannot be copied.
    """
    bundle = Bundle.open(folder)
    bundle.verify()
    target = user_bundles_folder() / bundle.name
    if target.exists():
        raise CatalogueError(f"there is a bundle {bundle.name!r} already, in {target}: remove that folder first")
    with translate_os_errors(target), whole_folder(target, overwrite=False) as copy:
        copy_files(folder, copy)
        Bundle.open(copy).verify()
    return Bundle.open(target)


def bundle_licences() -> dict[str, str]:
    """Licence by bundle name, of every bundle that is installed and whole."""
    return {
        listing.bundle.name: licence_line(listing.bundle.manifest.licence)
        for listing in list_bundles()
        if listing.bundle is not None
    }

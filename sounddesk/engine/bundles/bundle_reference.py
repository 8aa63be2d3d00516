"""How documents name a bundle: by its name, and where it was given as a folder also by its hash, never by that folder.

A recipe or a project is handed on; the folders on the way to a bundle would name the user and whom she works for.
"""

from __future__ import annotations

import os
from pathlib import Path
from pathlib import PureWindowsPath
from typing import Final

from sounddesk.domain.errors import SounddeskError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.bundles.installed_bundles import is_reference
from sounddesk.engine.bundles.installed_bundles import reference_to
from sounddesk.engine.bundles.remembered_bundles import remember

_OF_SERVERS: Final = ("//", "\\\\")


def recorded_name(bundle: Bundle, *, asked_for: str) -> str:
    """The bundle's name for a recipe, which has the hash beside it. A folder that it was asked for by is remembered.

    Args:
        asked_for: what the bundle was found by.
    """
    if is_reference(asked_for) or _is_folder_of(bundle, asked_for):
        # One of random weights is gone with its temporary folder.
        if not bundle.is_random and not is_reference(asked_for):
            remember(bundle)
        return bundle.name
    return asked_for


def portable_reference(name_or_folder: str) -> str:
    """What a project says of a bundle: its name, or 'NAME@HASH' for one that was given as a folder.

    Of a folder that holds no bundle, or that lies on a server, nothing but its own name is kept: what a project names
    must open no connection.
    """
    if is_reference(name_or_folder):
        return name_or_folder
    if name_or_folder.startswith(_OF_SERVERS):
        return PureWindowsPath(name_or_folder).name
    if not _may_be_folder(name_or_folder):
        return name_or_folder
    try:
        bundle = find_bundle(name_or_folder)
    except (SounddeskError, OSError, ValueError):
        return Path(name_or_folder).name
    if not _is_folder_of(bundle, name_or_folder):
        return name_or_folder
    remember(bundle)
    return reference_to(bundle)


def _is_folder_of(bundle: Bundle, text: str) -> bool:
    return _may_be_folder(text) and Path(text).resolve() == bundle.folder.resolve()


def _may_be_folder(text: str) -> bool:
    try:
        return os.sep in text or "/" in text or Path(text).is_dir()
    except (OSError, ValueError):
        return False

"""Where bundles lie that were used from a folder: remembered on this computer, so that documents need not say it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import SounddeskError
from sounddesk.domain.limits import Sha256
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.types import BundleError
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.codec import decode
from sounddesk.storage.path_text import user_state_folder
from sounddesk.storage.text_formats import read_json

_FILE: Final = "bundle_folders.json"
_MOST: Final = 100


def remember(bundle: Bundle) -> None:
    """Note the bundle's folder. Where that cannot be written, it has to be named again."""
    folders = _remembered()
    folder = str(bundle.folder.resolve())
    if folders.pop(bundle.sha256, None) == folder:
        return
    with contextlib.suppress(SounddeskError, OSError):
        path = user_state_folder() / _FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, json.dumps(dict([*folders.items(), (bundle.sha256, folder)][-_MOST:]), indent=1).encode())


def find_remembered(sha256: str) -> Bundle | None:
    """The bundle of that hash, or the beginning of one, where it was when it was used; None where it is gone."""
    for known, folder in reversed(_remembered().items()):
        if known.startswith(sha256):
            with contextlib.suppress(BundleError, OSError):
                bundle = Bundle.open(Path(folder))
                if bundle.sha256 == known:
                    return bundle
    return None


def _remembered() -> dict[str, str]:
    """Folders by the hash of the bundle in them, the newest last; what cannot be read counts as nothing."""
    try:
        return decode(dict[Sha256, str], read_json(user_state_folder() / _FILE))
    except (SounddeskError, OSError, ValueError):
        return {}

"""Where the files that ship with sounddesk are, from a checkout, an editable install or a wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

SHIPPED_BUNDLE: Final = "starter"
"""Name and folder of the bundle that ships."""
_PACKAGE: Final = Path(__file__).resolve().parent


def frozen_folder() -> Path | None:
    """The folder of libraries of the frozen app, which brings its own Python; None in any other installation."""
    folder = getattr(sys, "_MEIPASS", None)
    return Path(folder) if folder is not None and getattr(sys, "frozen", False) else None


def licences_folder() -> Path | None:
    """Where the frozen app has the licences of all that is in it; None in any other installation."""
    libraries = frozen_folder()
    if libraries is None:
        return None
    # Beside the programs; on macOS the folders of an app bundle have their own names.
    places = (libraries.parent / "licences", libraries.parent / "Resources" / "licences")
    return next((place for place in places if place.is_dir()), None)


def resources_folder() -> Path:
    """The `resources` folder: starter bundle, recipes, demo still.

    A wheel carries it inside the package as `_resources`; a checkout has it beside the package.

    Raises:
        FileNotFoundError: neither place exists, which means a broken installation.
    """
    for folder in (_PACKAGE / "_resources", _PACKAGE.parent / "resources"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the files that ship with sounddesk are missing beside {_PACKAGE}: install it again")


def resource(relative: str) -> Path:
    """Path of one shipped file or folder, e.g. `resource("starter")`.

    Raises:
        FileNotFoundError: it does not exist.
    """
    path = resources_folder() / relative
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: install sounddesk again")
    return path

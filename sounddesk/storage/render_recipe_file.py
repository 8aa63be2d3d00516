"""`recipe.json`: a render recipe as a text.

Version 'MAJOR.MINOR'. A newer minor version only adds keys: they are kept and written back unchanged, with the
version they came with. A newer major version is refused. Keys that the file's own version does not know are refused,
so that a slip of the pen is not taken for a default.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sounddesk.domain.render_recipe import FORMAT
from sounddesk.domain.render_recipe import VERSION
from sounddesk.domain.render_recipe import RenderRecipe
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.codec import field_of
from sounddesk.storage.codec import without_format
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json


def recipe_to_text(recipe: RenderRecipe) -> str:
    """JSON text, indented, ends in a line break; pure ASCII, so that any name survives any editor."""
    return json.dumps(recipe_to_json(recipe), indent=2, allow_nan=False) + "\n"


def recipe_to_json(recipe: RenderRecipe) -> dict[str, Any]:
    """JSON-ready; `recipe_from_json` gives an equal recipe back."""
    return {"format": FORMAT, **encode(recipe)}


def recipe_from_text(text: str) -> RenderRecipe:
    """Read a recipe file's text. Raises: FieldError, not JSON, or as `recipe_from_json`."""
    return recipe_from_json(parse_json(text))


def recipe_from_json(data: Any) -> RenderRecipe:
    """Read back what `recipe_to_json` gave.

    Raises:
        FieldError: a key is missing, unknown, of the wrong kind or out of range (the message names it), the parts
            contradict each other, or the file is of a newer major version.
    """
    data = without_format(data, FORMAT)
    newer = _is_newer_minor(field_of(str, data, "version"))
    return decode(RenderRecipe, data, unknown="keep" if newer else "refuse")


def _is_newer_minor(version: str) -> bool:
    match = re.fullmatch(r"([0-9]{1,6})\.([0-9]{1,6})", version)
    if match is None:
        raise FieldError(f"version is {version!r}: expected MAJOR.MINOR, e.g. {VERSION!r}")
    major, minor = int(match[1]), int(match[2])
    own_major, own_minor = (int(part) for part in VERSION.split("."))
    if major != own_major:
        raise FieldError(f"version is {version!r} and this sounddesk reads {own_major}.x: install a version that fits")
    return minor > own_minor

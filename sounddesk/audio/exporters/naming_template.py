"""Names of exported files from a template such as '{project}_{object}_{take}'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

FIELDS: Final[dict[str, str]] = {
    "project": "name of the project or image",
    "object": "name of the object; 'mix' for the mix",
    "kind": "object, ambience, blend or mix",
    "what": "stem, mix, clip or take",
    "take": "number of the take",
    "clip": "number of the clip on its lane",
    "number": "running number in this export",
    "catid": "UCS category",
    "ucs": "the whole UCS name",
    "creator": "UCS creator id",
    "source": "UCS source id",
    "date": "day, yyyy-mm-dd",
    "rate": "sample rate in kHz",
    "bits": "16bit, 24bit, 32bit or ogg",
}
_FIELD: Final = re.compile(r"\{([^{}]*)\}")


def check_template(template: str) -> None:
    """Refuse a template that is blank or has a field that does not exist.

    Raises:
        ValueError: naming the field and those there are.
    """
    if not template.strip():
        raise ValueError("the name template is blank: write for example {project}_{object}")
    for field in _FIELD.findall(template):
        if field not in FIELDS:
            raise ValueError(f"the name template has {{{field}}}: choose from {', '.join(FIELDS)}")
    rest = _FIELD.sub("", template)
    if "{" in rest or "}" in rest:
        raise ValueError("the name template has a brace that does not close: write fields as {object}")


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """The template with its fields filled in; a field without a value takes the separator before it along.

    The result is no file name yet: `unique_file_stems` makes names of the texts of an export, safe on every file
    system and no two alike.

    Raises:
        ValueError: as `check_template`.
    """
    check_template(template)
    text = template
    for field in set(_FIELD.findall(template)):
        if not values.get(field):
            text = re.sub(r"[\s_.-]*\{" + re.escape(field) + r"\}", "", text)
    return _FIELD.sub(lambda match: values[match[1]], text)

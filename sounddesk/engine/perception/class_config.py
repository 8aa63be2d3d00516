"""`config.json` of the networks that judge sounds: the name of their class, and the values that it is made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from typing import Final
from typing import TypeVar

from sounddesk.storage.codec import decode
from sounddesk.storage.codec import field_of
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json

T = TypeVar("T")
CONFIG_NAME: Final = "config.json"


def read_class_config(kind: type[T], folder: Path, *, class_name: str) -> T:
    """What the configuration in `folder` says, as the dataclass `kind`.

    Raises:
        FieldError: it is of another class, or names the key whose value cannot be used.
        OSError: it cannot be read.
    """
    data: dict[str, Any] = decode(dict[str, Any], read_json(folder / CONFIG_NAME), where=CONFIG_NAME)
    found = field_of(str, data, "class")
    if found != class_name:
        raise FieldError(f"{CONFIG_NAME} is of the class {found!r}: expected {class_name!r}")
    return decode(kind, {key: value for key, value in data.items() if key != "class"}, where=CONFIG_NAME)

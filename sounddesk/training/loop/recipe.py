"""Training recipes: YAML read into frozen dataclasses, every key checked."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from typing import Final
from typing import TypeVar

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.codec import decode
from sounddesk.storage.strict_yaml import dump_yaml
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_yaml
from sounddesk.storage.text_formats import read_yaml

T = TypeVar("T")

# Keys of earlier versions, by section, and what they are called since.
_FORMER_KEYS: Final = {"optimiser": {"pieces": "micro_batches"}, "model": {"kin_places": "affinity_places"}}


class TrainingRecipeError(BadInputError, ValueError):
    """A recipe that cannot be used; the message names the key and the remedy."""


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A recipe file as a dictionary, with `key=value` and `section.key=value` overrides applied.

    Raises:
        TrainingRecipeError: not YAML, not a mapping, or an override without '='.
    """
    try:
        data = read_yaml(path)
    except (OSError, FieldError) as error:
        raise TrainingRecipeError(f"recipe {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise TrainingRecipeError(f"recipe {path} is not a mapping of keys to values")
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise TrainingRecipeError(f"override {override!r} has no '=': write key=value")
        target = data
        *sections, last = key.split(".")
        for section in sections:
            target = target.setdefault(section, {})
            if not isinstance(target, dict):
                raise TrainingRecipeError(f"override {override!r}: {section!r} is a value, not a section of the recipe")
        try:
            target[last] = parse_yaml(text)
        except FieldError as error:
            raise TrainingRecipeError(f"override {override!r}: {text!r} is not YAML") from error
    return _with_present_keys(data)


def _with_present_keys(data: dict[str, Any]) -> dict[str, Any]:
    renamed = dict(data)
    for section, names in _FORMER_KEYS.items():
        if isinstance(values := data.get(section), dict):
            renamed[section] = {names.get(key, key): value for key, value in values.items()}
    return renamed


def recipe_text(recipe: Any, **sections: Any) -> str:
    """A recipe as YAML with every default filled in, in the order of its fields.

    Args:
        recipe: the dataclass made by `build`.
        sections: dataclasses that stand for the recipe's raw mappings of these names, e.g. `model`.
    """
    data = asdict(recipe) | {name: asdict(section) for name, section in sections.items()}
    return dump_yaml(_plain(data))


def _plain(value: Any) -> Any:
    """Paths as text and tuples as lists: what a YAML file holds."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def build(recipe_class: type[T], data: Mapping[str, Any], *, where: str = "recipe") -> T:
    """Fill the frozen dataclass `recipe_class` from `data`.

    Raises:
        TrainingRecipeError: unknown or missing key, or a value of the wrong type, named.
    """
    try:
        return decode(recipe_class, data, where=where)
    except FieldError as error:
        raise TrainingRecipeError(str(error)) from error

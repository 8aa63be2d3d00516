"""Training recipes: YAML read into frozen dataclasses, every key checked."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import MISSING
from dataclasses import asdict
from dataclasses import fields
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import TypeVar

import yaml

from sounddesk.domain.errors import BadInputError

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
        data = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
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
            target[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
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
    return yaml.safe_dump(_plain(data), sort_keys=False, allow_unicode=True, width=120)


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
    hints = typing.get_type_hints(recipe_class)
    known = {field.name: field for field in fields(recipe_class)}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            raise TrainingRecipeError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in data:
            values[name] = _convert(data[name], hints[name], where=f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise TrainingRecipeError(f"{where}: key {name!r} is missing")
    try:
        return recipe_class(**values)
    except ValueError as error:
        raise TrainingRecipeError(f"{where}: {error}") from error


def _convert(value: Any, hint: Any, *, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
        return _convert(value, hint, where=where)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            raise TrainingRecipeError(
                f"{where} is {value!r}: choose from {', '.join(map(repr, typing.get_args(hint)))}"
            )
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise TrainingRecipeError(f"{where} is {value!r}: a list is needed")
        arms = typing.get_args(hint)
        if arms[-1] is not Ellipsis and len(value) != len(arms):
            raise TrainingRecipeError(f"{where} is {value!r}: a list of {len(arms)} is needed")
        return tuple(_convert(item, arms[0], where=f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise TrainingRecipeError(f"{where} is {value!r}: a mapping is needed")
        return dict(value)
    if is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise TrainingRecipeError(f"{where} is {value!r}: a mapping is needed")
        return build(typing.cast(type, hint), value, where=where)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise TrainingRecipeError(f"{where} is {value!r}: {hint.__name__} is needed")
    return value

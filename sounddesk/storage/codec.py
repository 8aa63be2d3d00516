"""Plain values from files become our frozen dataclasses, and back: types, limits and unknown keys checked in one place.

cattrs does the work, because it needs no base class (the domain stays plain dataclasses), never converts silently once
its hooks for the simple types are strict, and reports every wrong value with its place.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import typing
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Final
from typing import Literal
from typing import TypeVar

import cattrs
from cattrs.errors import BaseValidationError
from cattrs.errors import IterableValidationError
from cattrs.errors import IterableValidationNote
from cattrs.gen import make_dict_structure_fn
from cattrs.gen import make_dict_unstructure_fn
from cattrs.gen import override

from sounddesk.domain.limits import Pattern
from sounddesk.domain.limits import Pixel
from sounddesk.domain.limits import Range
from sounddesk.domain.mask import Box
from sounddesk.domain.selection import Click
from sounddesk.storage.codec_messages import WrongValueError
from sounddesk.storage.codec_messages import expected
from sounddesk.storage.codec_messages import is_choice
from sounddesk.storage.codec_messages import is_sequence
from sounddesk.storage.codec_messages import key_of
from sounddesk.storage.codec_messages import problems_of
from sounddesk.storage.codec_messages import quoted
from sounddesk.storage.codec_messages import sentence
from sounddesk.storage.path_text import PathError
from sounddesk.storage.path_text import check_path
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import describe
from sounddesk.storage.text_formats import read_json

T = TypeVar("T")
Unknown = Literal["refuse", "keep", "ignore"]

# A dataclass with a mapping of this name keeps keys of newer versions there, and gives them back when it is encoded.
EXTRA: Final = "extra"
# A field with this in its metadata is not written while it has its default.
OMIT_DEFAULT: Final = "omit_default"
# A field with this in its metadata must be in the file, though code may leave it at its default.
REQUIRED: Final = "required"
_MOST_PROBLEMS: Final = 3


def decode(kind: type[T], data: Any, *, unknown: Unknown = "refuse", where: str = "") -> T:
    """A value of the type `kind` from `data` as a JSON, TOML or YAML reader gives it.

    Args:
        kind: a dataclass, or any type made of dataclasses, simple types, `Literal`, `Path`, tuples and mappings. A
            field's name in the file is its own, or `metadata={"key": ...}`.
        unknown: what to do with keys that a dataclass does not have: refuse, keep in its field `extra`, or ignore.
        where: place of `data` in its file, for messages.

    Raises:
        FieldError: a key is missing or unknown, or a value is of the wrong kind, out of range, or contradicts another;
            the message names up to three places with what is wrong there.

    Example:
        >>> from sounddesk.domain.timeline import Marker
        >>> decode(Marker, {"id": "m1", "time_s": 2})
        Marker(id='m1', time_s=2.0, label='', object_id=None)
    """
    try:
        return _converter(unknown).structure(data, kind)
    except BaseValidationError as error:
        problems = list(problems_of(error, where))
    except WrongValueError as error:
        problems = [sentence(where, error, kind)]
    shown = "; ".join(problems[:_MOST_PROBLEMS])
    more = len(problems) - _MOST_PROBLEMS
    raise FieldError(f"{shown}; and {more} more" if more > 0 else shown)


def load(kind: type[T], path: Path, *, read: Callable[[Path], Any] = read_json, unknown: Unknown = "refuse") -> T:
    """A value of the type `kind` from a whole file; `read` is a reader of `storage.text_formats`.

    Raises:
        FieldError: as `decode`, with the file's path before it.
        OSError: the file cannot be read.
    """
    data = read(path)
    try:
        return decode(kind, data, unknown=unknown)
    except FieldError as error:
        raise FieldError(f"{path}: {error}") from None


def field_of(kind: type[T], data: Any, key: str) -> T:
    """One value of an object, such as its version, that decides how the others are read. Raises: FieldError."""
    fields = decode(dict[str, Any], data)
    if key not in fields:
        raise FieldError(f"{key} is missing: expected {expected(kind)}")
    return decode(kind, fields[key], where=key)


def encode(value: Any) -> Any:
    """Dataclasses as JSON-ready values: the inverse of `decode`; keys kept in `extra` are among the others again."""
    return _converter("keep").unstructure(value)


def without_format(data: Any, wanted: str) -> dict[str, Any]:
    """The keys of a file beside its `format`. Raises: FieldError, unless that is `wanted`."""
    fields = decode(dict[str, Any], data)
    if fields.get("format") != wanted:
        raise FieldError(f"format is {fields.get('format')!r}: expected {wanted!r}")
    return {key: value for key, value in fields.items() if key != "format"}


@functools.cache
def _converter(unknown: Unknown) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True, forbid_extra_keys=unknown == "refuse")
    for kind, check in ((str, _text), (bool, _flag), (int, _whole), (float, _number), (Path, _path)):
        converter.register_structure_hook(kind, check)
    converter.register_structure_hook_func(is_choice, _choice)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)
    converter.register_structure_hook_factory(is_sequence, _sequence_hook)
    converter.register_structure_hook_factory(_is_limited, _limited_hook)
    converter.register_structure_hook_factory(
        dataclasses.is_dataclass, lambda kind, own: _dataclass_hook(kind, own, unknown=unknown)
    )
    converter.register_unstructure_hook_factory(dataclasses.is_dataclass, _dataclass_unhook)
    # Files hold these as short lists.
    click, box = tuple[Pixel, Pixel, Annotated[int, Range(0, 1)]], tuple[Pixel, Pixel, Pixel, Pixel]
    converter.register_structure_hook(Click, lambda value, _: _click(converter.structure(value, click)))
    converter.register_unstructure_hook(Click, lambda value: [value.x, value.y, int(value.positive)])
    converter.register_structure_hook(Box, lambda value, _: Box(**_by_field(Box, converter.structure(value, box))))
    converter.register_unstructure_hook(Box, lambda value: list(dataclasses.astuple(value)))
    converter.register_unstructure_hook_func(lambda kind: isinstance(kind, type) and issubclass(kind, Path), str)
    converter.register_unstructure_hook_func(
        lambda kind: tuple in (kind, typing.get_origin(kind)),
        lambda values: [converter.unstructure(each) for each in values],
    )
    return converter


def _click(values: tuple[int, int, int]) -> Click:
    return Click(x=values[0], y=values[1], positive=bool(values[2]))


def _by_field(kind: Any, values: Sequence[Any]) -> dict[str, Any]:
    return {each.name: value for each, value in zip(dataclasses.fields(kind), values, strict=True)}


# ---------------------------------------------------------------------- simple values


def _text(value: Any, _kind: Any) -> str:
    if not isinstance(value, str):
        raise WrongValueError(value)
    return value


def _flag(value: Any, _kind: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValueError(value)
    return value


def _whole(value: Any, _kind: Any) -> int:
    # bool is an int to Python, not to JSON.
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongValueError(value)
    return value


def _number(value: Any, _kind: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise WrongValueError(value)
    if not math.isfinite(value):
        raise WrongValueError(value, f"is {value}: expected a finite number")
    return float(value)


def _path(value: Any, kind: Any) -> Path:
    if isinstance(value, Path):
        return value
    try:
        check_path(_text(value, kind))
    except PathError as error:
        raise WrongValueError(value, f"is no path: {error}") from None
    return Path(value)


def _choice(value: Any, kind: Any) -> Any:
    # 1 == True to Python: the type has to fit as well.
    if not any(value == choice and type(value) is type(choice) for choice in typing.get_args(kind)):
        raise WrongValueError(value)
    return value


def _is_limited(kind: Any) -> bool:
    return any(isinstance(each, Range | Pattern) for each in getattr(kind, "__metadata__", ()))


def _limited_hook(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    inner = kind.__origin__
    hook = converter.get_structure_hook(inner)

    def limited(value: Any, _kind: Any) -> Any:
        found = hook(value, inner)
        for limit in kind.__metadata__:
            if isinstance(limit, Range) and not limit.low <= found <= limit.high:
                allowed = f"{limit.low} to {limit.high}" if math.isfinite(limit.high) else f"at least {limit.low}"
                raise WrongValueError(value, f"is {describe(value)}: expected {allowed}")
            if isinstance(limit, Pattern) and not re.fullmatch(limit.expression, found):
                raise WrongValueError(value, f"is {quoted(value)}: expected {limit.meaning}")
        return found

    return limited


# ---------------------------------------------------------------------- lists, mappings, dataclasses


def _sequence_hook(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    origin, arms = typing.get_origin(kind) or kind, typing.get_args(kind) or (Any, ...)
    fixed = None if origin is not tuple or arms[-1] is Ellipsis else arms
    made = list if origin is list else tuple

    def sequence(values: Any, _kind: Any) -> Any:
        if not isinstance(values, list | tuple):
            raise WrongValueError(values)
        if fixed is not None and len(values) != len(fixed):
            raise WrongValueError(values, f"has {len(values)} values: expected {len(fixed)}")
        inner = fixed or (arms[0],) * len(values)
        return made(_each(enumerate(values), inner, converter, kind))

    return sequence


def _is_mapping(kind: Any) -> bool:
    return kind in (dict, Mapping) or typing.get_origin(kind) in (dict, Mapping)


def _mapping_hook(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    arms = typing.get_args(kind) or (str, Any)

    def mapping(values: Any, _kind: Any) -> Any:
        if not isinstance(values, Mapping):
            raise WrongValueError(values)
        found = _each(values.items(), (arms[1],) * len(values), converter, kind)
        return dict(zip(values, found, strict=True))

    return mapping


def _each(pairs: Any, kinds: Sequence[Any], converter: cattrs.Converter, whole: Any) -> list[Any]:
    found, errors = [], []
    for (index, value), kind in zip(pairs, kinds, strict=True):
        try:
            found.append(converter.get_structure_hook(kind)(value, kind))
        except Exception as error:  # noqa: BLE001  # gathered, as cattrs does for dataclasses
            error.add_note(IterableValidationNote(f"at {index}", index, kind))
            errors.append(error)
    if errors:
        raise IterableValidationError("in a list or mapping", errors, whole)
    return found


def _overrides(kind: Any) -> dict[str, Any]:
    found = {
        each.name: override(rename=each.metadata.get("key"), omit_if_default=each.metadata.get(OMIT_DEFAULT))
        for each in dataclasses.fields(kind)
    }
    if EXTRA in found:
        found[EXTRA] = override(omit=True)
    return found


def _hook_for(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    hook = converter.get_structure_hook(kind)
    return lambda value, _: hook(value, kind)


def _dataclass_hook(kind: Any, converter: cattrs.Converter, *, unknown: Unknown) -> Callable[[Any, Any], Any]:
    overrides = _overrides(kind)
    # cattrs drops what stands beside the types (`Annotated`) where annotations are kept as text.
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        if name in overrides and not overrides[name].omit:
            overrides[name] = override(rename=overrides[name].rename, struct_hook=_hook_for(hint, converter))
    fill = make_dict_structure_fn(kind, converter, **overrides)
    names = {each.name for each in dataclasses.fields(kind)}
    keys = {key_of(each) for each in dataclasses.fields(kind)} - {EXTRA}
    required = [key_of(each) for each in dataclasses.fields(kind) if each.metadata.get(REQUIRED)]

    def structure(data: Any, _kind: Any) -> Any:
        if type(data) is kind:
            return data
        if not isinstance(data, Mapping):
            raise WrongValueError(data)
        for key in required:
            if key not in data:
                raise WrongValueError(data, missing_key=key)
        found = fill(data, kind)
        rest = {key: value for key, value in data.items() if key not in keys} if unknown == "keep" else {}
        return dataclasses.replace(found, **{EXTRA: rest}) if rest and EXTRA in names else found

    return structure


def _dataclass_unhook(kind: Any, converter: cattrs.Converter) -> Callable[[Any], Any]:
    plain = make_dict_unstructure_fn(kind, converter, **_overrides(kind))
    keeps = any(each.name == EXTRA for each in dataclasses.fields(kind))

    def unstructure(value: Any) -> Any:
        return {**plain(value), **getattr(value, EXTRA)} if keeps else plain(value)

    return unstructure

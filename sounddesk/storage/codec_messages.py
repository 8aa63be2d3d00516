"""What the codec says of a wrong value: its place in the file, the value, and what is expected there."""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

from cattrs.errors import AttributeValidationNote
from cattrs.errors import ClassValidationError
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.errors import IterableValidationError
from cattrs.errors import IterableValidationNote

from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import describe


class WrongValueError(FieldError):
    """What a hook refuses. The place, and often what is expected there, are added on the way out."""

    def __init__(self, value: Any, problem: str = "", *, missing_key: str = "") -> None:
        super().__init__(problem)
        self.value = value
        self.problem = problem
        self.missing_key = missing_key


def problems_of(error: BaseException, where: str, kind: Any = None) -> typing.Iterator[str]:
    """One sentence for every wrong value in `error`; `where` is the place of the whole in its file."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        placed, rest = error.group_exceptions()
        # A key that nobody knows explains a missing one.
        rest.sort(key=lambda each: not isinstance(each, ForbiddenExtraKeysError))
        for inner in rest:
            yield from problems_of(inner, where, error.cl)
        for inner, note in placed:
            place = _place(where, note, error.cl)
            if isinstance(inner, KeyError) and isinstance(note, AttributeValidationNote):
                yield f"{place} is missing: expected {expected(note.type)}"
            else:
                yield from problems_of(inner, place, note.type)
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            near = difflib.get_close_matches(key, [key_of(each) for each in dataclasses.fields(error.cl)], 1)
            remedy = f"did you mean {near[0]!r}?" if near else "correct or remove it"
            yield f"{_joined(where, key)} is not a key of this version: {remedy}"
    elif isinstance(error, WrongValueError):
        yield sentence(where, error, kind)
    else:
        yield f"{where}: {error}" if where else str(error)


def sentence(where: str, error: WrongValueError, kind: Any) -> str:
    """What is wrong at `where`, where a value of `kind` was expected."""
    place = where or "the file"
    if error.missing_key:
        return f"{_joined(where, error.missing_key)} is missing"
    if error.problem:
        return f"{place} {error.problem}"
    shown = quoted(error.value) if is_choice(_bare(kind)) else describe(error.value)
    return f"{place} is {shown}: expected {expected(kind)}"


def _place(where: str, note: AttributeValidationNote | IterableValidationNote, kind: Any) -> str:
    if isinstance(note, AttributeValidationNote):
        found = next((each for each in dataclasses.fields(kind) if each.name == note.name), None)
        return _joined(where, note.name if found is None else key_of(found))
    return f"{where}[{note.index}]" if isinstance(note.index, int) else _joined(where, str(note.index))


def _joined(where: str, key: str) -> str:
    shown = key if re.fullmatch(r"[\w-]{1,60}", key) else quoted(key)
    return f"{where}.{shown}" if where else shown


def quoted(value: Any) -> str:
    """A value as messages show it, short texts in quotation marks."""
    return repr(value) if isinstance(value, str) and len(value) <= 80 else describe(value)


_NAMES: Final[dict[Any, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
    types.NoneType: "null",
}


def _bare(kind: Any) -> Any:
    return kind.__origin__ if hasattr(kind, "__metadata__") else kind


def expected(kind: Any) -> str:
    """What a file must hold where a value of `kind` is wanted: 'a whole number'."""
    kind = _bare(kind)
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(expected(arm) for arm in typing.get_args(kind))
    if origin is Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(kind)))
    if is_sequence(kind):
        return "a list"
    return _NAMES.get(kind, "an object of keys and values")


def key_of(each: dataclasses.Field[Any]) -> str:
    """The key of a field in files: its own name, or `metadata={"key": ...}`."""
    return str(each.metadata.get("key", each.name))


def is_choice(kind: Any) -> bool:
    """Whether `kind` is a `Literal`."""
    return typing.get_origin(kind) is Literal


def is_sequence(kind: Any) -> bool:
    """Whether files hold a list for `kind`."""
    return kind in (list, tuple) or typing.get_origin(kind) in (list, tuple, Sequence)

"""Reading JSON objects field by field, with errors that name the place of the wrong value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any
from typing import Final

from sounddesk.domain.errors import BadInputError

_KIND_NAMES: Final = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object of keys and values",
    type(None): "null",
}


class FieldError(BadInputError, ValueError):
    """A value of a JSON file is missing, of the wrong kind or out of range; the message names its place."""


def parse_json(text: str) -> Any:
    """The value of a JSON text, strictly: no NaN or Infinity, no key twice.

    Raises:
        FieldError: with line and column, or the doubled key.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise FieldError(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise FieldError("lists and objects are nested too deeply") from None


class Fields:
    """The keys of one JSON object, taken one by one; what is left over are the unknown ones.

    Args:
        data: a value of `json.loads` that should be an object.
        where: its place in the file, e.g. 'objects[1]'; empty at the top.

    Raises:
        FieldError: `data` is not an object.
    """

    def __init__(self, data: Any, *, where: str = "") -> None:
        if not isinstance(data, dict):
            raise FieldError(f"{where or 'the file'} is {_describe(data)}: expected {_KIND_NAMES[dict]}")
        self._left = dict(data)
        self._where = where

    def place(self, key: str) -> str:
        """The place of `key` in the file, as messages name it."""
        return f"{self._where}.{key}" if self._where and not key.startswith("[") else f"{self._where}{key}"

    def text(self, key: str) -> str:
        return str(self._take(key, (str,)))

    def optional_text(self, key: str) -> str | None:
        value = self._take(key, (str, type(None)))
        return None if value is None else str(value)

    def flag(self, key: str) -> bool:
        return bool(self._take(key, (bool,)))

    def whole(self, key: str, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return int(self._check_range(key, self._take(key, (int,)), low=low, high=high))

    def number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number from `low` to `high`."""
        return float(self._check_range(key, self._take(key, (float, int)), low=low, high=high))

    def optional_number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float | None:
        if key in self._left and self._left[key] is None:
            del self._left[key]
            return None
        return self.number(key, low=low, high=high)

    def choice(self, key: str, choices: Iterable[str]) -> str:
        """One of `choices`."""
        value = self.text(key)
        allowed = tuple(choices)
        if value not in allowed:
            raise FieldError(f"{self.place(key)} is {value!r}: expected one of {', '.join(map(repr, allowed))}")
        return value

    def sha256(self, key: str) -> str:
        """64 lower-case hexadecimal digits."""
        value = self.text(key)
        if len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise FieldError(f"{self.place(key)} is {value!r}: expected the 64 hexadecimal digits of a SHA-256")
        return value

    def optional_sha256(self, key: str) -> str | None:
        if key in self._left and self._left[key] is None:
            del self._left[key]
            return None
        return self.sha256(key)

    def items(self, key: str) -> list[Any]:
        """A list, its values unchecked."""
        return list(self._take(key, (list,)))

    def rows(self, key: str) -> tuple[Fields, tuple[str, ...]]:
        """A list as fields, and their keys '[0]', '[1]' and so on."""
        values = {f"[{i}]": value for i, value in enumerate(self.items(key))}
        return Fields(values, where=self.place(key)), tuple(values)

    def wholes(self, key: str, *, low: int, high: int, n: int | None = None) -> tuple[int, ...]:
        """A list of whole numbers from `low` to `high`; exactly `n` where given."""
        row, keys = self.rows(key)
        if n is not None and len(keys) != n:
            raise FieldError(f"{self.place(key)} has {len(keys)} values: expected {n}")
        return tuple(row.whole(each, low=low, high=high) for each in keys)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        row, keys = self.rows(key)
        return tuple(row.text(each) for each in keys)

    def text_map(self, key: str) -> dict[str, str]:
        """An object whose values are all texts."""
        inner = self.fields(key)
        return {name: inner.text(name) for name in list(inner._left)}

    def fields(self, key: str) -> Fields:
        """An object within this one."""
        return Fields(self._take(key, (dict,)), where=self.place(key))

    def optional_fields(self, key: str) -> Fields | None:
        value = self._take(key, (dict, type(None)))
        return None if value is None else Fields(value, where=self.place(key))

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def rest(self, *, allowed: bool) -> dict[str, Any]:
        """Keys that nobody took.

        Raises:
            FieldError: there are some and they are not allowed.
        """
        if self._left and not allowed:
            key = next(iter(self._left))
            raise FieldError(f"{self.place(key)} is not a key of this version: correct or remove it")
        return dict(self._left)

    def _take(self, key: str, kinds: tuple[type, ...]) -> Any:
        if key not in self._left:
            raise FieldError(f"{self.place(key)} is missing: expected {_expected(kinds)}")
        value = self._left.pop(key)
        # bool is an int to Python, not to JSON.
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise FieldError(f"{self.place(key)} is {_describe(value)}: expected {_expected(kinds)}")
        return value

    def _check_range(self, key: str, value: Any, *, low: float, high: float) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise FieldError(f"{self.place(key)} is {value}: expected a finite number")
        if not low <= value <= high:
            limits = f"{low} to {high}" if math.isfinite(high) else f"at least {low}"
            raise FieldError(f"{self.place(key)} is {value}: expected {limits}")
        return value


def _expected(kinds: tuple[type, ...]) -> str:
    names = [_KIND_NAMES[kind] for kind in kinds if not (kind is int and float in kinds)]
    return " or ".join(names)


def _describe(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return _KIND_NAMES[type(value)]
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refuse_constant(constant: str) -> Any:
    raise FieldError(f"{constant} is not a JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise FieldError(f"key {key!r} is given twice")
        data[key] = value
    return data

"""One setting: its key, its default, and what of the text in `QSettings` it takes, by the codec as from any file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Final
from typing import Generic
from typing import Literal
from typing import Protocol
from typing import TypeVar
from typing import overload

from PySide6.QtCore import QByteArray

from sounddesk.domain.limits import Range
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json

Value = TypeVar("Value")
Word = TypeVar("Word", bound=str)

# As an INI file has them.
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}")
_SWITCHES: Final = {"true": True, "false": False}

# The value, and what of the stored one could not be used, a sentence each.
Found = tuple[Value, tuple[str, ...]]


class Store(Protocol):
    """Where settings are kept."""

    def stored(self, key: str) -> Any:
        """What is kept under a key; None for nothing. Raises: FieldError, it cannot be told what it is."""

    def store(self, key: str, value: Any) -> None:
        """Keep a value that the store can hold."""


class Setting(Generic[Value]):
    """One setting, declared once as an attribute of a store: its key is the attribute's name.

    What is stored and cannot be read, or is out of range, counts as the default; what is set and out of range is
    refused or clipped, so that it is never stored.
    """

    def __init__(
        self, default: Value, *, read: Callable[[str, Any], Found[Value]], write: Callable[[str, Value], Any]
    ) -> None:
        """`read` and `write` are given the key too, for their messages; what `read` raises (FieldError) is odd."""
        self.default = default
        self._read = read
        self._write = write

    def __set_name__(self, _owner: type[object], name: str) -> None:
        self.attribute = name
        self.key = name.removeprefix("_")

    @overload
    def __get__(self, store: None, owner: type[object]) -> Setting[Value]: ...
    @overload
    def __get__(self, store: Store, owner: type[object]) -> Value: ...
    def __get__(self, store: Store | None, owner: type[object]) -> Setting[Value] | Value:
        if store is None:
            return self
        return self.found(store)[0]

    def __set__(self, store: Store, value: Value) -> None:
        store.store(self.key, self._write(self.key, value))

    def found(self, store: Store) -> Found[Value]:
        """The value, and what is odd about the stored one: its key, what it is, and what is expected."""
        try:
            stored = store.stored(self.key)
            # Some are stored as nothing where they are not set.
            is_unset = stored is None or (isinstance(stored, str) and not stored)
            return (self.default, ()) if is_unset else self._read(self.key, stored)
        except FieldError as error:
            return self.default, (str(error),)


def choice(*choices: Word, default: Word | None = None) -> Setting[Word]:
    """One of some words. Setting another one raises ValueError."""

    def write(key: str, value: Word) -> Word:
        if value not in choices:
            raise ValueError(f"{key} is {value!r}: choose one of {', '.join(choices)}")
        return value

    return Setting(default or choices[0], read=_whole_value(Literal[choices]), write=write)


def text(default: str = "") -> Setting[str]:
    """Any words; none at all count as the default."""
    return Setting(default, read=_whole_value(str), write=lambda _key, value: value)


def whole(default: int, *, low: int, high: int) -> Setting[int]:
    """A whole number from `low` to `high`."""
    kind: Any = Annotated[int, Range(low, high)]

    def read(key: str, stored: Any) -> Found[int]:
        number = int(stored) if isinstance(stored, str) and _WHOLE.fullmatch(stored) else stored
        return decode(kind, number, where=key), ()

    return Setting(default, read=read, write=lambda _key, value: min(max(int(value), low), high))


def switch(default: bool) -> Setting[bool]:
    """On or off."""

    def read(key: str, stored: Any) -> Found[bool]:
        return decode(bool, _SWITCHES.get(stored, stored) if isinstance(stored, str) else stored, where=key), ()

    return Setting(default, read=read, write=lambda _key, value: bool(value))


def file_path() -> Setting[Path | None]:
    """A file or folder, or none."""
    return Setting(None, read=_whole_value(Path), write=lambda _key, value: "" if value is None else str(value))


def qt_bytes() -> Setting[QByteArray]:
    """Bytes in Qt's own format."""

    def read(key: str, stored: Any) -> Found[QByteArray]:
        if not isinstance(stored, QByteArray):
            raise FieldError(f"{key} holds no bytes of Qt's")
        return stored, ()

    return Setting(QByteArray(), read=read, write=lambda _key, value: value)


def by_name(kind: Any) -> Setting[Mapping[str, Any]]:
    """Values of a kind that the codec knows, by name; one that cannot be used is left out, the others are kept."""

    def read(key: str, stored: Any) -> Found[Mapping[str, Any]]:
        return _usable(key, decode(dict[str, Any], _from_json(key, stored), where=key), kind)

    return Setting({}, read=read, write=lambda _key, value: json.dumps(encode(dict(value))))


def list_of(kind: Any) -> Setting[tuple[Any, ...]]:
    """Values of a kind that the codec knows; one that cannot be used is left out, the others are kept."""

    def read(key: str, stored: Any) -> Found[tuple[Any, ...]]:
        values = decode(list[Any], _from_json(key, stored), where=key)
        usable, odd = _usable(key, dict(enumerate(values)), kind)
        return tuple(usable.values()), odd

    return Setting((), read=read, write=lambda _key, value: json.dumps(encode(list(value))))


def value_of(kind: type[Value]) -> Setting[Value | None]:
    """A dataclass, or none; keys that another version wrote are left alone."""

    def read(key: str, stored: Any) -> Found[Value | None]:
        return decode(kind, _from_json(key, stored), unknown="ignore", where=key), ()

    return Setting(None, read=read, write=lambda _key, value: "" if value is None else json.dumps(encode(value)))


def _whole_value(kind: Any) -> Callable[[str, Any], Found[Any]]:
    return lambda key, stored: (decode(kind, stored, where=key), ())


def _from_json(key: str, stored: Any) -> Any:
    try:
        return parse_json(decode(str, stored))
    except FieldError as error:
        raise FieldError(f"{key}: {error}") from None


def _usable(key: str, values: Mapping[Any, Any], kind: Any) -> Found[dict[Any, Any]]:
    usable, odd = {}, []
    for name, value in values.items():
        try:
            usable[name] = decode(kind, value, unknown="ignore", where=f"{key}[{name}]")
        except FieldError as error:
            odd.append(str(error))
    return usable, tuple(odd)

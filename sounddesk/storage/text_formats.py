"""Where JSON, JSON Lines, TOML, YAML and CSV from outside become plain values; nothing else in the package parses them.

One rule for all five: bounded length, depth and integers, finite numbers, no key twice, no NUL, and only what JSON
knows (no dates, no YAML aliases, which make a small text huge). A reader that gets a value can trust all of that.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.foreign_file import open_foreign_file

MAX_TEXT_BYTES: Final = 64 << 20
MAX_DEPTH: Final = 64
_BLOCK_BYTES: Final = 1 << 20
_MAX_DIGITS: Final = 20
_MAX_WHOLE: Final = 2**64
_MAX_SHOWN: Final = 60
# How many values one text may hold, bounded by what stands between them. Python makes up to 250 bytes of a value, and
# the parsers of TOML and YAML, which are written in Python, take up to 100 microseconds for it.
_MAX_JSON_VALUES: Final = 3_000_000
_MAX_SLOW_VALUES: Final = 100_000
_MAX_SLOW_LENGTH: Final = 4 << 20
_MAX_CELLS: Final = 6_000_000
_MAX_LINES: Final = 1_000_000
# tomllib takes the square of their number for the parts of a dotted key.
_LONG_TOML_KEY: Final = re.compile(
    r"""(?<![\w-])(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')(?:[ \t]*+\.[ \t]*+(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')){64}"""
)
# Halves of surrogate pairs, which JSON can spell and UTF-8 cannot. Those that Python makes of names of files that are
# no UTF-8 (U+DC80 to U+DCFF) are found in our own texts.
_NO_TEXT: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class FieldError(BadInputError, ValueError):
    """A text is not of its format, or a value in it is missing, of the wrong kind or out of range.

    The message names the place ('objects[1].seeds[0]'), the value, and what is expected there.
    """


def read_json(path: Path, *, max_bytes: int = MAX_TEXT_BYTES, allow_infinite: bool = False) -> Any:
    """The value of a JSON file.

    Args:
        max_bytes: larger files are not read.
        allow_infinite: for configurations that a library wrote for itself: diffusers' schedulers hold infinite numbers.

    Raises:
        FieldError: names the file and what is wrong.
        OSError: the file cannot be read.
    """
    text = _read_text(path, max_bytes=max_bytes)
    return _named(path, lambda each: _json(each, allow_infinite=allow_infinite), text)


def read_object(path: Path, *, allow_infinite: bool = False) -> dict[str, Any]:
    """The keys and values of a JSON file; arguments and errors are those of `read_json`."""
    data = read_json(path, allow_infinite=allow_infinite)
    if not isinstance(data, dict):
        raise FieldError(f"{path} is {describe(data)}: expected an object of keys and values")
    return data


def read_json_lines(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> Iterator[tuple[int, Any]]:
    """The values of a JSON Lines file with their line numbers, blank lines left out. Raises: FieldError, OSError."""
    text = _read_text(path, max_bytes=max_bytes)
    if text.count("\n") > _MAX_LINES:
        raise FieldError(f"{path} has more than {_MAX_LINES:,} lines: split it")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, parse_json(line)
            except FieldError as error:
                raise FieldError(f"{path}, line {number}: {error}") from None


def read_toml(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> dict[str, Any]:
    """The tables of a TOML file. Raises: FieldError, which names the file; OSError."""
    found: dict[str, Any] = _named(path, parse_toml, _read_text(path, max_bytes=max_bytes))
    return found


def read_yaml(path: Path, *, max_bytes: int = MAX_TEXT_BYTES) -> Any:
    """The value of a YAML file. Raises: FieldError, which names the file; OSError."""
    return _named(path, parse_yaml, _read_text(path, max_bytes=max_bytes))


def read_csv(path: Path, *, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, as `parse_csv` gives them. Raises: FieldError, which names the file; OSError."""
    text = _read_text(path, max_bytes=MAX_TEXT_BYTES)
    found: list[dict[str, str]] = _named(path, lambda each: parse_csv(each, columns=columns), text)
    return found


def parse_json(text: str | bytes, *, allow_nul: bool = False) -> Any:
    """The value of a JSON text, strictly.

    Args:
        allow_nul: for texts that sounddesk itself wrote before NUL was refused.

    Raises:
        FieldError: with line and column, the doubled key, or the place of a value that is out of bounds.
    """
    return _json(_decoded(text), allow_nul=allow_nul)


def _json(text: str, *, allow_nul: bool = False, allow_infinite: bool = False) -> Any:
    _few_enough(text, (",", "[", "{"), most=_MAX_JSON_VALUES)
    try:
        value = json.loads(
            text,
            parse_constant=None if allow_infinite else _refuse_constant,
            parse_int=_whole,
            object_pairs_hook=_unique_keys,
        )
    except json.JSONDecodeError as error:
        raise FieldError(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise FieldError(_TOO_DEEP) from None
    return _checked(value, allow_nul=allow_nul, allow_infinite=allow_infinite)


def parse_toml(text: str | bytes) -> dict[str, Any]:
    """The tables of a TOML text. Raises: FieldError."""
    text = _short_enough(_decoded(text))
    if _LONG_TOML_KEY.search(text):
        raise FieldError(_TOO_DEEP)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FieldError(f"not TOML: {error}") from None
    except RecursionError:
        raise FieldError(_TOO_DEEP) from None
    except ValueError:
        raise FieldError("a number has too many digits") from None
    return dict(_checked(value))


def parse_yaml(text: str | bytes) -> Any:
    """The value of a YAML text with one document. Raises: FieldError."""
    import yaml

    from sounddesk.storage.strict_yaml import StrictLoader

    text = _short_enough(_decoded(text))
    try:
        value = yaml.load(text, Loader=StrictLoader)  # derives from SafeLoader
    except yaml.YAMLError as error:
        raise FieldError(f"not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise FieldError(_TOO_DEEP) from None
    except ValueError as error:
        raise FieldError(f"not YAML: {str(error)[:_MAX_SHOWN]}") from None
    return _checked(value)


def parse_csv(text: str | bytes, *, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV text by the columns that its first line names; what a short row lacks is ''.

    Args:
        columns: those that must be there.

    Raises:
        FieldError: with the line, or the columns that are missing.
    """
    text = _few_enough(_decoded(text), (",", "\n", "\r"), most=_MAX_CELLS)
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    try:
        width = len(reader.fieldnames or ())
        # Short rows get all columns.
        if width * (text.count("\n") + text.count("\r")) > _MAX_CELLS:
            raise FieldError(f"has {width:,} columns and too many rows, which no file of its kind has")
        rows = list(reader)
    except csv.Error as error:
        raise FieldError(f"not CSV after line {reader.line_num}: {error}") from None
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise FieldError(f"lacks the columns {', '.join(missing)}")
    return list(_checked(rows))


_TOO_DEEP: Final = "lists and objects are nested too deeply"


def describe(value: Any) -> str:
    """A value as messages show it: short, and as the file spells it."""
    if isinstance(value, dict):
        return "an object of keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = type(value).__name__
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def _named(path: Path, parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except FieldError as error:
        raise FieldError(f"{path}: {error}") from None


def _read_text(path: Path, *, max_bytes: int) -> str:
    # In blocks: reading up to a limit at once would ask for the limit's memory, however short the file.
    data = bytearray()
    with open_foreign_file(path) as file:
        while len(data) <= max_bytes and (block := file.read(_BLOCK_BYTES)):
            data += block
    if len(data) > max_bytes:
        raise FieldError(f"{path} is larger than {max_bytes >> 20} MiB, which no file of its kind is")
    try:
        return _decoded(bytes(data), max_bytes=max_bytes)
    except FieldError as error:
        raise FieldError(f"{path}: {error}") from None


def _decoded(text: str | bytes, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    if len(text) > max_bytes:
        raise FieldError(f"the text is larger than {max_bytes >> 20} MiB")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FieldError(f"not UTF-8 at byte {error.start}: save it as UTF-8") from None
    # Some editors of Windows begin a file so.
    return text.removeprefix("\ufeff")


def _refuse_constant(constant: str) -> Any:
    raise FieldError(f"{constant} is not a JSON number")


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS + 1:
        raise FieldError(f"{digits[:8]}... has {len(digits)} digits: at most {_MAX_DIGITS} are allowed")
    return int(digits)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        doubled, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise FieldError(f"key {doubled!r} is given twice")
    return data


def _short_enough(text: str) -> str:
    """The text, unless a parser that is written in Python would be busy with it for long."""
    if len(text) > _MAX_SLOW_LENGTH:
        raise FieldError(f"the text is larger than {_MAX_SLOW_LENGTH >> 20} MiB")
    return _few_enough(text, (",", "\n", "[", "{"), most=_MAX_SLOW_VALUES)


def _few_enough(text: str, marks: Sequence[str], *, most: int) -> str:
    """The text, unless it can hold more values than `most`: counted by what stands between them, before any is made."""
    if sum(text.count(mark) for mark in marks) > most:
        raise FieldError(f"holds more than {most:,} values, which no file of its kind does")
    return text


def _checked(value: Any, *, allow_nul: bool = False, allow_infinite: bool = False) -> Any:
    """The value itself, once all of it is within bounds; a loop, because the value may be nested deeply."""
    # Of each list and object that is being looked through: what is still to come, and the key of what is in hand.
    to_come: list[Iterator[tuple[str | int, Any]]] = [iter([("", value)])]
    keys: list[str | int] = [""]
    while to_come:
        entry = next(to_come[-1], None)
        if entry is None:
            to_come.pop()
            keys.pop()
            continue
        keys[-1], each = entry
        if isinstance(each, dict | list):
            if len(keys) > MAX_DEPTH:
                raise FieldError(_TOO_DEEP)
            if isinstance(each, dict):
                _check_keys(each, keys, allow_nul=allow_nul)
            to_come.append(iter(each.items() if isinstance(each, dict) else enumerate(each)))
            keys.append("")
        elif isinstance(each, str):
            if "\0" in each and not allow_nul:
                raise FieldError(f"{_place(keys) or 'the text'} holds a NUL character: remove it")
            if _NO_TEXT.search(each):
                raise FieldError(f"{_place(keys) or 'the text'} holds half a character: write it as UTF-8")
        elif isinstance(each, bool) or each is None:
            continue
        elif isinstance(each, int):
            if abs(each) > _MAX_WHOLE:
                raise FieldError(f"{_place(keys) or 'the number'} has more than {_MAX_DIGITS} digits")
        elif isinstance(each, float):
            if not (allow_infinite or math.isfinite(each)):
                raise FieldError(f"{_place(keys) or 'the number'} is {each}: expected a finite number")
        else:
            raise FieldError(f"{_place(keys) or 'the value'} is a {type(each).__name__}: write it in quotes")
    return value


def _check_keys(data: dict[Any, Any], keys: Sequence[str | int], *, allow_nul: bool) -> None:
    """Raise FieldError for a key that is no text; `keys` leads to the object itself."""
    for key in data:
        if not isinstance(key, str):
            raise FieldError(f"{_place(keys) or 'the file'} has the key {describe(key)}: keys must be text")
        if "\0" in key and not allow_nul:
            raise FieldError(f"the key {key!r} holds a NUL character: remove it")
        if _NO_TEXT.search(key):
            raise FieldError(f"the key {key!r} holds half a character: write it as UTF-8")


def _place(keys: Sequence[str | int]) -> str:
    """Where a value is, as in 'objects[1].seeds[0]'; '' for the whole."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")

"""What every reader of outside text refuses before anything is made of it."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.storage import text_formats
from sounddesk.storage.strict_yaml import dump_yaml
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_csv
from sounddesk.storage.text_formats import parse_json
from sounddesk.storage.text_formats import parse_toml
from sounddesk.storage.text_formats import parse_yaml
from sounddesk.storage.text_formats import read_csv
from sounddesk.storage.text_formats import read_json
from sounddesk.storage.text_formats import read_json_lines
from sounddesk.storage.text_formats import read_toml
from sounddesk.storage.text_formats import read_yaml

BILLION_LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_json, "", "not JSON at line 1, column 1"),
        (parse_json, '{"a": 1,}', "not JSON at line 1"),
        (parse_json, '{"a": 1, "a": 2}', "key 'a' is given twice"),
        (parse_json, '{"a": NaN}', "NaN is not a JSON number"),
        (parse_json, '{"a": [1, 1e999]}', r"a\[1\] is inf: expected a finite number"),
        (parse_json, '{"a": %s}' % ("9" * 5000), "has 5000 digits: at most 20"),
        (parse_json, "[" * 100_000, "nested too deeply"),
        (parse_json, "[" * 80 + "]" * 80, "nested too deeply"),
        (parse_json, '{"a": {"b": "x\\u0000"}}', r"a\.b holds a NUL character"),
        (parse_json, '{"x\\u0000": 1}', "holds a NUL character"),
        (parse_json, b'"\xff"', "not UTF-8 at byte 1"),
        (parse_json, '{"a": ["\\ud800"]}', r"a\[0\] holds half a character"),
        (parse_json, '{"\\udfff": 1}', "holds half a character"),
        (parse_toml, "a = 1\na = 2", "not TOML"),
        (parse_toml, "a = 2024-05-01", "a is a date: write it in quotes"),
        (parse_toml, "a = 07:32:00", "a is a time: write it in quotes"),
        (parse_toml, "a = inf", "a is inf: expected a finite number"),
        (parse_toml, f"a = {'9' * 5000}", "too many digits"),
        (parse_toml, f"a = {'9' * 40}", "a has more than 20 digits"),
        (parse_toml, "a = " + "[" * 100_000, "nested too deeply"),
        (parse_toml, ".".join("a" * 80) + " = 1", "nested too deeply"),
        (parse_toml, 'a = "x\\u0000"', "a holds a NUL character"),
        (parse_yaml, BILLION_LAUGHS, r"the alias \*a is not allowed: write the value out"),
        (parse_yaml, "a: 1\na: 2", "key 'a' is given twice"),
        (parse_yaml, "a: 2024-05-01", "a is a date: write it in quotes"),
        (parse_yaml, "a: .nan", "a is nan: expected a finite number"),
        (parse_yaml, "1: x", "has the key 1: keys must be text"),
        (parse_yaml, f"a: {'9' * 5000}", "not YAML"),
        (parse_yaml, "[" * 5_000, "nested too deeply|not YAML"),
        (parse_yaml, "a: !!python/object/apply:os.getcwd []", "not YAML"),
        (parse_yaml, 'a: "x\\0"', "a holds a NUL character"),
        (parse_yaml, "a: b: c", "not YAML: mapping values are not allowed here"),
    ],
)
def test_what_is_refused(parse: Callable[[Any], Any], text: str | bytes, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        parse(text)


HEADER = ",".join(f"c{number}" for number in range(5000))
MANY = {
    "json numbers": (parse_json, "[" + "0," * 3_000_000 + "0]"),
    "json objects": (parse_json, "[" + "{}," * 1_500_000 + "0]"),
    "yaml lines": (parse_yaml, "- 0\n" * 100_001),
    "yaml in one line": (parse_yaml, "[" + "0," * 100_000 + "0]"),
    "yaml text": (parse_yaml, "a: " + "b" * (4 << 20)),
    "toml keys": (parse_toml, "".join(f"a{number}=0\n" for number in range(100_001))),
    "toml text": (parse_toml, "a = '" + "b" * (4 << 20) + "'"),
    # Of these tomllib takes the square of the parts.
    "toml parts": (parse_toml, "a." * 1_000_000 + "b = 0"),
    "toml parts in quotes": (parse_toml, "[" + "'a' . " * 100_000 + "b]"),
    # A short row gets all columns.
    "csv columns": (lambda text: parse_csv(text, columns=("c0",)), HEADER + "\n" + "0\n" * 5000),
    "csv cells": (lambda text: parse_csv(text, columns=("c0",)), "c0,c1\n" + "," * 6_000_000),
}


@pytest.mark.parametrize("name", MANY)
def test_too_many_values_are_refused_before_any_is_made(name: str) -> None:
    parse, text = MANY[name]
    begin_s = time.process_time()
    with pytest.raises(FieldError, match="holds more than|larger than|nested too deeply|too many rows"):
        parse(text)
    assert time.process_time() - begin_s < 2


def test_the_places_of_many_values_are_not_kept() -> None:
    text = "[" + "0," * 100_000 + '{"a": "\\u0000"}]'
    tracemalloc.start()
    try:
        with pytest.raises(FieldError, match=r"^\[100000\]\.a holds a NUL"):
            parse_json(text)
        # The list alone has 0.8 MB.
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


def test_json_lines_are_counted_before_the_first_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n" * 1_000_001)
    with pytest.raises(FieldError, match="more than 1,000,000 lines: split it"):
        list(read_json_lines(path))


def test_what_is_read() -> None:
    assert parse_json('\ufeff{"a": [1, 2.5, true, null, "\\u00e4"]}') == {"a": [1, 2.5, True, None, "ä"]}
    assert parse_json(str(2**63 - 1)) == 2**63 - 1
    # A pair that belongs together, and what Python makes of a file's name in Latin-1.
    assert parse_json('["\\ud83d\\udc36", "\\udce9.png"]') == ["\U0001f436", "\udce9.png"]
    assert parse_toml("[a]\nb = [1, 2]") == {"a": {"b": [1, 2]}}
    assert parse_yaml("a: {b: [1, x]}") == {"a": {"b": [1, "x"]}}
    assert parse_yaml("") is None


# Halves of a character are refused, as no text in UTF-8 can hold them.
TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(TEXT),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(TEXT), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_json_value_survives(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize("read", [read_json, read_toml, read_yaml, lambda path: list(read_json_lines(path))])
def test_readers_name_the_file(read: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "it.txt"
    path.write_bytes(b'{"a": \xff')
    with pytest.raises(FieldError, match=r"it\.txt: not UTF-8 at byte 6"):
        read(path)
    path.write_text("{]")
    with pytest.raises(FieldError, match=r"it\.txt"):
        read(path)


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.json"
    path.write_text("[" + "1," * (1 << 20) + "1]")
    monkeypatch.setattr(text_formats.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(FieldError, match=r"large\.json is larger than 1 MiB"):
        read_json(path, max_bytes=1 << 20)


def test_json_lines_have_numbers_and_blank_ones_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n[2]\n')
    assert list(read_json_lines(path)) == [(1, {"a": 1}), (3, [2])]
    path.write_text("1\n2\n{\n")
    with pytest.raises(FieldError, match=r"rows\.jsonl, line 3: not JSON"):
        list(read_json_lines(path))


def test_a_library_may_write_infinite_numbers_for_itself(tmp_path: Path) -> None:
    path = tmp_path / "scheduler_config.json"
    path.write_text('{"lambda_min_clipped": -Infinity}')
    with pytest.raises(FieldError, match="-Infinity is not a JSON number"):
        read_json(path)
    assert read_json(path, allow_infinite=True) == {"lambda_min_clipped": float("-inf")}


def test_nothing_else_in_the_package_parses_text() -> None:
    parsers = re.compile(r"json\.loads?\(|^\s*(?:import|from) tomllib|\byaml\.\w*load", re.MULTILINE)
    package = Path(text_formats.__file__).parents[1]
    found = {path.name for path in package.rglob("*.py") if parsers.search(path.read_text(encoding="utf-8"))}
    assert found == {"text_formats.py"}


def test_what_is_written_as_yaml_is_read_again() -> None:
    shared = ["a", 1, None]
    data = {"one": shared, "two": {"three": shared, "ü": 2.5}}
    assert parse_yaml(dump_yaml(data)) == data


def test_rows_of_csv_are_whole_text_whatever_their_lines_lack(tmp_path: Path) -> None:
    text = '\ufeffa,b\r\n1,"x, ""y""\nz"\r\n2\r\n3,4,5\r\n'
    rows = [(row["a"], row["b"]) for row in parse_csv(text.encode(), columns=("b", "a"))]
    assert rows == [("1", 'x, "y"\nz'), ("2", ""), ("3", "4")]
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(FieldError, match=r"t\.csv: not UTF-8 at byte 4"):
        read_csv(tmp_path / "t.csv", columns=("a",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the columns a, b"),
        ("a\n1\n", "lacks the columns b"),
        ("a,b\n1,\0\n", "NUL"),
        (f"a,b\n{'x' * 200_000},1\n", "not CSV after line 1: field larger"),
    ],
)
def test_csv_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        parse_csv(text, columns=("a", "b"))

"""Types, limits, keys and places of values on their way between files and dataclasses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import Literal

import pytest

from sounddesk.domain.limits import Range
from sounddesk.domain.limits import Sha256
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.timeline import Clip
from sounddesk.domain.timeline import Marker
from sounddesk.storage.codec import decode
from sounddesk.storage.codec import encode
from sounddesk.storage.text_formats import FieldError


@dataclass(frozen=True, kw_only=True)
class Part:
    class_name: str = field(metadata={"key": "class"})
    number: Annotated[int, Range(0, 9)]
    letter: Literal["a", "b"] = "a"
    size: float = field(default=1.0, metadata={"omit_default": True})
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.letter == "b" and not self.number:
            raise ValueError("letter 'b' needs a number: give one")


@dataclass(frozen=True, kw_only=True)
class Whole:
    parts: tuple[Part, ...]
    by_name: Mapping[str, Part] = field(default_factory=dict)
    path: Path | None = None
    sha256: Sha256 | None = None
    pair: tuple[float, float] | None = None
    flag: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


GOOD = {
    "parts": [{"class": "x", "number": 3, "letter": "b"}],
    "by_name": {"one part": {"class": "y", "number": 0, "letter": "a", "size": 2.5}},
    "path": "/a/b",
    "sha256": "0" * 64,
    "pair": [1, 2.5],
    "flag": True,
}


def test_there_and_back() -> None:
    made = decode(Whole, GOOD)
    assert made.parts == (Part(class_name="x", number=3, letter="b"),)
    assert made.path == Path("/a/b")
    assert made.pair == (1.0, 2.5)
    assert isinstance(made.pair[0], float)
    assert encode(made) == GOOD
    assert json.loads(json.dumps(encode(made))) == GOOD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": "xyz"}, '^parts is "xyz": expected a list$'),
        ({"parts": [3]}, r"^parts\[0\] is 3: expected an object of keys and values$"),
        (
            {"parts": [{"class": 1, "number": True}]},
            r"parts\[0\]\.class is 1: expected text; .*number is true",
        ),
        ({"parts": [{"class": "x", "number": 10}]}, r"parts\[0\]\.number is 10: expected 0 to 9"),
        ({"parts": [{"class": "x", "number": 1.0}]}, r"number is 1.0: expected a whole number"),
        ({"parts": [{"class": "x"}]}, r"parts\[0\]\.number is missing: expected a whole number"),
        ({"parts": [{"class": "x", "number": 1, "letter": "c"}]}, r"letter is 'c': expected one of 'a', 'b'"),
        ({"parts": [{"class": "x", "number": 0, "letter": "b"}]}, r"parts\[0\]: letter 'b' needs a number"),
        ({"parts": [{"class": "x", "number": 0, "size": float("nan")}]}, r"size is nan: expected a finite number"),
        ({"by_name": {"one part": {}}}, r"by_name\.'one part'\.class is missing"),
        ({"by_name": []}, "by_name is a list: expected an object"),
        ({"path": 3}, "path is 3: expected a path or null"),
        ({"sha256": "xyz"}, "sha256 is 'xyz': expected the 64 hexadecimal digits"),
        ({"pair": [1]}, "pair has 1 values: expected 2"),
        ({"pair": [1, None]}, r"pair\[1\] is null: expected a number"),
        ({"flag": 1}, "flag is 1: expected true or false"),
        ({"flga": True}, "flga is not a key of this version"),
        ({"extra": {}}, "extra is not a key of this version"),
        ({"class_name": "x"}, "class_name is not a key"),
        ({"parts": [7, 8, 9, 10, 11]}, r"parts\[2\] is 9: .*; and 2 more$"),
    ],
)
def test_messages_name_place_value_and_what_is_expected(change: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        decode(Whole, {**GOOD, **change})


def test_the_place_of_the_whole_stands_before_all() -> None:
    with pytest.raises(FieldError, match=r"^model\[3\]\.flag is 1"):
        decode(Whole, {**GOOD, "flag": 1}, where="model[3]")
    with pytest.raises(FieldError, match="^the file is null: expected an object"):
        decode(Whole, None)


def test_unknown_keys_are_kept_at_every_level_where_that_is_asked_for() -> None:
    data = json.loads(json.dumps(GOOD))
    data["new"] = [1]
    data["parts"][0]["newer"] = {"a": None}
    assert encode(decode(Whole, data, unknown="keep")) == data
    assert encode(decode(Whole, data, unknown="ignore")) == GOOD


def test_what_is_a_value_of_the_type_already_stays() -> None:
    part = Part(class_name="x", number=1)
    assert decode(Whole, {"parts": [part]}).parts == (part,)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e308, -1.0, -1e308])
@pytest.mark.parametrize(
    ("kind", "name", "rest"),
    [
        *(
            (Clip, name, {"id": "c", "object_id": "o", "take_id": "t", "start_s": 0.0, "duration_s": 1.0})
            for name in ("start_s", "duration_s", "offset_s", "fade_in_s", "fade_out_s", "loop_crossfade_s")
        ),
        (Marker, "time_s", {"id": "m"}),
        *((ProjectSettings, name, {}) for name in ("start_timecode_s", "timeline_s", "seconds", "guidance")),
    ],
)
def test_times_out_of_all_bounds_are_refused(kind: type, name: str, rest: dict[str, object], value: float) -> None:
    with pytest.raises(FieldError):
        decode(kind, {**rest, name: value})

from __future__ import annotations

import io
import json

import pytest

from sounddesk.cli.console import Console
from sounddesk.cli.printable import printable
from sounddesk.engine.tasks import Progress


def streams(encoding: str = "utf-8") -> tuple[io.TextIOWrapper, io.TextIOWrapper]:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding), io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(stream.encoding)


def use(console: Console) -> None:
    console.say("said")
    console.note("noted")
    console.progress(Progress(stage="denoise", done=0, total=2, elapsed_s=0.0))
    console.document({"made": 1})


@pytest.mark.parametrize(
    ("quiet", "as_json", "on_out", "on_err"),
    [
        (False, False, "said\n", ["noted", "denoise"]),
        (True, False, "", []),
        (False, True, '{\n  "made": 1\n}\n', ["noted", "denoise"]),
        (True, True, '{\n  "made": 1\n}\n', []),
    ],
)
def test_who_hears_what(quiet: bool, as_json: bool, on_out: str, on_err: list[str]) -> None:
    out, err = streams()
    use(Console(quiet=quiet, as_json=as_json, out=out, err=err))
    assert text(out) == on_out
    assert [line.split()[0] for line in text(err).splitlines()] == on_err


@pytest.mark.parametrize("quiet", [False, True])
def test_errors_are_always_heard(quiet: bool) -> None:
    out, err = streams()
    Console(quiet=quiet, as_json=True, out=out, err=err).error("it broke", exit_code=3)
    assert text(err) == "sounddesk: it broke\n"
    assert json.loads(text(out)) == {"ok": False, "exit_code": 3, "error": "it broke"}


@pytest.mark.parametrize("name", ["🐶", "\udcff.png", "שלום"])
def test_no_name_is_too_odd_for_a_terminal(name: str) -> None:
    for encoding in ("ascii", "cp1252", "utf-8"):
        out, err = streams(encoding)
        console = Console(out=out, err=err)
        console.say(name)
        console.error(name, exit_code=2)
        assert text(out)
        assert text(err)


@pytest.mark.parametrize(
    "hostile",
    [
        "mit\x1b[1A\x1b[2K",
        "a\rb",
        "mit\n  commercial use: allowed",
        "\x9b2J",
        "\x07\x08\x00\x7f",
        "gnp.\u202egod",
        "one\u2028two",
    ],
)
def test_what_others_wrote_cannot_move_the_cursor_or_end_its_line(hostile: str) -> None:
    out, err = streams()
    console = Console(out=out, err=err)
    console.say(hostile)
    console.note(hostile)
    console.progress(Progress(stage=hostile, done=0, total=2, elapsed_s=0.0))
    console.error(hostile, exit_code=2)
    shown = text(out) + text(err)
    assert len(shown.splitlines()) == 4
    assert [each for each in shown if each != "\n" and not each.isprintable()] == []
    assert not set("\u202e\u2028\x9b") & set(shown)


def test_only_what_a_terminal_obeys_is_escaped_and_very_long_texts_are_cut() -> None:
    assert printable("Größe 10 µm, 👩‍👩‍👧, שלום\tx") == "Größe 10 µm, 👩‍👩‍👧, שלום\tx"
    assert printable("a\x1bb") == "a\\x1bb"
    assert len(printable("x" * 10**6)) == 4_000

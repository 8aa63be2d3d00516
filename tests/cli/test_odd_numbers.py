"""Every option of every command that takes a number, with numbers that nobody means: refused in a sentence."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sounddesk.cli import main as command_line
from sounddesk.cli.exit_codes import ExitCode

ODD = ("nan", "-inf", "-0", "1e400", "9" * 5000, "1_0x", "", "1/0", str(2**63), "1e-400")


def parsers() -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """The words of each command, and the parser that reads what follows them."""
    for name in command_line._SUBCOMMANDS:
        parser = command_line._Parser(prog=f"sounddesk {name}")
        importlib.import_module(f"sounddesk.cli.{name}").configure(parser)
        yield from below((name,), parser)


def below(
    words: tuple[str, ...], parser: argparse.ArgumentParser
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    nested = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not nested:
        yield words, parser
    for each in nested:
        for name, inner in each.choices.items():
            yield from below((*words, name), inner)


def takes_number(action: argparse.Action) -> bool:
    if not action.option_strings or action.type is None:
        return False
    try:
        return isinstance(action.type("1"), int | float)  # type: ignore[operator]
    except (argparse.ArgumentTypeError, ValueError, TypeError):
        return False


CASES = [
    pytest.param(words, parser, option, id=" ".join((*words, option.option_strings[-1])))
    for words, parser in parsers()
    for option in parser._actions
    if takes_number(option)
]


def test_the_commands_have_such_options() -> None:
    assert len(CASES) > 30


@pytest.mark.parametrize(("words", "parser", "option"), CASES)
def test_odd_numbers_are_refused_in_a_sentence(
    words: tuple[str, ...],
    parser: argparse.ArgumentParser,
    option: argparse.Action,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    # What is needed besides is not there either, so that a value that means something starts no work.
    needed: list[str] = []
    for each in parser._actions:
        if each.required and each is not option:
            count = each.nargs if isinstance(each.nargs, int) else 1
            needed += [*each.option_strings[-1:], *["none/x.png"] * count]
    for odd in ODD:
        count = option.nargs if isinstance(option.nargs, int) else 1
        name = option.option_strings[-1]
        given = [f"{name}={odd}"] if count == 1 else [name, *[odd] * count]
        assert command_line.main([*words, *needed, *given]) == ExitCode.BAD_INPUT, (odd[:20], capsys.readouterr().err)
        error = capsys.readouterr().err
        assert "Traceback" not in error
        assert "fault of sounddesk" not in error
        assert len(error) < 4500
    assert list(tmp_path.iterdir()) == []

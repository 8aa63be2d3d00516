"""Every exception class of the package: one root, an exit code, no name twice, and a way through a pipe."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest

import sounddesk
from sounddesk.cli.exit_codes import EXIT_CODES
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.exit_codes import exit_code_of
from sounddesk.cli.exit_codes import exit_code_table
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import SounddeskError

# Constructors that take something else than a message and a remedy.
_OTHER_ARGUMENTS = {
    "_Cut": lambda cls: cls("the server is busy", wait_s=2.5),
    "WrongValueError": lambda cls: cls(3, "is 3: expected text"),
    "_NothingLeft": lambda cls: cls(4096),
    "ForeignLockError": lambda cls: cls("a.sdesk is open", remedy="close it there", path=Path("a.sdesk")),
}


def _our_exceptions() -> list[type[BaseException]]:
    found = set()
    for module in pkgutil.walk_packages(sounddesk.__path__, "sounddesk."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and issubclass(value, BaseException) and value.__module__ == module.name:
                found.add(value)
    return sorted(found, key=lambda each: each.__qualname__)


@pytest.fixture(scope="module")
def classes() -> list[type[BaseException]]:
    return _our_exceptions()


def test_each_derives_from_the_root_and_has_an_exit_code(classes: list[type[BaseException]]) -> None:
    assert len(classes) > 40
    assert [each for each in classes if not issubclass(each, SounddeskError)] == []
    unmapped = [each for each in classes if not issubclass(each, tuple(EXIT_CODES)) and each is not SounddeskError]
    assert unmapped == []


def test_none_is_defined_where_the_walk_does_not_look(classes: list[type[BaseException]]) -> None:
    # A class inside a function or another class would escape every other test of this file.
    root = Path(sounddesk.__path__[0])
    written = {
        name
        for path in root.rglob("*.py")
        for name in re.findall(
            r"^\s*class (\w*(?:Error|Exception|Cancelled|Diverged))\(", path.read_text("utf-8"), re.M
        )
    }
    assert written - {each.__name__ for each in classes} == set()


def test_no_name_stands_for_two_classes(classes: list[type[BaseException]]) -> None:
    assert [name for name, count in Counter(each.__name__ for each in classes).items() if count > 1] == []


def test_each_survives_the_way_from_a_worker_process(classes: list[type[BaseException]]) -> None:
    for cls in classes:
        make = _OTHER_ARGUMENTS.get(cls.__name__, lambda cls: cls("seconds is 900", remedy="choose at most 600"))
        error = make(cls)
        arrived = pickle.loads(pickle.dumps(error))
        assert type(arrived) is cls
        assert str(arrived) == str(error)
        assert vars(arrived) == vars(error)
        assert arrived.args == error.args


def test_message_and_remedy_are_joined() -> None:
    error = BadInputError("seconds is 900", remedy="choose at most 600")
    assert str(error) == "seconds is 900: choose at most 600"
    assert (error.message, error.remedy) == ("seconds is 900", "choose at most 600")
    assert str(BadInputError("seconds is 900: choose at most 600")) == "seconds is 900: choose at most 600"


def test_what_is_both_bad_input_and_the_engines_ends_as_bad_input() -> None:
    class BothError(EngineError, BadInputError):
        pass

    assert exit_code_of(BothError()) is ExitCode.BAD_INPUT
    assert exit_code_of(EngineError()) is ExitCode.ENGINE_FAILED
    assert exit_code_of(KeyError()) is ExitCode.FAULT


def test_the_readme_and_the_help_text_name_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    from sounddesk.cli.main import main

    assert all(code.meaning for code in ExitCode)
    assert exit_code_table() in Path("README.md").read_text("utf-8")
    assert main(["--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for code in ExitCode:
        assert f"{int(code)} {code.meaning.replace('`', '')}" in told


def test_no_command_returns_a_number_that_is_not_in_the_table() -> None:
    for path in (Path(sounddesk.__path__[0]) / "cli").glob("*.py"):
        assert not re.search(r"return \d+$|sys\.exit\(\d", path.read_text("utf-8"), re.M), path.name

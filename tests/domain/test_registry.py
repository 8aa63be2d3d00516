from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sounddesk.domain.registry import DuplicateNameError
from sounddesk.domain.registry import Registry
from sounddesk.domain.registry import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Kind:
    name: str


def test_entries_come_back_by_name_and_in_order() -> None:
    kinds: Registry[Kind] = Registry("kind")
    second, first = kinds.register(Kind(name="b")), kinds.register(Kind(name="a"))
    assert kinds.names() == ("b", "a")
    assert list(kinds) == [second, first]
    assert kinds.get("a") is first
    assert "a" in kinds
    assert "c" not in kinds
    assert len(kinds) == 2


def test_a_doubled_name_is_refused_and_leaves_the_first() -> None:
    kinds: Registry[Kind] = Registry("kind")
    first = kinds.register(Kind(name="a"))
    with pytest.raises(DuplicateNameError, match="there is a kind 'a' already"):
        kinds.register(Kind(name="a"))
    with pytest.raises(DuplicateNameError), kinds.added(Kind(name="a")):
        pass
    assert kinds.get("a") is first


def test_an_unknown_name_lists_what_there_is() -> None:
    kinds: Registry[Kind] = Registry("kind")
    kinds.register(Kind(name="a"))
    kinds.register(Kind(name="b"))
    with pytest.raises(UnknownNameError, match="kind is 'c': choose from a, b"):
        kinds.get("c")


def test_an_entry_can_be_added_for_a_block() -> None:
    kinds: Registry[Kind] = Registry("kind")
    with kinds.added(Kind(name="a")) as added:
        assert kinds.get("a") is added
    assert kinds.names() == ()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A package with the entries 'ant', 'zebra' and, in a subpackage, 'wild-bee'."""
    folder = tmp_path / "kinds_for_a_test"
    (folder / "insects").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "from sounddesk.domain.registry import Registry\nKINDS = Registry('kind', package=__name__)\n"
    )
    (folder / "insects" / "__init__.py").touch()
    for file, name in (("zebra", "zebra"), ("ant", "ant"), ("insects/wild_bee", "wild-bee")):
        (folder / f"{file}.py").write_text(
            "from types import SimpleNamespace\nfrom kinds_for_a_test import KINDS\n"
            f"KINDS.register(SimpleNamespace(name={name!r}))\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("kinds_for_a_test")
    for name in [name for name in sys.modules if name.startswith("kinds_for_a_test")]:
        del sys.modules[name]


def test_the_modules_of_a_package_register_their_entries_when_first_asked(package: Any) -> None:
    assert "kinds_for_a_test.ant" not in sys.modules
    assert package.KINDS.names() == ("ant", "wild-bee", "zebra")


def test_an_entry_in_a_module_of_its_name_is_found_without_the_others(package: Any) -> None:
    assert package.KINDS.get("wild-bee").name == "wild-bee"
    assert "kinds_for_a_test.zebra" not in sys.modules
    with pytest.raises(UnknownNameError, match="kind is 'c': choose from ant, wild-bee, zebra"):
        package.KINDS.get("c")
    assert package.KINDS.names() == ("ant", "wild-bee", "zebra")


def test_a_new_file_in_the_package_is_all_that_a_new_entry_takes(package: Any) -> None:
    text = (Path(package.__file__).parent / "ant.py").read_text()
    (Path(package.__file__).parent / "newcomer.py").write_text(text.replace("'ant'", "'newcomer'"))
    assert "newcomer" in package.KINDS
    assert len(package.KINDS) == 4

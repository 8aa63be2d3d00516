from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

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


def test_the_modules_of_a_package_register_their_entries_when_first_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "kinds_for_a_test"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from sounddesk.domain.registry import Registry\nKINDS = Registry('kind', package=__name__)\n"
    )
    entry = "from types import SimpleNamespace\nfrom kinds_for_a_test import KINDS\n"
    (package / "zebra.py").write_text(f"{entry}KINDS.register(SimpleNamespace(name='zebra'))\n")
    (package / "ant.py").write_text(f"{entry}KINDS.register(SimpleNamespace(name='ant'))\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import kinds_for_a_test  # type: ignore[import-not-found]

    assert "kinds_for_a_test.ant" not in sys.modules
    assert kinds_for_a_test.KINDS.names() == ("ant", "zebra")
    for name in ("", ".ant", ".zebra"):
        sys.modules.pop(f"kinds_for_a_test{name}")

"""The examples in docstrings say what happens: each is run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import sounddesk

ROOT = Path(sounddesk.__path__[0])


def modules_with_examples(*, of_the_window: bool = False) -> list[str]:
    """Every module in whose source an example stands; those of the window need its application (tests/app)."""
    return sorted(
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for path in ROOT.rglob("*.py")
        if path.is_relative_to(ROOT / "app") == of_the_window and ">>> " in path.read_text("utf-8")
    )


def run_examples(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name: str) -> None:
    run_examples(name)


def test_the_public_entry_points_have_examples() -> None:
    assert len(modules_with_examples()) >= 12

"""What only the starter does stands in `engine.starter`: general engine code neither imports nor names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sounddesk.engine

ENGINE = Path(sounddesk.engine.__file__).parent
# Judges of sounds and the library of recordings tell kinds themselves: a generation does without both.
APART = ("starter", "perception", "library")
WORDS = re.compile(
    r"starter|closer_?look|prototype|class_?branch|class_?prior|kind_blocks|^kinds$|^classes$", re.IGNORECASE
)
# The registries know the starter's modules by name.
BY_NAME = re.compile(r"sounddesk\.engine\.starter\.\w+")
GENERAL = [path for path in sorted(ENGINE.rglob("*.py")) if path.relative_to(ENGINE).parts[0] not in APART]


def names_in(tree: ast.AST) -> Iterator[str]:
    """Every identifier and every text of the code; docstrings and comments are prose."""
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "", *(alias.name for alias in node.names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield BY_NAME.sub("", node.value)


@pytest.mark.parametrize("path", GENERAL, ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_general_code_does_not_name_what_only_the_starter_does(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [name for name in names_in(tree) if WORDS.search(name)] == []


def test_only_registries_know_the_starters_modules() -> None:
    naming = {path.relative_to(ENGINE).as_posix() for path in GENERAL if BY_NAME.search(path.read_text("utf-8"))}
    assert naming == {
        "bundles/component_classes.py",
        "captioners/registry.py",
        "prompters/registry.py",
        "segmenters/registry.py",
    }

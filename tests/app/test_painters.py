"""Painters end where their paint event ends, also where it fails."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TypeGuard

import sounddesk.app


def _is_painter(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "QPainter"


def test_every_painter_is_ended_by_a_with_statement() -> None:
    """A traceback keeps the frame of a paint event that failed, with it a painter that nobody ended, and Qt crashes."""
    loose, counted = [], 0
    for path in sorted(Path(sounddesk.app.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        ended = {
            item.context_expr
            for node in ast.walk(tree)
            if isinstance(node, ast.With)
            for item in node.items
            if _is_painter(item.context_expr)
        }
        counted += len(ended)
        loose += [f"{path}:{node.lineno}" for node in ast.walk(tree) if _is_painter(node) and node not in ended]
    assert loose == []
    assert counted > 10

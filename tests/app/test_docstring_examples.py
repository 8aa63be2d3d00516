"""The examples in docstrings of the window's modules say what happens: each is run."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from tests.test_docstring_examples import modules_with_examples
from tests.test_docstring_examples import run_examples


@pytest.mark.parametrize("name", modules_with_examples(of_the_window=True))
def test_examples(name: str, qapp: QApplication) -> None:
    run_examples(name)
    assert qapp is not None

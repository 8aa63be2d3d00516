"""Every registered segmenter, held to the contract.

The tiny one comes from the segmenter's own test, as `tiny_segmenter()`: `test_NAME.py` beside this file, or
`tests/engine/NAME/test_segmenter.py`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest

from sounddesk.engine.segmenters.protocol import Segmenter
from sounddesk.engine.segmenters.registry import SEGMENTERS
from tests.engine.segmenters.contract import CHECKS


def tiny(name: str) -> Segmenter:
    for module in (f"tests.engine.segmenters.test_{name}", f"tests.engine.{name}.test_segmenter"):
        try:
            there = find_spec(module) is not None
        except ModuleNotFoundError:
            there = False
        if there:
            return import_module(module).tiny_segmenter()
    raise AssertionError(f"segmenter {name!r} has no test: write tests/engine/segmenters/test_{name}.py")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", SEGMENTERS.names())
@pytest.mark.slow
def test_contract(name: str, check: str) -> None:
    CHECKS[check](SEGMENTERS.get(name), tiny(name))


def test_every_segmenter_of_the_program_is_registered() -> None:
    assert set(SEGMENTERS.names()) >= {"grabcut", "sam", "sam2", "starter"}

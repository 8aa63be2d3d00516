"""Fixtures that several training tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny data, encoders and a bundle to train from; one for each module, whose runs lie in it."""
    from tests.training.tiny_run import build_tiny_work

    return build_tiny_work(tmp_path_factory.mktemp("work"))

"""Fixtures that build real engine parts once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_bundle import build_tiny_bundle


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny bundle; tests that change files build their own."""
    return build_tiny_bundle(tmp_path_factory.mktemp("bundle"))

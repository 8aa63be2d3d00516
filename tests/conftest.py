"""Fixtures that many tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.engine.local_hub import LocalHub

# One thread per test process: two cores are shared with whatever else runs, and results must not depend on them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure. Examples of properties are the same in every run, so that a change fails for what it
# changed. Others are drawn with SOUNDDESK_RANDOM_EXAMPLES=1; what they find becomes an `@example`.
settings.register_profile("sounddesk", deadline=None, derandomize="SOUNDDESK_RANDOM_EXAMPLES" not in os.environ)
settings.load_profile("sounddesk")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz-files", type=int, default=2000, help="damaged files per format (tests/fuzz; default: 2000)"
    )
    parser.addoption(
        "--monkey-seeds", default="1-5", metavar="FIRST-LAST", help="of random gestures (tests/app; default: 1-5)"
    )


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What sounddesk remembers from run to run is the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete bundle of the real classes at tiny size with random weights."""
    from tests.tiny_bundle import build_tiny_bundle

    return build_tiny_bundle(tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def local_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalHub]:
    """A hub on this machine in place of the public one, and a cache of the test's own for what comes from it."""
    from tests.engine.local_hub import local_hub

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with local_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
    )
    if not mounted:
        pytest.skip("only an administrator can mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)

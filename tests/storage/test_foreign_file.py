"""A pipe, a device or a socket in the place of a file is refused by every reader, and keeps none waiting."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sounddesk.domain.errors import SounddeskError
from sounddesk.storage.foreign_file import open_foreign_file
from tests.fuzz.formats import FORMATS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pipes among the files")
# Some report what they cannot read instead of raising; settings are our own.
READERS = {
    reader.__name__: (each.file, reader)
    for each in FORMATS.values()
    for reader in each.readers
    if reader.__name__ not in ("_settings", "_queue", "_rows", "_shard", "_record")
}


@pytest.fixture
def in_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, stop)
    # Some import their libraries first.
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("name", READERS)
def test_a_reader_refuses_a_pipe(tmp_path: Path, name: str) -> None:
    file, reader = READERS[name]
    _refused(reader, tmp_path, file)


def _refused(reader: Callable[[Path], Any], folder: Path, file: str) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    os.mkfifo(folder / file)
    with pytest.raises((SounddeskError, OSError)):
        reader(folder / file)


@pytest.mark.usefixtures("in_time")
def test_only_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"whole")
    (tmp_path / "link").symlink_to("file")
    with open_foreign_file(tmp_path / "link") as file:
        assert file.read() == b"whole"
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        for other in (tmp_path, tmp_path / "pipe", tmp_path / "socket", Path("/dev/zero"), Path("/dev/stdin")):
            with pytest.raises(OSError, match="Is a directory|no ordinary file|No such device"):
                open_foreign_file(other)

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.codec import decode
from sounddesk.storage.path_text import path_of
from sounddesk.storage.path_text import user_data_folder
from sounddesk.storage.text_formats import FieldError

NO_PATHS = {
    "a\0b": "holds a NUL character: remove it",
    "x" * 5000: "'xxx.*' is too long: choose shorter names",
    "x" * 256: "is too long",
    "a/" * 3000: "is too long",
    "\ud800": "half a character",
}


@pytest.mark.parametrize(("text", "message"), [*NO_PATHS.items(), ("", "is empty"), ("~nosuchuser/x", "'~nosuchuser'")])
def test_what_is_no_path(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as found:
        path_of(text)
    assert len(str(found.value)) < 200


@pytest.mark.parametrize("text", NO_PATHS)
def test_no_file_can_name_such_a_path_either(text: str) -> None:
    with pytest.raises(FieldError, match="is no path"):
        decode(Path, text)


def test_what_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("~/a b") == tmp_path / "a b"
    assert path_of("x" * 255) == Path("x" * 255)
    # A name that is no UTF-8, as Python gives it.
    assert os.fsencode(path_of("\udcff.png")) == b"\xff.png"


def test_a_home_that_platformdirs_leaves_open_is_no_folder_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: Path("~/.local/share/sounddesk"))
    assert user_data_folder().is_relative_to(os.devnull)


@pytest.mark.skipif(sys.platform == "win32", reason="another way to the home folder there")
def test_without_a_home_nothing_is_made_in_the_current_folder(tmp_path: Path) -> None:
    # A process of its own, for a user whom the system does not know, as in a container.
    program = (
        "import os, pwd; from pathlib import Path\n"
        "def nobody(_): raise KeyError\n"
        "pwd.getpwuid = pwd.getpwnam = nobody\n"
        "from sounddesk.storage.path_text import home_folder, user_data_folder\n"
        "from sounddesk.engine.catalogue.model_store import list_models\n"
        "assert list_models() == [] and home_folder() == Path.cwd()\n"
        "folder = user_data_folder()\n"
        "assert folder.is_absolute() and not folder.exists(), folder\n"
        "try: folder.mkdir(parents=True)\n"
        "except OSError: print('not made')\n"
    )
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "XDG_DATA_HOME")}
    environment |= {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == "not made\n", ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert user_data_folder().is_absolute()

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sounddesk import resources_folder as shipped


def test_a_shipped_file_is_found() -> None:
    assert (shipped.resource("demo") / "scene.webp").is_file()


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.here.*install sounddesk again"):
        shipped.resource("nothing.here")


@pytest.mark.parametrize("where", ["package/_resources", "resources"])
def test_both_places_are_looked_at(where: str, tmp_path: Path) -> None:
    """A copy of the module in a package of its own: as in a wheel, and as in a checkout."""
    (tmp_path / "package").mkdir()
    shutil.copy(shipped.__file__, tmp_path / "package" / "module.py")
    (tmp_path / where).mkdir()
    code = "from package.module import resources_folder; print(resources_folder())"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(ended.stdout.strip()) == (tmp_path / where).resolve()


def test_an_installation_without_them_says_so(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    shutil.copy(shipped.__file__, tmp_path / "package" / "module.py")
    code = "from package.module import resources_folder; resources_folder()"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "install it again" in ended.stderr

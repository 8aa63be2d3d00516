from __future__ import annotations

import json
from pathlib import Path

import pytest

from sounddesk.storage.release_file import Release
from sounddesk.storage.release_file import read_release
from sounddesk.storage.text_formats import FieldError

FILE = {
    "schema_version": 1,
    "version": "0.3.0",
    "date": "2026-11-30",
    "artefacts": [{"name": "a.whl", "bytes": 7, "sha256": "0" * 64}],
}


def release_file(folder: Path, **changes: object) -> Path:
    path = folder / "release.json"
    path.write_text(json.dumps({**FILE, **changes}), encoding="utf-8")
    return path


def test_a_file_is_read_and_what_is_unknown_left_out(tmp_path: Path) -> None:
    release = read_release(release_file(tmp_path, later="x"))
    assert (release.version, release.artefacts[0].name, release.artefacts[0].bytes) == ("0.3.0", "a.whl", 7)


@pytest.mark.parametrize("changes", [{"schema_version": 2}, {"version": 3}, {"artefacts": [{"name": "a"}]}])
def test_another_file_is_refused(changes: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(FieldError, match=r"release\.json"):
        read_release(release_file(tmp_path, **changes))


@pytest.mark.parametrize(
    ("version", "installed", "standing"),
    [
        ("0.10.0", "0.9.2", "newer"),
        ("0.3.0", "0.3.0.dev5+gabc", "newer"),
        ("0.3.0rc1", "0.3.0", "older"),
        ("0.3", "0.3.0", "same"),
    ],
)
def test_versions_are_compared_as_packages_are(version: str, installed: str, standing: str) -> None:
    assert Release(schema_version=1, version=version, date="2026-11-30").standing(installed) == standing


def test_what_is_no_version_is_named() -> None:
    with pytest.raises(FieldError, match="'next one'"):
        Release(schema_version=1, version="next one", date="2026-11-30").standing("0.1")


def test_a_version_of_thousands_of_digits_is_none() -> None:
    with pytest.raises(FieldError, match="version is '9{40}'"):
        Release(schema_version=1, version="9" * 5000, date="2026-11-30").standing("0.3.0")

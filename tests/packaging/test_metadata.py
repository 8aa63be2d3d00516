"""What the build will put into wheel and sdist: entry points, licences, extras."""

from __future__ import annotations

import importlib
import json
import tomllib
from pathlib import Path

import pytest

import sounddesk

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REUSE = tomllib.loads((ROOT / "REUSE.toml").read_text(encoding="utf-8"))["annotations"]


@pytest.mark.parametrize("kind", ["scripts", "gui-scripts"])
def test_entry_points_lead_to_functions(kind: str) -> None:
    for target in PROJECT["project"][kind].values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_types_and_licences_come_along() -> None:
    assert (Path(sounddesk.__file__).parent / "py.typed").is_file()
    for pattern in PROJECT["project"]["license-files"]:
        assert list(ROOT.glob(pattern)), pattern
    missing = [
        name for name in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"] if not (ROOT / name).exists()
    ]
    assert missing == []


def test_every_licence_that_is_named_has_its_text() -> None:
    named = {
        word
        for entry in REUSE
        for word in entry["SPDX-License-Identifier"].split()
        if word not in ("AND", "OR", "WITH")
    }
    assert named == {path.stem for path in (ROOT / "LICENSES").glob("*.txt")}
    assert (ROOT / "LICENSES" / "Apache-2.0.txt").read_bytes() == (ROOT / "LICENSE").read_bytes()


def _paths(entry: dict[str, object]) -> list[str]:
    path = entry["path"]
    return [path] if isinstance(path, str) else list(path)  # type: ignore[call-overload]


def test_every_path_with_a_licence_of_its_own_exists() -> None:
    patterns = [path for entry in REUSE for path in _paths(entry)]
    assert [each for each in patterns if not any(ROOT.glob(each))] == []


def test_pictures_of_the_demo_are_under_the_licences_that_their_scenes_name() -> None:
    by_path = {path: entry for entry in REUSE for path in _paths(entry)}
    for scene in (ROOT / "resources" / "demo").rglob("scene.json"):
        picture = next(scene.parent.glob("scene.[jw]*[gp]")).relative_to(ROOT).as_posix()
        entry = by_path[picture]
        for part in json.loads(scene.read_text(encoding="utf-8"))["origin"]:
            assert part["licence"] in entry["SPDX-License-Identifier"].split(), (picture, part)
            assert part["author"] in entry["SPDX-FileCopyrightText"], (picture, part)

"""What a recipe says of where its image lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from sounddesk.domain.render_recipe import path_from


@pytest.mark.parametrize(
    ("folder", "image", "written"),
    [
        ("/jobs/out", "/jobs/out/a.png", "a.png"),
        ("/jobs/out", "/jobs/out/deep/down/a.png", "deep/down/a.png"),
        ("/jobs/out", "/jobs/a.png", "../a.png"),
        ("/jobs/x/out/f_1", "/jobs/x/shot/f.1.png", "../../shot/f.1.png"),
        ("/tmp/out", "/home/anna/clients/acme/a.png", "a.png"),
        ("/home/anna/out", "/home/anna/clients/acme/a.png", "a.png"),
        ("/home/anna/out", "/home/berta/a.png", "a.png"),
        ("/out", "/mnt/a.png", "a.png"),
        ("/jobs/a/b/c/out", "/jobs/a.png", "a.png"),
    ],
)
def test_a_recipe_names_no_folders_but_those_beside_it(folder: str, image: str, written: str) -> None:
    assert path_from(Path(folder), Path(image)) == written


def test_a_machine_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    assert path_from(Path("/jobs/x/out/f_1"), Path("/jobs/x/shot/f.1.png")) == "../../shot/f.1.png"

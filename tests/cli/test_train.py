from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_a_recipe_that_is_not_there(run: Run, tmp_path: Path) -> None:
    ended = run("train", "run", str(tmp_path / "none.yaml"))
    assert ended.code == 2
    assert "none.yaml" in ended.err


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("- a list", [], "mapping"),
        ("task: codec\nspeed: 9", [], "'speed'"),
        ("task: codec", ["--set", "task"], "'task'"),
        ("task: juggle\ndata: .\nrun_dir: run\noptimiser: {steps: 1}", [], ""),
    ],
)
def test_a_recipe_that_cannot_be_used(
    text: str, overrides: list[str], message: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(text)
    ended = run("train", "run", "recipe.yaml", *overrides)
    assert ended.code == 2, ended.err
    assert message in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_export_of_a_recipe_that_is_not_there(run: Run, tmp_path: Path) -> None:
    ended = run("train", "export", str(tmp_path / "none.yaml"), "--out", str(tmp_path / "bundle"))
    assert ended.code == 2
    assert "none.yaml" in ended.err
    assert not (tmp_path / "bundle").exists()


def test_prepare_without_sources_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    ended = run(
        *("train", "prepare", "starter", "--offline"),
        *("--sources", str(tmp_path / "none"), "--out", str(tmp_path / "data")),
    )
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err


def test_an_action_is_needed(run: Run) -> None:
    assert run("train").code == 2

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.training.tiny_clips import tones
from tests.training.tiny_clips import write_pair


def test_a_recipe_that_is_not_there(run: Run, tmp_path: Path) -> None:
    ended = run("train", "run", str(tmp_path / "none.yaml"))
    assert ended.code == 2
    assert "none.yaml" in ended.err


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("- a list", [], "mapping"),
        ("task: codec\nspeed: 9", [], "recipe.speed is not a key"),
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


def test_check_says_what_is_broken_and_refuses_leaks(run: Run, tmp_path: Path) -> None:
    write_pair(tmp_path / "train" / "dog", colour=(1, 2, 3), sound=tones(1))
    (tmp_path / "train" / "dog.txt").write_text("a dog")
    (tmp_path / "train" / "bad.mp4").write_bytes(b"no video")
    ended = run("train", "check", str(tmp_path))
    assert ended.code == 0, ended.err
    assert "train: 1 clips" in ended.out
    assert "broken: train/bad" in ended.out
    write_pair(tmp_path / "test" / "dog", colour=(1, 2, 3), sound=tones(1))
    ended = run("train", "check", str(tmp_path), "--json")
    assert ended.code == 2
    assert run("train", "check", str(tmp_path / "none")).code == 2


def test_export_of_a_run_without_an_export(run: Run, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    ended = run("train", "export", str(tmp_path / "run"), "--bundle", str(tmp_path / "bundle"))
    assert ended.code == 2
    assert "holds no export" in ended.err

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize("measure", ["grounding", "right-object", "segmenter"])
def test_pictures_that_cannot_be_used(measure: str, run: Run, bundle_folder: Path, tmp_path: Path) -> None:
    ended = run("evaluate", measure, "--pictures", str(tmp_path / "none"), "--bundle", str(bundle_folder))
    assert ended.code == 2, ended.err
    assert "none" in ended.err
    assert "KIND/*.png" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenes", "0"], "scenes is 0"),
        (["--seed", "-1"], "seed is -1"),
        (["--seconds", "0"], "1 s to 60 s"),
        (["--bundle", "nowhere"], "'nowhere'"),
    ],
)
def test_a_value_out_of_range(arguments: list[str], message: str, run: Run, tmp_path: Path) -> None:
    ended = run("evaluate", "right-object", "--pictures", str(tmp_path), *arguments)
    assert ended.code == 2
    assert message in ended.err

"""`sounddesk train ablate` at its smallest: rows are kept, tables written, a second run does nothing."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.cli.conftest import Run
from tests.training.tiny_data import build_tiny_data

SMALL = (
    "--steps",
    "1",
    "--grounding-steps",
    "1",
    "--batch-size",
    "1",
    "--composed",
    "3",
    "--scenes",
    "1",
    "--seeds",
    "1",
)
SHORT = ("--seconds", "1.28", "--sampling-steps", "1", "--rows", "attention_at_test,mask_training")


def hold_out(data: Path) -> None:
    """Name each recording a second time, as one of the test part."""
    with (data / "table.csv").open(newline="") as file:
        rows = [row | {"source_rate_hz": ""} for row in csv.DictReader(file)]
    rows += [row | {"id": f"{row['id']}-test", "split": "test"} for row in rows if row["role"] == "recording"]
    with (data / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
def test_rows_are_kept_and_made_once(run: Run, tmp_path: Path) -> None:
    data = build_tiny_data(tmp_path / "data", names=("dog", "cow", "cat"))
    hold_out(data)
    shutil.copytree(data / "pictures", tmp_path / "pictures")
    arguments = ("train", "ablate", "--data", str(data), "--pictures", str(tmp_path / "pictures"), *SMALL, *SHORT)
    ended = run(*arguments, "--out", str(tmp_path / "out"))
    assert ended.code == 0, ended.err
    table = {row["name"]: row for row in json.loads((tmp_path / "out/ablations.json").read_text())["rows"]}
    assert table["attention_at_test"]["seeds"] == table["mask_training"]["seeds"] == 1
    assert table["full"]["seeds"] == 0
    assert table["mask_training"]["takes"] >= 2
    assert 0.0 <= table["mask_training"]["ours"]["acc"] <= 1.0
    assert "(vi) masks in training" in (tmp_path / "out/ablations.md").read_text()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/rows").iterdir()}
    assert run(*arguments, "--out", str(tmp_path / "out")).code == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out/rows").iterdir()} == before


def test_what_cannot_be_used_is_named(run: Run, tmp_path: Path) -> None:
    ended = run("train", "ablate", "--data", str(tmp_path), "--rows", "bigger")
    assert ended.code == 2
    assert "'bigger'" in ended.err
    if not torch.cuda.is_available():
        ended = run("train", "ablate", "--data", str(tmp_path), "--device", "cuda")
        assert ended.code == 3
        assert "cuda" in ended.err
    ended = run("train", "ablate", "--data", str(tmp_path))
    assert ended.code == 2
    assert "table.csv" in ended.err

"""The table of the captioning baselines: its rows, and which of them a second call keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.captioning_table import kept_rows
from benchmarks.captioning_table import table


def row(hits: int) -> dict[str, Any]:
    share = {"share": hits / 75, "hits": hits, "trials": 75, "interval_95": [0.1, 0.9]}
    return {
        "accuracy": share,
        "accuracy_of_all_kinds": {**share, "share": 0.25},
        "chance": 0.32,
        "ceiling": {"share": 0.81},
        "bundle_sha256": "ab12cd34" * 8,
    }


def test_every_mode_has_a_row_with_interval_and_bundle() -> None:
    told = table({"object": row(54), "caption": row(23)})
    assert "| object | 0.720 (54 of 75) | 0.100 to 0.900 | 0.250 | ab12cd34 |" in told
    assert "| caption | 0.307 (23 of 75)" in told
    assert "Chance 0.320, ceiling 0.810." in told


def test_rows_are_kept_for_the_same_question_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    asked = {"bundle_sha256": "ab", "scenes": 24}
    assert kept_rows(path, asked) == {}
    path.write_text(json.dumps({"asked": asked, "rows": {"object": row(54)}}))
    assert list(kept_rows(path, asked)) == ["object"]
    assert kept_rows(path, {**asked, "bundle_sha256": "cd"}) == {}

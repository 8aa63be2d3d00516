"""The check of a device passes on the CPU at small size, and a wrong sound fails it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import device_check
from benchmarks.device_networks import Check
from benchmarks.device_networks import NetworkChecks
from benchmarks.device_networks import Row
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.device import choose_device


def test_all_checks_pass_on_the_cpu_and_a_wrong_condition_fails(
    bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "check.json"
    small = ["--bundle", str(bundle_folder), "--device", "cpu", "--seconds", "1", "--objects", "2", "--out", str(out)]
    code = device_check.main(small)
    document = json.loads(out.read_text())
    states = {row["name"]: row["state"] for row in document["checks"]}
    assert code == 0, document
    assert set(states.values()) == {"passed", "skipped"}
    skipped = [name for name, state in states.items() if state == "skipped"]
    assert skipped == ["out of memory, then smaller", "U-Net as CUDA graph"]
    named = {"U-Net in bfloat16", "codec in float32", "U-Net compiled", "training, stopped and resumed"}
    assert named <= states.keys()
    assert "precision bfloat16" in capsys.readouterr().out
    checks = device_check.Checks(Bundle.open(bundle_folder), choose_device("cpu"), seconds=1.0, objects=1)
    vars(checks)["_condition"] = checks._condition + np.float32(0.1)
    assert checks.precision(torch.float32)["state"] == "failed"
    networks = NetworkChecks(Bundle.open(bundle_folder), choose_device("cpu"), seconds=1.0)
    networks._expected["codec"] = networks._expected["codec"] + 1.0
    assert networks.network("codec", torch.float32)["state"] == "failed"


def test_what_fails_is_told_at_once_and_what_has_no_time_left_is_skipped(
    bundle_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class BrokenChecks(device_check.Checks):
        def checks(self) -> list[Check]:
            def broken() -> Row:
                # What the file says at this moment is what a machine that is taken away leaves.
                assert [row["name"] for row in json.loads(out.read_text())["checks"]] == ["cancel within a step"]
                raise RuntimeError("CUDA error: an illegal memory access was encountered")

            return [("cancel within a step", self.cancel), ("broken", broken), ("next", lambda: {"state": "passed"})]

    out = tmp_path / "check.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device_check, "Checks", BrokenChecks)
        small = ["--bundle", str(bundle_folder), "--device", "cpu", "--seconds", "1", "--objects", "1"]
        assert device_check.main([*small, "--out", str(out)]) == 1
    rows = json.loads(out.read_text())["checks"]
    assert [row["state"] for row in rows] == ["passed", "failed", "passed"]
    assert "illegal memory access" in rows[1]["error"]
    assert "1 failed" in capsys.readouterr().out
    late = list(BrokenChecks(Bundle.open(bundle_folder), choose_device("cpu"), seconds=1.0, objects=1).rows(minutes=0))
    assert [row["state"] for row in late] == ["skipped"] * 3
    assert "0 minutes" in late[0]["why"]

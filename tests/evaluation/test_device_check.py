"""The check of a device passes on the CPU at small size, and a wrong sound fails it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import device_check
from benchmarks.device_networks import NetworkChecks


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
    from sounddesk.engine.bundles.bundle import Bundle
    from sounddesk.engine.device import choose_device

    checks = device_check.Checks(Bundle.open(bundle_folder), choose_device("cpu"), seconds=1.0, objects=1)
    checks._condition = checks._condition + np.float32(0.1)
    import torch

    assert checks.precision(torch.float32)["state"] == "failed"
    networks = NetworkChecks(Bundle.open(bundle_folder), choose_device("cpu"), seconds=1.0)
    networks._expected["codec"] = networks._expected["codec"] + 1.0
    assert networks.network("codec", torch.float32)["state"] == "failed"

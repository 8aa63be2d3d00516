"""The self-test of a bundle: it passes where all is well, and each of its checks can fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sounddesk.cli.main import main
from sounddesk.engine.self_test import judge_renders
from sounddesk.engine.self_test import run_self_test


def test_a_bundle_that_works_passes(bundle_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_self_test(bundle_folder, device="cpu").passed
    assert main(["models", "test", str(bundle_folder), "--device", "cpu"]) == 0
    assert "self-test passed: 2 s rendered, finite, heard, free of clipping, the same twice" in capsys.readouterr().out


def test_what_is_silent_clipped_or_never_the_same_is_named() -> None:
    tone = np.sin(np.linspace(0, 300, 32_000)).astype(np.float32) * np.linspace(0.1, 0.5, 32_000, dtype=np.float32)
    assert judge_renders(tone, tone).passed
    for changed, name in (
        (tone * np.float32(1e-4), "heard"),
        (np.clip(tone * 20, -1, 1), "free of clipping"),
        (tone * np.float32("nan"), "finite"),
    ):
        assert dict(judge_renders(changed, changed).checks)[name] is False
    assert judge_renders(tone, tone + np.float32(1e-6)).line().endswith("not the same twice")


def test_a_bundle_that_cannot_be_found_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "test", "nowhere"]) != 0
    assert "nowhere" in capsys.readouterr().err

"""Mixtures of held-out recordings, what masks could reach, and the measure on a prepared set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.perception.mask_separator import MaskSeparator
from sounddesk.engine.perception.mask_separator import SeparatorShape
from sounddesk.evaluation.metrics.si_sdr import si_sdr_db
from sounddesk.evaluation.separation.separator_accuracy import Improvement
from sounddesk.evaluation.separation.separator_accuracy import best_separation
from sounddesk.evaluation.separation.separator_accuracy import draw_mixture
from sounddesk.evaluation.separation.separator_accuracy import run
from tests.evaluation.conftest import COLOURS
from tests.evaluation.conftest import TABLE_HEADER
from tests.evaluation.conftest import write_cut_out
from tests.evaluation.conftest import write_sound

SHAPE = SeparatorShape(condition_width=32, widths=(8, 8), hidden=8, templates=1, maps=4, bands=32)


def tone(hz: float, *, n: int = 20_000) -> np.ndarray:
    return (0.14 * np.sin(2 * np.pi * hz * np.arange(n) / 16_000)).astype(np.float32)


def test_si_sdr_by_hand() -> None:
    rng = np.random.default_rng(0)
    wanted, other = rng.standard_normal((2, 100_000))
    assert si_sdr_db(5 * (wanted + 0.1 * other) + 3, wanted) == pytest.approx(20.0, abs=0.1)
    assert si_sdr_db(wanted + other, wanted) == pytest.approx(0.0, abs=0.1)
    assert si_sdr_db(wanted, wanted) > 100
    assert np.isnan(si_sdr_db(wanted, np.zeros_like(wanted)))
    with pytest.raises(ValueError, match="one length"):
        si_sdr_db(wanted, wanted[:-1])


def test_mixtures_are_of_two_kinds_within_five_decibels() -> None:
    rng = np.random.default_rng(0)
    sounds = {"low": [tone(300), tone(310)], "high": [tone(4000)]}
    asked = set()
    for _ in range(30):
        kind, other, wanted, rest = draw_mixture(sounds, rng)
        assert {kind, other} == {"low", "high"}
        asked.add(kind)
        assert len(wanted) == len(rest) == 40_960
        assert abs(20 * np.log10(np.std(rest) / np.std(wanted))) < 5.1
    assert asked == {"low", "high"}


def test_masks_that_know_both_sounds_part_tones_that_lie_apart() -> None:
    low, high = tone(300), tone(4000)
    assert si_sdr_db(best_separation(MaskSeparator(SHAPE), low, high), low) > 25


def test_an_interval_is_of_kinds_not_of_mixtures() -> None:
    alike = Improvement.of([1.0] * 50 + [3.0] * 50, ["a"] * 50 + ["b"] * 50)
    assert (alike.mean_db, alike.low_db, alike.high_db) == (2.0, 1.0, 3.0)


def test_a_set_is_measured_by_masks_and_names(tmp_path: Path, bundle_in_text_space: Path) -> None:
    rows = [TABLE_HEADER]
    for kind, hz in (("dog", 300.0), ("siren", 4000.0)):
        write_sound(tmp_path / f"{kind}.wav", tone(hz))
        write_cut_out(tmp_path / f"{kind}.png", COLOURS[kind])
        for role, ending in (("recording", "wav"), ("picture", "png")):
            rows.append(f"{kind},{role},{kind},{kind}.{ending},test,s,p,1,m,x,x,MIT,me,1,16000")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows) + "\n")
    MaskSeparator(SHAPE).save(tmp_path / "separator")
    measured = {"separator": tmp_path / "separator", "reference": tmp_path, "bundle": bundle_in_text_space}
    found = run(**measured, mixtures=3, device="cpu")
    assert (found.kinds, found.mixtures) == (2, 3)
    assert found.ceiling.mean_db > 20 > found.by_masks.mean_db
    assert "by masks" in found.line() and len(found.to_json()["sha256"]) == 64
    table.write_text(table.read_text().replace("picture", "drawing"))
    with pytest.raises(BadInputError, match="no picture of the split"):
        run(**measured, mixtures=1)

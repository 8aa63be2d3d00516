"""Variety: formulas on known vectors, and a tiny bundle end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.evaluation.variety import variety
from sounddesk.evaluation.variety.variety import KindVariety
from sounddesk.evaluation.variety.variety import VarietyResult
from sounddesk.evaluation.variety.variety import cosine_distance
from tests.evaluation.conftest import tell_sources
from tests.evaluation.conftest import write_set


def test_cosine_distance() -> None:
    x, y = np.array([1.0, 0.0]), np.array([0.0, 3.0])
    assert cosine_distance(x, 5 * x) == pytest.approx(0.0)
    assert cosine_distance(x, y) == pytest.approx(1.0)
    assert cosine_distance(x, -x) == pytest.approx(2.0)


def test_what_is_nearer_than_unheard_recordings_are_is_copied() -> None:
    def kind(name: str, nearest: tuple[float, ...]) -> KindVariety:
        unheard = tuple(np.linspace(0.2, 0.7, 6))
        return KindVariety(
            kind=name, between_takes=(0.1, 0.3), between_recordings=(0.5,), nearest=nearest, unheard=unheard
        )

    result = VarietyResult(
        bundle="b", bundle_sha256="0", seed=0, seconds=5.0, sampling=SamplingSettings(), takes=2,
        kinds=(kind("dog", (0.01, 0.02)), kind("car", (0.9, 0.3))),
    )  # fmt: skip
    assert result.threshold == pytest.approx(0.21)
    share, low, high = result.copied
    assert share == 0.5
    assert (low, high) == (0.0, 1.0)
    assert result.between_takes[0] == pytest.approx(0.2)
    assert result.between_recordings == 0.5
    assert "copied 0.500" in result.line()
    assert result.to_json()["by_kind"]["car"]["nearest"] == [0.9, 0.3]


def test_end_to_end_and_again_without_making_anything(
    bundle_in_text_space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_set(tmp_path / "set", {"dog": ("train", "train", "test"), "car": ("train", "test", "test")})
    bundle = tell_sources(bundle_in_text_space, data / "table.csv", tmp_path / "told")
    torch.manual_seed(0)
    options = {
        "out": tmp_path / "out", "reference": data, "bundle": bundle, "takes": 2, "seconds": 1.0,
        "sampling": SamplingSettings(steps=1), "embedder": SoundEmbedder(SoundEffectsEncoder(width=8).eval()),
    }  # fmt: skip
    reports = []
    result = variety.run(progress=reports.append, **options)
    assert (reports[-1].done, reports[-1].total) == (10, 10)
    assert [(each.kind, len(each.nearest), len(each.unheard)) for each in result.kinds] == [
        ("car", 2, 2),
        ("dog", 2, 1),
    ]
    # Two takes of other seeds are not the same.
    assert min(value for each in result.kinds for value in each.between_takes) > 0
    monkeypatch.setattr(EngineSession, "generate_from_text", None)
    monkeypatch.setattr(EngineSession, "round_trip", None)
    assert variety.run(**options).to_json() == result.to_json()


def test_a_bundle_that_does_not_say_what_it_heard(bundle_in_text_space: Path, tmp_path: Path) -> None:
    data = write_set(tmp_path / "set", {"dog": ("train", "test")})
    with pytest.raises(BadInputError, match="does not say what it heard"):
        variety.run(out=tmp_path / "out", reference=data, bundle=bundle_in_text_space)
    with pytest.raises(ValueError, match="takes is 1"):
        variety.run(out=tmp_path / "out", reference=data, bundle=bundle_in_text_space, takes=1)

"""Painted pairs differ as they should, and the rule of following is told apart from chance."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.textures import texture_following
from sounddesk.evaluation.textures.texture_following import follows
from sounddesk.evaluation.textures.texture_following import run
from sounddesk.evaluation.textures.texture_operators import OPERATORS
from tests.evaluation.conftest import TABLE_HEADER

GREY = np.full((90, 120, 3), 128, dtype=np.uint8)


@pytest.mark.parametrize("kind", OPERATORS)
def test_an_operator_keeps_the_size_and_depends_on_its_seed_alone(kind: str) -> None:
    first, again = (OPERATORS[kind](GREY, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == GREY.shape and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - GREY).mean() > 10


def test_colours_are_those_of_the_texture() -> None:
    made = {kind: each(GREY, np.random.default_rng(0)).mean(axis=(0, 1)) for kind, each in OPERATORS.items()}
    assert made["rain"].mean() < GREY.mean() < made["wind"].mean()
    assert made["river"].argmax() == 2 and made["forest"].argmax() == 1 and made["fire"].argmax() == 0


def test_silence_follows_nothing() -> None:
    assert follows(np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert not follows(np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert not follows(np.array([[np.nan, np.nan], [1.0, 2.0]]))


class Judge:
    """Hears the louder of two sounds as the first kind."""

    kinds = ("dog", "sea")

    def log_probabilities(self, waveform: np.ndarray, *, sample_rate_hz: int) -> np.ndarray:
        level = float(np.abs(waveform).mean())
        return np.array([level, -level])


def test_pairs_are_painted_heard_and_kept(
    tmp_path: Path, bundle_in_text_space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2.imwrite(str(tmp_path / "b.png"), GREY)
    (tmp_path / "table.csv").write_text(f"{TABLE_HEADER}\n,background,b,b.png,test,s,p,1,m,x,x,MIT,me,,\n")
    given = {"reference": tmp_path, "bundle": bundle_in_text_space, "seconds": 1.28, "device": "cpu", "judge": Judge()}
    with pytest.raises(BadInputError, match="share no pair"):
        run(out=tmp_path / "none", **given)
    monkeypatch.setattr(texture_following, "PAIRS", (("dog", "sea"),))
    monkeypatch.setitem(OPERATORS, "dog", OPERATORS["fire"])
    monkeypatch.setitem(OPERATORS, "sea", OPERATORS["river"])
    found = run(out=tmp_path / "out", **given)
    (pair,) = found.pairs
    assert (pair.sound.trials, pair.condition.trials, found.sound.trials) == (1, 1, 1)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "dog-sea-00-dog.png",
        "dog-sea-00-dog.wav",
        "dog-sea-00-sea.png",
        "dog-sea-00-sea.wav",
        "textures.json",
    ]
    assert "chance 0.5" in found.line() and found.to_json()["pairs"][0]["kinds"] == ["dog", "sea"]

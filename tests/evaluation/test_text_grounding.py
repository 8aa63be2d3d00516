"""A map fitted on words: ranks of known vectors, and a tiny bundle end to end."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation import text_grounding
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.text_grounding import _unknown_ranks
from sounddesk.evaluation.text_grounding import _Words


def test_kinds_are_found_by_a_map_that_never_saw_their_names() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(200, 8, generator=generator), dim=-1)
    turn = torch.linalg.qr(torch.randn(8, 8, generator=generator))[0]
    # Words are the classes turned, so that a linear map is right about any of them; each class is one kind's.
    words = _Words(rows=rows, names=rows @ turn, kinds=rows[:20] @ turn)
    classes = [frozenset({kind}) for kind in range(20)]
    wanted = torch.arange(20)
    images = (torch.zeros(8), 1.0)
    ranks = _unknown_ranks(words, classes, rows[:20], wanted, order=range(200), strength=1e-3, images=images)
    assert (ranks == 0).sum() >= 18
    mixed = _Words(rows=rows, names=rows @ turn, kinds=words.kinds.roll(1, dims=0))
    wrong = _unknown_ranks(mixed, classes, rows[:20], wanted, order=range(200), strength=1e-3, images=images)
    assert (wrong == 0).sum() <= 4


@pytest.mark.slow
def test_end_to_end(naming_bundle: Path, coloured_pictures: Path) -> None:
    options = {"bundle": naming_bundle, "device": "cpu", "progress": None, "cancel": None, "seed": 0}
    told = MEASURES.get("text-grounding").measure(coloured_pictures, backgrounds=None, **options)
    found = told.document
    assert found["kinds"] == 5
    for name in ("known", "known_five", "unknown", "unknown_five", "trained"):
        assert found[name]["trials"] == 10
    # Of five kinds the right one is always among the five nearest.
    assert found["known_five"]["hits"] == found["unknown_five"]["hits"] == 10
    assert list(found["curve"]) == ["60", "125", "250", "500", "1000"]
    assert found["curve"]["1000"] == found["unknown"]
    assert len(told.details) == 6


def test_an_encoder_without_classes_is_refused(bundle_with_kinds: Path, coloured_pictures: Path) -> None:
    with pytest.raises(BadInputError, match="names no classes"):
        text_grounding.run(coloured_pictures, bundle=bundle_with_kinds, device="cpu")

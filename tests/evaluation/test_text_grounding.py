"""A map fitted on words: ranks of known vectors, and a tiny bundle end to end."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation import text_grounding
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.text_grounding import _ImageSpace
from sounddesk.evaluation.text_grounding import _unknown_ranks
from sounddesk.evaluation.text_grounding import _Words


def test_kinds_are_found_by_a_map_that_never_saw_their_names() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(200, 8, generator=generator), dim=-1)
    turn = torch.linalg.qr(torch.randn(8, 8, generator=generator))[0]
    # Words are the classes turned, so that a linear map is right about any of them; each class is one kind's.
    words = _Words(names=rows @ turn, kinds=rows[:20] @ turn)
    space = _ImageSpace(rows=rows, mean=torch.zeros(8), norm=1.0)
    classes = [frozenset({kind}) for kind in range(20)]
    wanted = torch.arange(20)

    def found(known: _Words, strength: float | None) -> int:
        ranks = _unknown_ranks(space, known, classes, rows[:20], wanted, order=range(200), strength=strength)
        return int((ranks == 0).sum())

    assert found(words, 1e-3) >= 18
    mixed = _Words(names=words.names, kinds=words.kinds.roll(1, dims=0))
    assert found(mixed, 1e-3) <= 4
    # The words of the nearest other class are near the right ones, and less often the nearest.
    assert 1 <= found(words, None) < found(words, 1e-3)


@pytest.mark.slow
def test_end_to_end(naming_bundle: Path, coloured_pictures: Path) -> None:
    options = {"bundle": naming_bundle, "device": "cpu", "progress": None, "cancel": None, "seed": 0}
    told = MEASURES.get("text-grounding").measure(coloured_pictures, backgrounds=None, **options)
    found = told.document
    assert found["kinds"] == 5
    assert found["trained"]["trials"] == 10
    for space in (found["learned"], found["published"]):
        for name in ("known", "known_five", "unknown", "unknown_five", "nearest_name"):
            assert space[name]["trials"] == 10
        # Of five kinds the right one is always among the five nearest.
        assert space["known_five"]["hits"] == space["unknown_five"]["hits"] == 10
        assert list(space["curve"]) == ["60", "125", "250", "500", "1000"]
        assert space["curve"]["1000"] == space["unknown"]
    assert len(told.details) == 13


def test_an_encoder_without_classes_is_refused(bundle_with_kinds: Path, coloured_pictures: Path) -> None:
    with pytest.raises(BadInputError, match="names no classes"):
        text_grounding.run(coloured_pictures, bundle=bundle_with_kinds, device="cpu")

"""A linear layer on sound-effects embeddings learns kinds, the same each time, and is kept in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.effects_head import HEAD_NAME
from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.perception.effects_head import both_tags
from sounddesk.training.tasks.matching.effects_training import train_effects_head


def _clusters(each: int = 12, kinds: int = 4, width: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(kinds, width, generator=generator) * 3 + 5
    labels = torch.arange(kinds).repeat_interleave(each)
    return centres[labels] + torch.randn(len(labels), width, generator=generator), labels


@pytest.mark.slow
def test_it_learns_kinds_and_repeats_itself(tmp_path: Path) -> None:
    embeddings, kinds = _clusters()
    state = torch.random.get_rng_state()
    head = train_effects_head(embeddings[::2], kinds[::2], count=6)
    assert torch.equal(torch.random.get_rng_state(), state)
    tags = head(embeddings[1::2])
    assert (tags.argmax(dim=1) == kinds[1::2]).float().mean() > 0.9
    torch.testing.assert_close(tags.exp().sum(dim=1), torch.ones(len(tags)))
    assert torch.equal(train_effects_head(embeddings[::2], kinds[::2], count=6)(embeddings), head(embeddings))
    head.save(tmp_path)
    assert torch.equal(EffectsHead.load(tmp_path)(embeddings), head(embeddings))


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=HEAD_NAME):
        EffectsHead.load(tmp_path)
    (tmp_path / HEAD_NAME).write_bytes(b"not a head")
    with pytest.raises(EngineError, match="train it again"):
        EffectsHead.load(tmp_path)


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(ValueError, match="no sound"):
        train_effects_head(torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64), count=3)


def test_two_opinions_make_one() -> None:
    sure, unsure = torch.tensor([[0.9, 0.05, 0.05]]).log(), torch.tensor([[0.3, 0.4, 0.3]]).log()
    both = both_tags(sure, unsure)
    assert both.argmax() == 0
    assert both.exp().sum() == pytest.approx(1.0)
    assert unsure[0, 0] < both[0, 0] < sure[0, 0]

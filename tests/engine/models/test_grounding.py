"""Attention of eq. (4), its switches, the null condition, statistics, and saving."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.grounding import ObjectViews
from sounddesk.engine.models.image_encoder import ImageEncoder


def conditioner(**changes: Any) -> ObjectConditioner:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"text_width": 12, "patch_width": 20, "width": 16, "out_width": 12}
    return ObjectConditioner(GroundingConfig(**{**settings, **changes})).eval()


@pytest.mark.parametrize("changes", [{}, {"score": "additive"}, {"position": "pre"}, {"position": "off"}])
def test_weights_have_mean_one_over_p(changes: dict[str, Any]) -> None:
    model = conditioner(**changes)
    weights = model.weights(torch.randn(5, 12) * 10, torch.randn(5, 49, 20))
    assert weights.shape == (5, 49)
    torch.testing.assert_close(weights.mean(dim=-1), torch.full((5,), 1 / 49))
    assert weights.std(dim=-1, unbiased=False).max() <= 0.1414 + 1e-4


def test_dot_product_weights_are_equation_four() -> None:
    model = conditioner()
    text, patches = torch.randn(2, 12), torch.randn(2, 49, 20)
    query = text @ model.to_q.weight.T
    key = patches @ model.to_k.weight.T + model.position_k
    expected = torch.softmax((key @ query[:, :, None])[..., 0] / 16**0.5, dim=-1)
    torch.testing.assert_close(model.weights(text, patches), expected)


def test_several_heads_have_weights_of_their_own_and_a_mask_replaces_them_all() -> None:
    model = conditioner(heads=4)
    text, patches = torch.randn(2, 12), torch.randn(2, 49, 20)
    weights = model.weights(text, patches)
    assert weights.shape == (2, 4, 49)
    assert not torch.allclose(weights[:, 0], weights[:, 1])
    mask = torch.rand(2, 49)
    torch.testing.assert_close(model.fuse(mask, patches), model.fuse(mask[:, None].repeat(1, 4, 1), patches))


def test_without_positions_attention_follows_a_permutation_of_the_patches() -> None:
    text, patches, order = torch.randn(1, 12), torch.randn(1, 49, 20), torch.randperm(49)
    free = conditioner(position="off")
    torch.testing.assert_close(free.weights(text, patches[:, order]), free.weights(text, patches)[:, order])
    placed = conditioner()
    assert not torch.allclose(placed.weights(text, patches[:, order]), placed.weights(text, patches)[:, order])


def test_conditions_are_unit_vectors_unless_switched_off() -> None:
    weights, patches = torch.full((3, 49), 1 / 49), torch.randn(3, 49, 20)
    torch.testing.assert_close(conditioner().fuse(weights, patches).norm(dim=-1), torch.ones(3))
    assert not torch.allclose(conditioner(normalise=False).fuse(weights, patches).norm(dim=-1), torch.ones(3))


@pytest.mark.parametrize("kind", ["empty_text", "learned", "zeros"])
def test_null_conditions_ignore_the_image(kind: str) -> None:
    model = conditioner(null=kind)
    one, two = model.null(torch.randn(1, 49, 20)), model.null(torch.randn(1, 49, 20))
    torch.testing.assert_close(one, two)
    assert any(name == "null_vector" for name, _ in model.named_parameters()) == (kind == "learned")


def test_text_only_null_sees_the_image_evenly() -> None:
    model, patches = conditioner(null="text_only"), torch.randn(1, 49, 20)
    torch.testing.assert_close(model.null(patches), model.fuse(torch.full((1, 49), 1 / 49), patches))


def test_running_statistics_are_the_root_of_the_mean_variance() -> None:
    model = conditioner()
    assert model.attention_std() is None
    first, second = torch.softmax(torch.randn(3, 49), -1), torch.softmax(torch.randn(5, 49) * 3, -1)
    model.observe(first)
    model.observe(second)
    expected = torch.cat([first, second]).double().var(dim=-1, unbiased=False).mean().sqrt().item()
    assert model.attention_std() == pytest.approx(expected, rel=1e-9)


def test_save_and_load_give_bit_equal_outputs_and_statistics(tmp_path: Path) -> None:
    model = conditioner(null="learned")
    model.observe(torch.softmax(torch.randn(3, 49), -1))
    model.save(tmp_path)
    loaded = ObjectConditioner.load(tmp_path)
    text, patches = torch.randn(2, 12), torch.randn(2, 49, 20)
    assert torch.equal(loaded.weights(text, patches), model.weights(text, patches))
    assert torch.equal(loaded.null(patches), model.null(patches))
    assert loaded.attention_std() == model.attention_std()
    assert loaded.config == model.config


def test_impossible_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="not divisible by 3 heads"):
        GroundingConfig(width=16, heads=3)
    with pytest.raises(ValueError, match="additive attention has one head"):
        GroundingConfig(score="additive", heads=2)
    with pytest.raises(ValueError, match="hint_blend"):
        GroundingConfig(text_width=12, out_width=16, hint_blend=0.5)


def test_the_condition_is_what_is_fused_whatever_the_image_shows() -> None:
    def refuse() -> AbstractContextManager[ImageEncoder]:
        raise AssertionError("the paper's conditioner sees the patches alone")

    model = conditioner()
    weights, patches = torch.softmax(torch.randn(2, 49), dim=-1), torch.randn(2, 49, 20)
    fused = model.fuse(weights, patches)
    assert model.to_condition(fused) is fused
    views = ObjectViews(image=np.zeros((4, 4, 3), np.uint8), masks=[np.ones((4, 4), bool)] * 2, open_encoder=refuse)
    assert torch.equal(model.conditions(weights, patches, views), fused)


def test_settings_of_extensions_are_left_to_them() -> None:
    config = GroundingConfig(text_width=12, heads=4)
    assert GroundingConfig.from_json({**config.to_json(), "prototypes": 0, "another": 0.5}) == config

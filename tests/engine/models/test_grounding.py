"""Attention of eq. (4), its switches, the null condition, statistics, and saving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner


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


def test_prototypes_draw_a_condition_to_what_it_resembles_and_keep_mixtures() -> None:
    config = GroundingConfig(
        text_width=8, patch_width=6, grid=(2, 2), width=8, out_width=8, prototypes=4, prototype_temperature=0.05
    )
    conditioner = ObjectConditioner(config)
    conditioner.prototypes.copy_(torch.eye(8)[:4])
    near_two = torch.nn.functional.normalize(torch.tensor([[0.1, 0.5, 0.0, 0.0, 0.8, 0.3, 0.0, 0.0]]), dim=-1)
    drawn = conditioner.sharpen(near_two)
    assert drawn[0, 1] > 0.99
    assert drawn[0, 4:].abs().max() == 0.0
    both = torch.nn.functional.normalize(torch.tensor([[0.5, 0.5, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0]]), dim=-1)
    assert torch.allclose(conditioner.sharpen(both)[0, :2], torch.full((2,), 0.5**0.5), atol=1e-2)


def test_without_prototypes_a_condition_stays_as_it_is() -> None:
    conditioner = ObjectConditioner(GroundingConfig(text_width=8, patch_width=6, grid=(2, 2), width=8, out_width=8))
    condition = torch.randn(3, 8)
    assert conditioner.sharpen(condition) is condition


def with_classes() -> ObjectConditioner:
    model = conditioner(prototypes=3, classes=4, closer_look=True)
    model.get_buffer("prototypes").copy_(torch.eye(3, 12))
    # Class 0 is of no prototype, class 2 of two.
    model.get_buffer("class_prototypes").copy_(torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]]))
    return model


def test_the_second_opinion_is_the_share_of_each_prototype_s_classes_in_the_weighted_patches() -> None:
    model = with_classes()
    weights, logits = torch.softmax(torch.randn(2, 49), dim=-1), torch.randn(2, 49, 4)
    share = torch.softmax((weights[:, :, None] * logits).sum(dim=1), dim=-1)
    expected = torch.stack([share[:, 1], share[:, 2], share[:, 2] + share[:, 3]], dim=-1) + 0.01
    torch.testing.assert_close(model.second_opinion(weights, logits).exp(), expected)


def test_the_classes_speak_with_their_weight() -> None:
    model = with_classes()
    weights, logits = torch.softmax(torch.randn(2, 49), dim=-1), torch.randn(2, 49, 4)
    full = model.second_opinion(weights, logits)
    model.config = replace(model.config, class_weight=0.25)
    torch.testing.assert_close(model.second_opinion(weights, logits), 0.25 * full)


def test_a_sure_class_decides_what_the_features_leave_open_and_not_what_they_are_sure_of() -> None:
    model = with_classes()
    sure = torch.tensor([[0.0, 20.0, 0.0, 0.0]]).expand(1, 49, 4)
    opinion = model.second_opinion(torch.full((1, 49), 1 / 49), sure)

    def judged(*likeness: float) -> torch.Tensor:
        logs = model.log_shares(torch.tensor([[*likeness] + [0.0] * 9]))
        return torch.softmax(logs + opinion, dim=-1)[0]

    torch.testing.assert_close(model.log_shares(torch.tensor([[1.0] * 3 + [0.0] * 9])).exp(), torch.full((1, 3), 1 / 3))
    assert judged(1.0, 1.0, 1.0)[0] > 0.97
    assert judged(0.0, 1.0, 0.0)[1] > 0.99


def test_the_kinds_of_the_encoder_speak_with_their_weight_beside_the_classes() -> None:
    model = with_classes()
    weights, logits = torch.softmax(torch.randn(2, 49), dim=-1), torch.randn(2, 49, 7)
    classes = model.second_opinion(weights, logits[..., :4])
    model.config = replace(model.config, kinds=3, kind_weight=0.25)
    kinds = torch.log_softmax((weights[:, :, None] * logits[..., 4:]).sum(dim=1), dim=-1)
    torch.testing.assert_close(model.second_opinion(weights, logits), classes + 0.25 * kinds)
    with pytest.raises(ValueError, match="kinds is 2: 0, or with classes the number of prototypes, 3"):
        conditioner(prototypes=3, classes=4, closer_look=True, kinds=2)
    with pytest.raises(ValueError, match="kinds is 3"):
        conditioner(prototypes=3, closer_look=True, kinds=3)


def test_looks_and_classes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="closer_look without prototypes"):
        conditioner(closer_look=True)
    with pytest.raises(ValueError, match="classes is 4: at least 0, and without closer_look 0"):
        conditioner(classes=4, prototypes=3)
    for floor in (0.0, 1.0):
        with pytest.raises(ValueError, match="class_floor is"):
            conditioner(classes=4, prototypes=3, closer_look=True, class_floor=floor)

"""Prototypes, the prior that the encoder's classes give, and their settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sounddesk.engine.bundles.component_classes import load_conditioner
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.starter.conditioner import PrototypeConditioner
from sounddesk.engine.starter.conditioner import PrototypeConfig


def conditioner(**changes: Any) -> PrototypeConditioner:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"text_width": 12, "patch_width": 20, "width": 16, "out_width": 12}
    return PrototypeConditioner(PrototypeConfig(**{**settings, **changes})).eval()


def test_prototypes_draw_a_condition_to_what_it_resembles_and_keep_mixtures() -> None:
    model = conditioner(out_width=8, prototypes=4)
    model.get_buffer("prototypes").copy_(torch.eye(8)[:4])
    near_two = torch.nn.functional.normalize(torch.tensor([[0.1, 0.5, 0.0, 0.0, 0.8, 0.3, 0.0, 0.0]]), dim=-1)
    drawn = model.to_condition(near_two)
    assert drawn[0, 1] > 0.99
    assert drawn[0, 4:].abs().max() == 0.0
    both = torch.nn.functional.normalize(torch.tensor([[0.5, 0.5, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0]]), dim=-1)
    assert torch.allclose(model.to_condition(both)[0, :2], torch.full((2,), 0.5**0.5), atol=1e-2)


def test_a_folder_says_by_its_settings_whether_it_has_prototypes(tmp_path: Path) -> None:
    model = conditioner(prototypes=3)
    model.save(tmp_path / "with")
    found = load_conditioner(tmp_path / "with")
    assert isinstance(found, PrototypeConditioner)
    assert found.config == model.config
    plain = ObjectConditioner(GroundingConfig(text_width=12, patch_width=20, width=16, out_width=12))
    plain.save(tmp_path / "without")
    assert type(load_conditioner(tmp_path / "without")) is ObjectConditioner


def with_classes() -> PrototypeConditioner:
    model = conditioner(prototypes=3, classes=4, closer_look=True)
    model.get_buffer("prototypes").copy_(torch.eye(3, 12))
    # Class 0 is of no prototype, class 2 of two.
    model.get_buffer("class_prototypes").copy_(torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]]))
    return model


def test_the_class_prior_is_the_share_of_each_prototype_s_classes_in_the_weighted_patches() -> None:
    model = with_classes()
    weights, logits = torch.softmax(torch.randn(2, 49), dim=-1), torch.randn(2, 49, 4)
    share = torch.softmax((weights[:, :, None] * logits).sum(dim=1), dim=-1)
    expected = torch.stack([share[:, 1], share[:, 2], share[:, 2] + share[:, 3]], dim=-1) + 0.01
    torch.testing.assert_close(model.class_prior(weights, logits).exp(), expected)


def test_the_classes_speak_with_their_weight() -> None:
    model = with_classes()
    weights, logits = torch.softmax(torch.randn(2, 49), dim=-1), torch.randn(2, 49, 4)
    full = model.class_prior(weights, logits)
    model.config = replace(model.config, class_weight=0.25)
    torch.testing.assert_close(model.class_prior(weights, logits), 0.25 * full)


def test_a_sure_class_decides_what_the_features_leave_open_and_not_what_they_are_sure_of() -> None:
    model = with_classes()
    sure = torch.tensor([[0.0, 20.0, 0.0, 0.0]]).expand(1, 49, 4)
    prior = model.class_prior(torch.full((1, 49), 1 / 49), sure)

    def judged(*likeness: float) -> torch.Tensor:
        logs = model.log_probs(torch.tensor([[*likeness] + [0.0] * 9]))
        return torch.softmax(logs + prior, dim=-1)[0]

    torch.testing.assert_close(model.log_probs(torch.tensor([[1.0] * 3 + [0.0] * 9])).exp(), torch.full((1, 3), 1 / 3))
    assert judged(1.0, 1.0, 1.0)[0] > 0.97
    assert judged(0.0, 1.0, 0.0)[1] > 0.99


def test_the_kinds_of_the_encoder_speak_with_their_weight_beside_the_classes() -> None:
    model = with_classes()
    weights, logits = torch.softmax(torch.randn(2, 49), dim=-1), torch.randn(2, 49, 7)
    classes = model.class_prior(weights, logits[..., :4])
    model.config = replace(model.config, kinds=3, kind_weight=0.25)
    kinds = torch.log_softmax((weights[:, :, None] * logits[..., 4:]).sum(dim=1), dim=-1)
    torch.testing.assert_close(model.class_prior(weights, logits), classes + 0.25 * kinds)
    with pytest.raises(ValueError, match="kinds is 2: 0, or with classes the number of prototypes, 3"):
        conditioner(prototypes=3, classes=4, closer_look=True, kinds=2)
    with pytest.raises(ValueError, match="kinds is 3"):
        conditioner(prototypes=3, closer_look=True, kinds=3)


def test_looks_and_classes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="prototypes must be at least 1"):
        conditioner(prototypes=0)
    with pytest.raises(ValueError, match="classes is 4: at least 0, and without closer_look 0"):
        conditioner(classes=4, prototypes=3)
    for floor in (0.0, 1.0):
        with pytest.raises(ValueError, match="class_floor is"):
            conditioner(classes=4, prototypes=3, closer_look=True, class_floor=floor)

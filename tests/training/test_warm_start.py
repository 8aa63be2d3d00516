"""The kind map that grounding starts from: attention and condition are right before any attention training."""

from __future__ import annotations

import torch

from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.training.tasks.grounding import fit_kind_map
from sounddesk.training.tasks.grounding import warm_start

KINDS, WIDTH, FEATURES = 5, 8, 20


def centres_and_targets() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(KINDS, FEATURES, generator=generator) * 2
    targets = torch.nn.functional.normalize(torch.randn(KINDS, WIDTH, generator=generator), dim=-1)
    return centres, targets


def fitted() -> tuple[torch.Tensor, torch.Tensor]:
    centres, targets = centres_and_targets()
    kinds = torch.arange(KINDS).repeat(40)
    features = centres[kinds] + 0.3 * torch.randn(200, FEATURES, generator=torch.Generator().manual_seed(1))
    return fit_kind_map(features, kinds, targets, temperature=0.1, noise=0.5, steps=300, seed=0)


def test_the_map_sends_unseen_features_of_a_kind_to_its_text_vector() -> None:
    centres, targets = centres_and_targets()
    weight, bias = fitted()
    unseen = centres.repeat(20, 1) + 0.3 * torch.randn(100, FEATURES, generator=torch.Generator().manual_seed(2))
    nearest = ((unseen @ weight.T + bias) @ targets.T).argmax(dim=-1)
    assert (nearest == torch.arange(KINDS).repeat(20)).float().mean().item() > 0.95


def test_a_fit_is_the_same_for_the_same_seed() -> None:
    assert torch.equal(fitted()[0], fitted()[0])


def test_attention_finds_the_named_kind_and_the_condition_names_what_is_under_the_weights() -> None:
    centres, targets = centres_and_targets()
    weight, bias = fitted()
    config = GroundingConfig(
        text_width=WIDTH, patch_width=FEATURES, grid=(1, KINDS), width=WIDTH, out_width=WIDTH, mlp_residual=True
    )
    conditioner = ObjectConditioner(config).eval()
    warm_start(conditioner, weight, bias, scores_std=1.0, sharpness=1.0)
    scene = centres[None].expand(KINDS, -1, -1)
    assert torch.equal(conditioner.weights(targets, scene).argmax(dim=-1), torch.arange(KINDS))
    masks = torch.eye(KINDS)
    named = (conditioner.fuse(masks, scene) @ targets.T).argmax(dim=-1)
    assert torch.equal(named, torch.arange(KINDS))

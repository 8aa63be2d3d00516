"""The matching model: rotary positions, attention in both directions, and files that come back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.matching_inputs import feature_times
from sounddesk.engine.perception.matching_inputs import frame_times
from sounddesk.engine.perception.matching_inputs import pooled_features
from sounddesk.engine.perception.matching_model import MatchingConfig
from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.engine.perception.matching_model import rotate

TINY = MatchingConfig(visual_width=5, audio_width=7, width=16, layers=2, heads=2)


def inputs(batch: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(0)
    visual, audio = torch.randn(batch, 3, 5), torch.randn(batch, 4, 7)
    return [visual, frame_times(batch, 3), audio, feature_times(batch, 4, frames_per_s=100.0)]


def test_defaults_are_the_papers() -> None:
    model = MatchingModel(MatchingConfig(width=96, heads=2))
    assert MatchingConfig().width == 768
    assert len(model.blocks) == 6
    assert [type(layer).__name__ for layer in model.visual].count("Linear") == 3
    assert [type(layer).__name__ for layer in model.audio].count("Linear") == 3
    assert MatchingConfig().image_size == 224
    assert MatchingConfig().positions_per_s == 8.0
    assert MatchingConfig().frames == 80


def test_a_product_of_rotated_vectors_depends_on_the_distance_alone() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def product(a: float, b: float) -> float:
        return float((rotate(query, torch.tensor([[a]])) * rotate(key, torch.tensor([[b]]))).sum())

    assert product(2.0, 5.0) == pytest.approx(product(40.0, 43.0), abs=1e-5)
    assert abs(product(2.0, 5.0) - product(2.0, 9.0)) > 1e-3
    assert float(rotate(query, torch.tensor([[7.0]])).norm()) == pytest.approx(float(query.norm()), abs=1e-5)


def test_early_tokens_see_late_ones_and_order_counts() -> None:
    model = MatchingModel(TINY).eval()
    seen: list[torch.Tensor] = []
    model.blocks[0].register_forward_hook(lambda _m, _a, out: seen.append(out))
    visual, visual_s, audio, audio_s = inputs()
    model(visual, visual_s, audio, audio_s)
    later = audio.clone()
    later[:, -1] = torch.randn(7)
    model(visual, visual_s, later, audio_s)
    assert not torch.allclose(seen[0][:, 1], seen[1][:, 1])  # the first frame noticed the last piece of sound
    plain, swapped = model(visual, visual_s, audio, audio_s), model(visual, visual_s, audio.flip(1), audio_s)
    assert not torch.allclose(plain, swapped)


def test_scores_are_probabilities_and_files_come_back(tmp_path: Path) -> None:
    model = MatchingModel(TINY).eval()
    scores = model.score(*inputs())
    assert scores.shape == (2,)
    assert ((scores > 0) & (scores < 1)).all()
    model.save(tmp_path)
    assert torch.allclose(MatchingModel.load(tmp_path).score(*inputs()), scores, atol=1e-3)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(EngineError, match="train it again"):
        MatchingModel.load(tmp_path)


def test_pieces_are_pooled_with_their_times() -> None:
    features = torch.arange(10.0)[None, :, None]
    assert pooled_features(features, 4)[0, :, 0].tolist() == [1.5, 5.5]
    assert feature_times(1, 2, frames_per_s=100.0, pool=4)[0].tolist() == pytest.approx([0.32, 0.96])


def test_a_recogniser_makes_the_same_kind_likely_before_anything_is_learned(tmp_path: Path) -> None:
    kinds, width = 6, 8
    config = MatchingConfig(
        visual_width=width, audio_width=kinds, width=16, layers=1, heads=2, audio_features="tags", recogniser=width
    )
    model = MatchingModel(config).eval()
    with torch.no_grad():
        model.recogniser.value.weight.copy_(torch.eye(width))
        for layer in (model.recogniser.value, model.recogniser.mlp[2]):
            layer.bias.zero_()
        model.recogniser.mlp[2].weight.zero_()
        model.recogniser.kinds.copy_(torch.eye(kinds, width))
    visual = torch.eye(kinds, width)[:, None].expand(-1, 2, -1)
    audio = torch.log_softmax(4 * torch.eye(kinds), dim=1)[:, None]
    times = torch.zeros(kinds, 2), torch.zeros(kinds, 1)
    same = model.score(visual, times[0], audio, times[1])
    other = model.score(visual, times[0], audio.roll(1, dims=0), times[1])
    assert (same > 0.6).all() and (other < 0.4).all()
    # Frozen, stored with the rest, and read back.
    assert not any(parameter.requires_grad for parameter in model.recogniser.parameters())
    model.save(tmp_path)
    again = MatchingModel.load(tmp_path).score(visual, times[0], audio, times[1])
    torch.testing.assert_close(again, same, atol=2e-3, rtol=0)
    with pytest.raises(ValueError, match="set audio_features to 'tags'"):
        MatchingConfig(recogniser=8)

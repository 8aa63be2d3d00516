from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import EngineError
from sounddesk.engine.generation.conditioning import Conditions
from sounddesk.engine.generation.conditioning import attention_weights
from sounddesk.engine.generation.conditioning import encode_prompts
from sounddesk.engine.generation.conditioning import make_conditions
from sounddesk.engine.generation.conditioning import weigh_patches
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.grounding import ObjectViews
from sounddesk.engine.types import ObjectRequest

HEIGHT, WIDTH = 70, 140
IMAGE = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
P = 49


class WordVectors:
    """Text encoder with one fixed direction per word."""

    width = 8

    def encode(self, texts) -> torch.Tensor:
        generator = torch.Generator().manual_seed(sum(map(ord, "".join(texts))))
        return torch.nn.functional.normalize(torch.randn(len(texts), self.width, generator=generator), dim=-1)


def conditioner(*, statistics: bool = True, **changes) -> ObjectConditioner:
    torch.manual_seed(0)
    settings = {"text_width": 8, "patch_width": 12, "width": 16, "out_width": 8, "grid": (7, 7), **changes}
    model = ObjectConditioner(GroundingConfig(**settings)).eval()
    with torch.no_grad():
        # Strong attention, so that a hint has something to say.
        model.to_q.weight.mul_(10)
    if statistics:
        model.observe(torch.softmax(torch.randn(100, P), dim=-1))
    return model


PATCHES = torch.randn(P, 12, generator=torch.Generator().manual_seed(1))


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


def take(mask, **changes) -> ObjectRequest:
    return ObjectRequest(**{"name": "dog", "mask": mask, "seed": 1, **changes})


def views(*takes: ObjectRequest) -> ObjectViews:
    return ObjectViews(image=IMAGE, masks=[each.mask for each in takes], open_encoder=nullcontext)


def weigh(*takes: ObjectRequest, **changes) -> np.ndarray:
    prompts = encode_prompts(takes, nullcontext(WordVectors()))
    return weigh_patches(takes, PATCHES, prompts, conditioner(**changes))


def conditions(*takes: ObjectRequest, **changes) -> Conditions:
    model, prompts = conditioner(**changes), encode_prompts(takes, nullcontext(WordVectors()))
    weights = weigh_patches(takes, PATCHES, prompts, model)
    return make_conditions(weights, PATCHES, prompts, conditioner=model, views=views(*takes))


def test_weights_sum_to_one_and_peak_on_the_object() -> None:
    weights = weigh(take(box(0, 0, 40, 20)))[0].reshape(7, 7)
    assert weights.sum() == pytest.approx(1.0, abs=1e-5)
    assert weights[:2, :2].min() > weights[2:].max()
    assert weights[:2, :2].min() > weights[:, 2:].max()


def test_weights_have_the_spread_of_attention_in_training() -> None:
    model = conditioner()
    weights = weigh(take(box(0, 0, 100, 40)))
    assert weights.std() == pytest.approx(model.attention_std(), rel=1e-4)


def test_full_mask_is_uniform() -> None:
    weights = weigh(take(np.ones((HEIGHT, WIDTH), dtype=bool)))[0]
    assert np.allclose(weights, 1 / P, atol=1e-7)


def test_one_pixel_of_a_large_photograph_still_counts_as_an_object() -> None:
    mask = np.zeros((3000, 4000), dtype=bool)
    mask[10, 10] = True
    weights = weigh(take(mask))[0]
    assert weights.argmax() == 0
    assert weights[0] > 3 * weights[1:].max()


def test_bool_mask_and_its_probabilities_give_the_same_condition() -> None:
    mask = box(20, 10, 80, 60)
    both = conditions(take(mask), take(mask.astype(np.float32)))
    assert torch.equal(both.condition[0], both.condition[1])


def test_binary_source_thresholds_probabilities_first() -> None:
    soft = np.where(box(0, 0, 20, 10), 0.9, 0.4).astype(np.float32)
    sharp = weigh(take(soft), mask_source="binary")
    assert np.array_equal(sharp, weigh(take(box(0, 0, 20, 10)), mask_source="binary"))
    assert not np.array_equal(sharp, weigh(take(soft), statistics=False))


def test_order_of_takes_does_not_matter() -> None:
    first, second = take(box(0, 0, 40, 20)), take(box(60, 20, 100, 60), prompt="siren")
    together, swapped = conditions(first, second), conditions(second, first)
    assert torch.allclose(together.condition, swapped.condition.flip(0), atol=1e-6)


def test_hint_moves_weight_inside_the_mask_only() -> None:
    mask = box(0, 0, 80, 40)
    plain, hinted = weigh(take(mask))[0], weigh(take(mask, prompt="siren"))[0]
    inside = np.zeros((7, 7), dtype=bool)
    inside[:4, :4] = True
    inside = inside.reshape(-1)
    assert np.allclose(plain[~inside], hinted[~inside], atol=1e-6)
    assert np.abs(plain[inside] - hinted[inside]).max() > 1e-3
    model = conditioner()
    text = WordVectors().encode(["siren"])
    attention = attention_weights(model, text, PATCHES[None])[0]
    assert hinted[inside].argmax() == attention[inside].argmax()


def test_hint_blend_turns_the_condition_to_the_text() -> None:
    mask = box(0, 0, 80, 40)
    text = WordVectors().encode(["siren"])[0]
    closeness = [
        float(conditions(take(mask, prompt="siren"), hint_blend=blend).condition[0] @ text) for blend in (0.0, 0.5, 1.0)
    ]
    assert closeness[0] < closeness[1] < closeness[2]
    assert closeness[2] == pytest.approx(1.0, abs=1e-5)
    untouched = conditions(take(mask), take(mask, prompt="siren"), hint_blend=0.5).condition[0]
    assert torch.allclose(untouched, conditions(take(mask)).condition[0], atol=1e-6)


def test_negative_hint_takes_the_place_of_the_null_condition() -> None:
    mask = box(0, 0, 80, 40)
    both = conditions(take(mask), take(mask, negative_prompt="siren"))
    assert torch.allclose(both.null[1], WordVectors().encode(["siren"])[0])
    assert torch.allclose(both.null[0], conditions(take(mask)).null[0])
    assert torch.equal(both.condition[0], both.condition[1])


def test_negative_hint_is_refused_where_conditions_are_no_texts() -> None:
    with pytest.raises(EngineError, match="negative prompt: conditions of this bundle"):
        conditions(take(box(0, 0, 80, 40), negative_prompt="siren"), out_width=16)


def test_without_prompts_no_text_encoder_is_opened() -> None:
    # `nullcontext()` gives None, which cannot encode.
    prompts = encode_prompts([take(box(0, 0, 9, 9))], nullcontext())
    assert (prompts.positive, prompts.negative) == ({}, {})


def test_without_statistics_weights_are_uniform_on_the_mask() -> None:
    weights = weigh(take(box(0, 0, 40, 20)), statistics=False)[0]
    assert np.allclose(weights.reshape(7, 7)[:2, :2], 0.25, atol=1e-6)


def test_several_heads_share_one_map() -> None:
    model = conditioner(heads=4)
    weights = attention_weights(model, WordVectors().encode(["dog", "car"]), PATCHES[None].expand(2, -1, -1))
    assert weights.shape == (2, P)
    assert np.allclose(weights.sum(axis=1), 1.0, atol=1e-5)


def test_object_outside_a_cropped_view_is_refused() -> None:
    with pytest.raises(EngineError, match="'dog' lies outside the central square"):
        conditions(take(box(0, 0, 30, 70)), geometry="crop")
    assert weigh(take(box(0, 0, 50, 70)), geometry="crop")[0].argmax() % 7 <= 1

"""SAM 2 of the real classes at tiny size, held against transformers' own processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("transformers.models.sam2", reason="this version of transformers has no SAM 2")

from transformers.models.sam2.configuration_sam2 import Sam2Config
from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig
from transformers.models.sam2.configuration_sam2 import Sam2MaskDecoderConfig
from transformers.models.sam2.configuration_sam2 import Sam2PromptEncoderConfig
from transformers.models.sam2.configuration_sam2 import Sam2VisionConfig
from transformers.models.sam2.modeling_sam2 import Sam2Model
from transformers.models.sam2.processing_sam2 import Sam2Processor

from sounddesk.engine.segmenters.grid_proposals import GridSettings
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import PromptError
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.sam2 import Sam2Segmenter

SIDE = 128
IMAGE = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)


def tiny_sam2(seed: int = 0) -> Sam2Model:
    torch.manual_seed(seed)
    backbone = Sam2HieraDetConfig(
        hidden_size=8,
        num_attention_heads=1,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[8, 4, 8, 4],
        window_positional_embedding_background_size=[7, 7],
        global_attention_blocks=[3],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
        fpn_hidden_size=32,
    )
    model = Sam2Model(
        Sam2Config(
            vision_config=vision,
            prompt_encoder_config=Sam2PromptEncoderConfig(hidden_size=32, image_size=SIDE, patch_size=16),
            mask_decoder_config=Sam2MaskDecoderConfig(
                hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32
            ),
        )
    )
    with torch.no_grad():
        for parameter in model.parameters():
            # As if trained: fresh decoders say nearly the same at every pixel.
            if parameter.dim() > 1:
                parameter.mul_(4.0)
    return model.eval()


def tiny_segmenter(**settings: float) -> Sam2Segmenter:
    """For the contract: proposes whatever random weights find."""
    loose = GridSettings(points_per_side=3, **{"min_score": 0.0, "min_stability": 0.0, **settings})
    return Sam2Segmenter(tiny_sam2(), proposals=loose)


@pytest.fixture(scope="module")
def model() -> Sam2Model:
    return tiny_sam2()


@pytest.fixture
def segmenter(model: Sam2Model) -> Sam2Segmenter:
    return Sam2Segmenter(model)


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt.click(40.0, 30.0),
        Prompt(points=((40.0, 30.0), (100.0, 80.0)), labels=(True, False)),
        Prompt(box=(20.0, 10.0, 120.0, 70.0)),
    ],
)
def test_masks_are_those_of_transformers_own_processor(
    segmenter: Sam2Segmenter, model: Sam2Model, prompt: Prompt
) -> None:
    from transformers.models.sam2.image_processing_sam2 import Sam2ImageProcessor

    # An image of the network's size, so that no two libraries need to agree on how to resize it.
    image = np.array(Image.fromarray(IMAGE).resize((SIDE, SIDE)))
    click = prompt.points
    candidates = segmenter.predict(segmenter.encode(image), prompt)
    processor = Sam2Processor(
        image_processor=Sam2ImageProcessor(size={"height": SIDE, "width": SIDE}), target_size=SIDE
    )
    words = {
        "input_points": [[[list(point) for point in click]]] if click else None,
        "input_labels": [[[int(label) for label in prompt.labels]]] if click else None,
        "input_boxes": [[list(prompt.box)]] if prompt.box else None,
    }
    inputs = processor(images=image, return_tensors="pt", **{k: v for k, v in words.items() if v is not None})
    with torch.no_grad():
        sizes = inputs.pop("original_sizes")
        output = model(**inputs, multimask_output=prompt.is_single_click)
    masks = processor.post_process_masks(output.pred_masks, sizes, binarize=False)[0][0]
    expected = sorted(
        (float(score), torch.sigmoid(mask).numpy())
        for score, mask in zip(output.iou_scores[0, 0], masks, strict=True)
        if bool((mask >= 0).any())
    )[::-1]
    assert len(candidates) == len(expected) >= 1
    for candidate, (score, probability) in zip(candidates, expected, strict=True):
        np.testing.assert_allclose(candidate.probability, probability, atol=2e-4)
        assert candidate.score == pytest.approx(min(1.0, max(0.0, score)), abs=1e-4)
    # The answer depends on the prompt, or the comparison would say nothing.
    other = segmenter.predict(segmenter.encode(image), Prompt.click(100.0, 100.0))[0]
    assert not np.allclose(other.probability, candidates[0].probability, atol=1e-3)


def test_the_image_is_encoded_once_and_masks_have_its_size(segmenter: Sam2Segmenter) -> None:
    runs: list[int] = []
    real = segmenter._model.get_image_embeddings
    segmenter._model.get_image_embeddings = lambda pixels: runs.append(1) or real(pixels)  # type: ignore[func-returns-value]
    try:
        encoded = segmenter.encode(IMAGE)
        assert segmenter.encode(IMAGE.copy()) is encoded
        hint = np.zeros((96, 160), dtype=np.bool_)
        hint[20:50, 30:70] = True
        for prompt in (
            Prompt.click(10.0, 10.0),
            Prompt(mask_hint=hint),
            Prompt(positive_scribbles=(((5.0, 5.0), (90.0, 60.0)),)),
        ):
            for candidate in segmenter.predict(encoded, prompt):
                assert candidate.mask.shape == candidate.probability.shape == (96, 160)
                assert 0.0 <= candidate.score <= 1.0
    finally:
        del segmenter._model.get_image_embeddings
    assert runs == [1]


def test_a_prompt_outside_the_image_is_refused(segmenter: Sam2Segmenter) -> None:
    with pytest.raises(PromptError, match="outside the image of 160 x 96 px"):
        segmenter.predict(segmenter.encode(IMAGE), Prompt.click(160.0, 5.0))


def test_saved_and_loaded_it_says_the_same(segmenter: Sam2Segmenter, model: Sam2Model, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "sam2")
    loaded = Sam2Segmenter.from_folder(tmp_path / "sam2", name="SAM 2.1 Hiera tiny")
    assert loaded.name == "SAM 2.1 Hiera tiny"
    prompt = Prompt.click(40.0, 30.0)
    for one, other in zip(
        segmenter.predict(segmenter.encode(IMAGE), prompt), loaded.predict(loaded.encode(IMAGE), prompt), strict=True
    ):
        np.testing.assert_allclose(one.probability, other.probability, atol=1e-6)
    (tmp_path / "sam2" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(SegmenterError, match="cannot be loaded .*: install it again"):
        Sam2Segmenter.from_folder(tmp_path / "sam2")

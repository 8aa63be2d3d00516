"""SAM with the real classes: a tiny one with random weights, and once the real ViT-B size (slow)."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from segment_anything import SamPredictor
from segment_anything import build_sam_vit_b
from segment_anything import build_sam_vit_h
from segment_anything import build_sam_vit_l
from segment_anything.build_sam import _build_sam

from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import PromptError
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.sam import ProposalSettings
from sounddesk.engine.segmenters.sam import SamSegmenter
from sounddesk.engine.segmenters.sam_checkpoint import KNOWN_FILES
from sounddesk.engine.segmenters.sam_checkpoint import architecture_of
from sounddesk.engine.segmenters.sam_checkpoint import build_sam
from sounddesk.engine.segmenters.sam_checkpoint import identify
from sounddesk.engine.segmenters.sam_checkpoint import sam_from_state
from tests.engine.segmenters.tiny_sam import TINY
from tests.engine.segmenters.tiny_sam import tiny_sam

WIDE = (48, 100)  # H, W: not square and not the model's size


def picture(size: tuple[int, int] = WIDE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def count_encodings(model: torch.nn.Module) -> list[int]:
    calls: list[int] = []
    model.image_encoder.register_forward_hook(lambda *_: calls.append(1))
    return calls


def tiny_segmenter() -> SamSegmenter:
    """For the contract: proposes whatever random weights find."""
    loose = ProposalSettings(points_per_side=3, min_predicted_iou=-10, min_stability=0)
    return SamSegmenter(tiny_sam(), proposals=loose)


def test_one_click_gives_candidates_best_first() -> None:
    segmenter = SamSegmenter(tiny_sam())
    encoded = segmenter.encode(picture())
    candidates = segmenter.predict(encoded, Prompt.click(40, 20))
    assert 1 <= len(candidates) <= 3
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    for candidate in candidates:
        assert candidate.mask.shape == WIDE
        assert candidate.mask.dtype == np.bool_
        assert candidate.probability.shape == WIDE
        assert candidate.probability.dtype == np.float32
        assert np.array_equal(candidate.mask, candidate.probability >= 0.5)


@pytest.mark.parametrize("size", [WIDE, (100, 48), (64, 64), (200, 150)])
def test_agrees_with_the_packages_own_predictor(size: tuple[int, int]) -> None:
    model = tiny_sam()
    image = picture(size)
    predictor = SamPredictor(model)
    predictor.set_image(image)
    segmenter = SamSegmenter(model)
    encoded = segmenter.encode(image)

    points, labels = ((30.5, 20.25), (10.0, 40.0)), (True, False)
    box = (5.0, 6.0, 40.0, 44.0)
    cases = [
        (Prompt.click(30.5, 20.25), {"point_coords": np.array([[30.5, 20.25]]), "point_labels": np.array([1])}, True),
        (
            Prompt(points=points, labels=labels),
            {"point_coords": np.array(points), "point_labels": np.array([1, 0])},
            False,
        ),
        (Prompt(box=box), {"box": np.array(box)}, False),
        (
            Prompt(points=points, labels=labels, box=box),
            {"point_coords": np.array(points), "point_labels": np.array([1, 0]), "box": np.array(box)},
            False,
        ),
    ]
    for prompt, arguments, multimask in cases:
        logits, scores, _ = predictor.predict(**arguments, multimask_output=multimask, return_logits=True)
        expected = {
            float(np.clip(score, 0, 1)): 1 / (1 + np.exp(-mask))
            for mask, score in zip(logits, scores, strict=True)
            if (mask >= 0).any()
        }
        try:
            candidates = segmenter.predict(encoded, prompt)
        except EmptySelectionError:
            candidates = ()
        assert len(candidates) == len([1 for mask in logits if (mask >= 0).any()])
        for candidate in candidates:
            assert np.abs(candidate.probability - expected[candidate.score]).max() < 1e-5


def test_clicks_outside_are_refused_by_coordinates_and_size() -> None:
    segmenter = SamSegmenter(tiny_sam())
    with pytest.raises(PromptError, match="click at 100,3 is outside the image of 100 x 48 px"):
        segmenter.predict(segmenter.encode(picture()), Prompt.click(100, 3))


def test_padding_never_reaches_the_mask() -> None:
    """What lies in the padded part of the square must not show: mask features there are made huge."""
    model = tiny_sam()
    segmenter = SamSegmenter(model)
    encoded = segmenter.encode(picture((32, 64)))
    assert encoded.features.input_size == (32, 64)
    low = torch.full((1, 1, 32, 32), 5.0)
    low[..., 16:, :] = -50.0  # the padding below a 2:1 image
    candidate = segmenter._candidate(encoded, low, 0.5)
    assert candidate is not None
    # The last row is mixed with the padding by the bilinear upscale and by nothing else.
    assert candidate.mask[:-1].all()


def test_image_is_encoded_once_however_many_clicks() -> None:
    model = tiny_sam()
    calls = count_encodings(model)
    segmenter = SamSegmenter(model)
    encoded = segmenter.encode(picture())
    for x in (10, 50, 90):
        segmenter.predict(encoded, Prompt.click(x, 20))
    assert segmenter.encode(picture().copy()) is encoded
    assert len(calls) == 1


def test_cache_is_bounded_and_drops_the_least_recent() -> None:
    model = tiny_sam()
    calls = count_encodings(model)
    segmenter = SamSegmenter(model, cached_images=2)
    first = segmenter.encode(picture(seed=1))
    segmenter.encode(picture(seed=2))
    segmenter.encode(picture(seed=1))
    segmenter.encode(picture(seed=3))  # drops 2
    assert len(calls) == 3
    assert segmenter.encode(picture(seed=1)) is first
    assert len(calls) == 3
    segmenter.encode(picture(seed=2))
    assert len(calls) == 4


def test_threads_share_one_encoding() -> None:
    model = tiny_sam()
    calls = count_encodings(model)
    segmenter = SamSegmenter(model)
    barrier = threading.Barrier(4)
    answers: list[np.ndarray] = []

    def work() -> None:
        barrier.wait()
        answers.append(segmenter.predict(segmenter.encode(picture()), Prompt.click(40, 20))[0].probability)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert all(np.array_equal(answers[0], answer) for answer in answers)
    assert len(answers) == 4


def test_predict_uses_the_image_it_was_given_not_the_last_one() -> None:
    segmenter = SamSegmenter(tiny_sam())
    one = segmenter.encode(picture(seed=1))
    before = segmenter.predict(one, Prompt.click(40, 20))[0].probability
    segmenter.encode(picture(seed=2))
    assert np.array_equal(segmenter.predict(one, Prompt.click(40, 20))[0].probability, before)


def test_scribbles_and_hints_steer() -> None:
    segmenter = SamSegmenter(tiny_sam())
    encoded = segmenter.encode(picture())
    box = Prompt(box=(10, 10, 60, 40))
    scribbled = Prompt(box=(10, 10, 60, 40), negative_scribbles=(((70, 5), (95, 40)),))
    hint = np.zeros(WIDE, bool)
    hint[10:40, 10:60] = True

    def probability(prompt: Prompt) -> np.ndarray:
        logits, _ = segmenter._decode(encoded, prompt, multimask=False)
        return logits.numpy()

    from sounddesk.engine.segmenters.prompted import with_scribbles

    assert not np.allclose(probability(box), probability(with_scribbles(scribbled, encoded)))
    lone = with_scribbles(Prompt(mask_hint=hint), encoded)
    assert lone.box == (10.0, 10.0, 60.0, 40.0)
    assert not np.allclose(probability(box), probability(lone))
    along = with_scribbles(Prompt(positive_scribbles=(((0, 0), (90, 0)),)), encoded)
    assert along.labels == (True,) * len(along.points)
    assert along.points[0] == (0, 0)
    assert along.points[-1] == (90, 0)


def test_hint_is_padded_like_the_image() -> None:
    segmenter = SamSegmenter(tiny_sam())
    encoded = segmenter.encode(picture((32, 64)))
    logits = segmenter._hint_logits(np.ones((32, 64), bool), encoded.features.input_size)
    assert logits.shape == (1, 1, 32, 32)
    assert (logits[..., :16, :] == 8).all()
    assert (logits[..., 16:, :] == -8).all()


def test_empty_answer_is_an_error_with_a_remedy() -> None:
    segmenter = SamSegmenter(tiny_sam())
    encoded = segmenter.encode(picture())
    assert segmenter._candidate(encoded, torch.full((1, 1, 32, 32), -1.0), 0.9) is None
    model = tiny_sam()
    original = model.mask_decoder.forward

    def darkened(**arguments: object) -> tuple[torch.Tensor, torch.Tensor]:
        logits, scores = original(**arguments)
        return logits - 1e4, scores

    model.mask_decoder.forward = darkened
    dark = SamSegmenter(model)
    with pytest.raises(EmptySelectionError, match="click elsewhere, draw a box or paint"):
        dark.predict(dark.encode(picture()), Prompt.click(5, 5))


def test_large_images_keep_only_the_best_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = SamSegmenter(tiny_sam())
    encoded = segmenter.encode(picture())
    several = segmenter.predict(encoded, Prompt.click(40, 20))
    assert len(several) > 1
    monkeypatch.setattr("sounddesk.engine.segmenters.protocol.MAX_PIXELS_FOR_ALTERNATIVES", 100)
    (best,) = segmenter.predict(encoded, Prompt.click(40, 20))
    assert np.array_equal(best.mask, several[0].mask)


def test_proposals_reuse_the_encoded_image() -> None:
    model = tiny_sam()
    calls = count_encodings(model)
    every = ProposalSettings(points_per_side=4, min_predicted_iou=-10, min_stability=0, max_box_iou=1.0)
    segmenter = SamSegmenter(model, proposals=every)
    encoded = segmenter.encode(picture((120, 250)))
    candidates = segmenter.propose(encoded)
    assert candidates
    assert len(calls) == 1
    assert all(candidate.mask.shape == (120, 250) for candidate in candidates)
    strict = SamSegmenter(model, proposals=ProposalSettings(points_per_side=4, min_predicted_iou=2.0))
    assert strict.propose(encoded) == ()


# ------------------------------------------------------------------ checkpoints


def test_architecture_is_read_off_the_weights() -> None:
    assert architecture_of(build_sam(TINY).state_dict()) == TINY


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("image_encoder.patch_embed.proj.weight", (0, 3, 8, 8)),
        ("image_encoder.patch_embed.proj.weight", (16, 3, 0, 0)),
        ("image_encoder.blocks.0.attn.rel_pos_h", (3, 0)),
        ("image_encoder.pos_embed", (1, 0, 0, 16)),
        ("mask_decoder.mask_tokens.weight", (0, 0)),
        ("mask_decoder.mask_tokens.weight", (1, 16)),
        ("mask_decoder.transformer.layers.0.mlp.lin1.weight", (0, 16)),
    ],
)
def test_weights_of_no_size_are_no_checkpoint(key: str, shape: tuple[int, ...]) -> None:
    state = {**build_sam(TINY).state_dict(), key: torch.zeros(shape)}
    with pytest.raises(SegmenterError, match="this is no SAM checkpoint"):
        architecture_of(state)


@pytest.mark.parametrize(
    ("builder", "name"), [(build_sam_vit_b, "vit_b"), (build_sam_vit_l, "vit_l"), (build_sam_vit_h, "vit_h")]
)
def test_published_types_are_recognised_and_rebuilt(builder: object, name: str) -> None:
    with torch.device("meta"):
        theirs = builder()
        architecture = architecture_of(theirs.state_dict())
        ours = build_sam(architecture)
    assert architecture.model_type == name
    assert str(ours) == str(theirs)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}
    heads = [block.attn.num_heads for block in theirs.image_encoder.blocks]
    assert [block.attn.num_heads for block in ours.image_encoder.blocks] == heads
    windows = [block.window_size for block in theirs.image_encoder.blocks]
    assert [block.window_size for block in ours.image_encoder.blocks] == windows


def save(model: torch.nn.Module, path: Path, *, wrapped: bool = False) -> Path:
    state = model.state_dict()
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"model": state} if wrapped else state, path)
    return path


@pytest.mark.parametrize("name", ["sam.pth", "sam.safetensors"])
def test_checkpoint_round_trip(tmp_path: Path, name: str) -> None:
    model = tiny_sam()
    loaded = SamSegmenter.from_checkpoint(save(model, tmp_path / name))
    assert loaded.name == "SAM vit_32x2"
    assert "none of the published SAM files" in loaded.notes[0]
    direct = SamSegmenter(model)
    for one, other in zip(
        loaded.predict(loaded.encode(picture()), Prompt.click(40, 20)),
        direct.predict(SamSegmenter(model, model_type="vit_b").encode(picture()), Prompt.click(40, 20)),
        strict=True,
    ):
        assert np.array_equal(one.probability, other.probability)


def test_half_precision_and_wrapped_checkpoints(tmp_path: Path) -> None:
    segmenter = SamSegmenter.from_checkpoint(save(tiny_sam().half(), tmp_path / "a.pth", wrapped=True))
    assert segmenter._model.image_encoder.pos_embed.dtype == torch.float32
    assert segmenter.predict(segmenter.encode(picture()), Prompt.click(40, 20))


def test_checkpoint_refusals(tmp_path: Path) -> None:
    def refused(path: Path, match: str, **arguments: str) -> None:
        with pytest.raises(SegmenterError, match=match):
            SamSegmenter.from_checkpoint(path, **arguments)

    refused(tmp_path / "absent.pth", "absent.pth' does not exist")
    whole = save(tiny_sam(), tmp_path / "whole.pth")
    (tmp_path / "cut.pth").write_bytes(whole.read_bytes()[:5000])
    refused(tmp_path / "cut.pth", "cut.pth' cannot be read .*download it again")
    (tmp_path / "junk.safetensors").write_bytes(b"junk" * 100)
    refused(tmp_path / "junk.safetensors", "junk.safetensors' cannot be read")
    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / "other.pth")
    refused(tmp_path / "other.pth", "no SAM checkpoint")
    torch.save([1, 2, 3], tmp_path / "list.pth")
    refused(tmp_path / "list.pth", "holds no state dict")
    state = tiny_sam().state_dict()
    del state["mask_decoder.iou_token.weight"]
    torch.save(state, tmp_path / "short.pth")
    refused(tmp_path / "short.pth", "does not fit its own architecture")
    refused(whole, "holds SAM vit_32x2, not vit_b", model_type="vit_b")
    refused(whole, "cannot run on 'nonsense'", device="nonsense")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("evil-was-here"),))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"x": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(SegmenterError, match="cannot be read"):
        SamSegmenter.from_checkpoint(tmp_path / "evil.pth")
    assert not (tmp_path / "evil-was-here").exists()


def test_published_file_is_told_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    from sounddesk.engine.segmenters import sam_checkpoint

    file = tmp_path / "sam_vit_b_01ec64.pth"
    file.write_bytes(b"weights")
    known = sam_checkpoint.KnownFile(name=file.name, size_bytes=7, sha256=hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(sam_checkpoint, "KNOWN_FILES", (known,))
    assert identify(file) == ()
    file.write_bytes(b"weighty")  # same size, other content
    assert identify(file) != ()
    assert len(KNOWN_FILES) == 3


def test_buffers_outside_the_file_are_set() -> None:
    model, _ = sam_from_state(tiny_sam().state_dict())
    reference = build_sam(TINY)
    assert torch.equal(model.pixel_mean, reference.pixel_mean)
    assert torch.equal(model.pixel_std, reference.pixel_std)
    assert not any(tensor.is_meta for tensor in [*model.parameters(), *model.buffers()])


@pytest.mark.slow
def test_real_size_vit_b(tmp_path: Path) -> None:
    """Shapes, caching, coordinates and padding at the size of the published ViT-B; two of its twelve blocks."""
    torch.manual_seed(0)
    reference = _build_sam(
        encoder_embed_dim=768, encoder_depth=2, encoder_num_heads=12, encoder_global_attn_indexes=[1]
    ).eval()
    path = tmp_path / "sam_vit_b_random.pth"
    torch.save(reference.state_dict(), path)
    segmenter = SamSegmenter.from_checkpoint(path, model_type="vit_b")
    assert segmenter.name == "SAM ViT-B"
    calls = count_encodings(segmenter._model)
    image = picture((600, 900))
    encoded = segmenter.encode(image)
    assert encoded.features.embedding.shape == (1, 256, 64, 64)
    assert encoded.features.input_size == (683, 1024)

    predictor = SamPredictor(reference)
    predictor.set_image(image)
    for x, y in ((450.0, 300.0), (899.0, 599.0)):
        logits, scores, _ = predictor.predict(np.array([[x, y]]), np.array([1]), return_logits=True)
        found = segmenter._decode(encoded, Prompt.click(x, y), multimask=True)
        assert found[0].shape == (1, 3, 256, 256)
        assert np.abs(found[1] - scores).max() < 1e-4
        full = segmenter._model.postprocess_masks(found[0], encoded.features.input_size, (600, 900))[0]
        assert np.abs(full.numpy() - logits).max() < 1e-3
    assert segmenter.encode(image) is encoded
    assert len(calls) == 1

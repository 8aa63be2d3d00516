"""Masks carried along by SAM 2: the real classes at tiny size, held against transformers' own way through a shot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import EngineError

pytest.importorskip("transformers.models.sam2_video", reason="this version of transformers has no SAM 2 for shots")

from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from sounddesk.engine.catalogue.model_adding import link_model
from sounddesk.engine.licence import Licence
from sounddesk.engine.segmenters.entries.sam2 import installed_sam2
from sounddesk.engine.segmenters.sam2 import Sam2Segmenter
from sounddesk.engine.segmenters.sam2 import sam2_pixels
from sounddesk.engine.segmenters.sam2_video import Sam2MaskTracker
from sounddesk.engine.segmenters.sam2_video import load_video_model
from tests.engine.segmenters.tiny_sam2_video import SIDE
from tests.engine.segmenters.tiny_sam2_video import tiny_sam2_video

HEIGHT, WIDTH = 48, 80
FRAMES = [np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for number in range(9)]
MASKS = {name: np.zeros((HEIGHT, WIDTH), dtype=np.uint8) for name in ("dog", "car")}
MASKS["dog"][5:30, 10:40] = 255
MASKS["car"][20:45, 50:78] = 255


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_sam2_video()


@torch.no_grad()
def by_transformers(model: Any) -> list[np.ndarray]:
    """Probabilities [frame][object, H, W] with a session that forgets nothing."""
    session = Sam2VideoInferenceSession(video_height=HEIGHT, video_width=WIDTH, dtype=torch.float32)
    for number, mask in enumerate(MASKS.values(), start=1):
        square = torch.nn.functional.interpolate(
            torch.from_numpy(mask / 255.0).float()[None, None], (SIDE, SIDE), mode="bilinear", antialias=True
        )
        session.add_mask_inputs(session.obj_id_to_idx(number), 0, (square >= 0.5).float())
    session.obj_with_new_inputs = [1, 2]
    found = []
    for frame in FRAMES:
        logits = model(session, frame=sam2_pixels(frame, side=SIDE, device="cpu")).pred_masks
        full = torch.nn.functional.interpolate(logits, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
        found.append(torch.sigmoid(full)[:, 0].numpy())
    return found


def test_masks_are_those_of_transformers_though_old_frames_are_forgotten(model: Any) -> None:
    expected = by_transformers(model)
    tracker = Sam2MaskTracker(model, FRAMES[0], MASKS)
    for number, frame in enumerate(FRAMES[1:], start=1):
        assert tracker.advance(frame) is True
        for index, name in enumerate(MASKS):
            mask = tracker.masks[name]
            assert mask.shape == (HEIGHT, WIDTH) and mask.dtype == np.uint8
            assert np.abs(mask / 255.0 - expected[number][index]).max() < 0.01
    # They change from frame to frame, or the comparison would say nothing.
    assert np.abs(expected[8] - expected[1]).max() > 0.05


def test_the_first_frame_keeps_the_masks_that_were_given(model: Any) -> None:
    assert dict(Sam2MaskTracker(model, FRAMES[0], MASKS).masks) == MASKS


def test_an_object_that_is_gone_has_an_empty_mask() -> None:
    tracker = Sam2MaskTracker(tiny_sam2_video(visible=False), FRAMES[0], MASKS)
    tracker.advance(FRAMES[1])
    assert not any(mask.any() for mask in tracker.masks.values())


def test_memory_does_not_grow_with_the_shot(model: Any) -> None:
    tracker = Sam2MaskTracker(model, FRAMES[0], MASKS)
    sizes = []
    for number in range(20):
        tracker.advance(FRAMES[number % len(FRAMES)])
        sizes.append(_held(tracker))
    assert sizes[-1] == sizes[8]


def _held(tracker: Sam2MaskTracker) -> int:
    session = tracker._session
    outputs = [
        value
        for place in session.output_dict_per_obj.values()
        for frames in place.values()
        for output in frames.values()
        for value in output.values()
    ]
    return sum(t.numel() for t in [*outputs, *session.processed_frames.values()] if isinstance(t, torch.Tensor))


@pytest.fixture
def installed(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOUNDDESK_MODELS", str(tmp_path / "models"))
    model.save_pretrained(tmp_path / "sam2")
    licence = Licence(name="Apache License 2.0", commercial="yes")
    link_model(tmp_path / "sam2", model_id="sam2.1-tiny", kind="segmenter", licence=licence)
    return tmp_path / "sam2"


def test_one_installed_folder_serves_stills_and_shots(installed: Path, model: Any) -> None:
    found = installed_sam2()
    assert found is not None and found.id == "sam2.1-tiny"
    loaded = load_video_model(found)
    expected, again = (Sam2MaskTracker(each, FRAMES[0], MASKS) for each in (model, loaded))
    for frame in FRAMES[1:3]:
        expected.advance(frame)
        again.advance(frame)
    assert all(np.array_equal(expected.masks[name], again.masks[name]) for name in MASKS)
    assert Sam2Segmenter.from_folder(installed).encode(FRAMES[0]).width == WIDTH


def test_a_damaged_one_is_not_loaded(installed: Path) -> None:
    found = installed_sam2()
    assert found is not None
    path = installed / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(EngineError, match="sam2.1-tiny': model.safetensors is not the file"):
        load_video_model(found)

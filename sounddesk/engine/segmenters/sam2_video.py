"""Masks carried along a shot by SAM 2's memory (Ravi et al. 2024), through transformers' `Sam2VideoModel`.

The published SAM 2.1 folders hold the weights for stills and for video, so an installed SAM 2 can do both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Final

import numpy as np
import torch

from sounddesk.domain.mask import quantise_probability
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.segmenters.entry import Coverage
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.sam2 import sam2_pixels
from sounddesk.engine.types import RgbImage

_FIRST: Final = 0


class Sam2MaskTracker:
    """Follows masks through the frames of a shot, one `advance` per frame; memory does not grow with the shot.

    An object that is not to be seen has an empty mask, and comes back where SAM 2 finds it again.

    Args:
        model: a `Sam2VideoModel`.
        image: the frame that the masks belong to, sRGB uint8[H, W, 3].
        masks: uint8[H, W] by object name, shares of 255.
    """

    def __init__(self, model: Any, image: RgbImage, masks: Mapping[str, Coverage]) -> None:
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        self._model = model
        self._names = list(masks)
        self._masks = dict(masks)
        self._frame = _FIRST
        self._session = Sam2VideoInferenceSession(
            video_height=image.shape[0],
            video_width=image.shape[1],
            inference_device=model.device,
            inference_state_device=model.device,
            dtype=torch.float32,
        )
        side = model.image_size
        for number, mask in enumerate(masks.values(), start=1):
            inside = torch.from_numpy(mask.astype(np.float32) / 255.0)[None, None]
            square = torch.nn.functional.interpolate(inside, (side, side), mode="bilinear", antialias=True)
            place = self._session.obj_id_to_idx(number)
            self._session.add_mask_inputs(place, _FIRST, (square >= 0.5).float())
        self._session.obj_with_new_inputs = list(self._session.obj_ids)
        self._see(image)

    @property
    def masks(self) -> Mapping[str, Coverage]:
        """The masks in the frame reached last, at its size; in the first frame those that were given."""
        return self._masks

    def advance(self, image: RgbImage) -> bool:
        """Follow the masks into the next frame. Always True: after a cut SAM 2 looks for the objects itself."""
        self._frame += 1
        logits = self._see(image)
        full = torch.nn.functional.interpolate(logits, image.shape[:2], mode="bilinear", align_corners=False)[:, 0]
        shares = quantise_probability(torch.sigmoid(full).cpu().numpy())
        self._masks = dict(zip(self._names, shares, strict=True))
        return True

    @torch.no_grad()
    def _see(self, image: RgbImage) -> torch.Tensor:
        """Logits float32[N, 1, h, w] of all objects in the next frame."""
        pixels = sam2_pixels(image, side=self._model.image_size, device=self._model.device)
        output = self._model(inference_session=self._session, frame=pixels, frame_idx=self._frame)
        self._forget()
        logits: torch.Tensor = output.pred_masks.float()
        return logits

    def _forget(self) -> None:
        """Drop what SAM 2 does not look back to any more."""
        config = self._model.config
        oldest = self._frame - max(config.num_maskmem, config.max_object_pointers_in_encoder)
        session = self._session
        # The pixels of a frame are needed while it is the newest; their number counts as the length of the shot.
        session.processed_frames[self._frame] = torch.empty(0)
        for place in range(session.get_obj_num()):
            for kept in (
                session.output_dict_per_obj[place]["non_cond_frame_outputs"],
                session.frames_tracked_per_obj[place],
            ):
                for frame in [frame for frame in kept if frame < oldest]:
                    del kept[frame]


@constructing()
def load_video_model(model: InstalledModel, *, device: str = "cpu") -> Any:
    """SAM 2's video model from an installed SAM 2, each of its files checked first.

    Raises:
        EngineError: damaged, not a SAM 2, or a version of transformers without it.
    """
    model.verify()
    try:
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoModel
    except ImportError as error:
        raise SegmenterError(
            "SAM 2 for shots needs a newer transformers: pip install --upgrade transformers"
        ) from error
    from sounddesk.engine.models.construction import quieten_libraries

    quieten_libraries()
    try:
        network = Sam2VideoModel.from_pretrained(model.folder, use_safetensors=True, local_files_only=True)
    # transformers, safetensors and torch each raise classes of their own on damaged files.
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SegmenterError(f"{model.name} cannot be loaded for shots ({reason}): install it again") from error
    return network.float().eval().requires_grad_(False).to(device)

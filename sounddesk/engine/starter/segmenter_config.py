"""Shape of the starter's segmenter network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from typing import Final

from sounddesk.domain.limits import Range

EMBEDDING_STRIDE: Final = 16
MASK_STRIDE: Final = 4
COLOUR_STRIDE: Final = 2


@dataclass(frozen=True, kw_only=True)
class StarterSegmenterConfig:
    """Shape of the network.

    Attributes:
        image_size: side of the square image that the encoder sees.
        tap_widths: channels of the encoder's maps at the strides 4, 8, 16 and 32.
        width: channels of the embedding.
        depth, heads, mlp_width: of SAM's two-way transformer.
        refiner_side, refiner_widths: of the refiner (`RefinerConfig`).
        refiner_taps: how many of the encoder's maps the refiner takes, from stride 4 on.
        encoder_fingerprint: of the weights of the image encoder that it was trained on (`quantised_weights`); with
            another one its masks are worth nothing.
    """

    image_size: Annotated[int, Range(64, 4096)] = 640
    tap_widths: tuple[int, ...] = (24, 40, 112, 320)
    width: int = 128
    depth: Annotated[int, Range(1, 64)] = 2
    heads: int = 4
    mlp_width: int = 512
    kinship_width: int = 24
    refiner_side: Annotated[int, Range(8, 4096)] = 128
    refiner_widths: tuple[int, ...] = (32, 64, 96, 128)
    refiner_taps: Annotated[int, Range(3, 4)] = 3
    encoder_fingerprint: str = ""

    @property
    def embedding_side(self) -> int:
        return self.image_size // EMBEDDING_STRIDE

    @property
    def mask_side(self) -> int:
        """Side of the square masks, and of the earlier answer that a prompt may hold."""
        return self.image_size // MASK_STRIDE

"""The sound of a lane before its fader: its clips, behind the equalizer of its strip.

A filter remembers, and still every sample has to depend on its own position alone: playing begins anywhere, exports run
on several threads, and both have to agree to the bit. So a lane is filtered in pieces that lie at fixed places of the
timeline, each from far enough before its beginning that the filter has forgotten that it began there.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Final

import numpy as np

from sounddesk.audio.equalizer import equalizer_sections
from sounddesk.audio.equalizer import filtered
from sounddesk.audio.equalizer import settling_frames
from sounddesk.audio.placed_clip import Sound
from sounddesk.audio.placed_clip import place_clip
from sounddesk.domain.bounded_cache import BoundedCache
from sounddesk.domain.crossfades import Fades
from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.timeline import Clip

PIECE_FRAMES: Final = 16_384
# A piece is asked for again while a reverb rings and while a fader is dragged: 8 s of a lane, 1.5 MB.
_KEPT_PIECES: Final = 24


class LaneSound:
    """Safe to be read from several threads.

    Attributes:
        channels: 2 where a clip plays a stereo take, else 1.

    Args:
        clips: of the lane.
        fades: with which they sound, by id.
        samples_of: a take's samples at the project rate; None where it is not there (yet).
        before: the lane as it was: what it has filtered is used again where nothing has changed.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        fades: dict[str, Fades],
        samples_of: Callable[[str], Sound | None],
        equalizer: Equalizer,
        before: LaneSound | None = None,
    ) -> None:
        found = [(clip, samples_of(clip.take_id)) for clip in clips]
        heard = [(clip, fades[clip.id], samples) for clip, samples in found if samples is not None]
        self._clips = tuple(place_clip(clip, samples, each) for clip, each, samples in heard)
        self.channels = max((samples.ndim for _, _, samples in heard), default=1)
        self._sections = equalizer_sections(equalizer)
        self._settling = settling_frames(self._sections)
        self._pieces = BoundedCache[int, Sound](max_items=_KEPT_PIECES)
        # The samples themselves stand for their identity; they are kept alive by the clips.
        self._made_of = ([(clip, each, id(samples)) for clip, each, samples in heard], equalizer)
        if before is not None and before._made_of == self._made_of:
            self._clips, self._pieces = before._clips, before._pieces

    def read(self, start: int, count: int) -> Sound:
        """What sounds from frame `start` on, float32[count], or of two channels float32[count, 2]; a fresh array."""
        if not len(self._sections):
            return self._dry(start, count)
        return read_pieces(self._piece, start, count, shape=self._shape(count))

    def _dry(self, start: int, count: int) -> Sound:
        sound = np.zeros(self._shape(count), dtype=np.float32)
        for clip in self._clips:
            clip.add_to(sound, start)
        return sound

    def _shape(self, count: int) -> tuple[int, ...]:
        return (count,) if self.channels == 1 else (count, self.channels)

    def _piece(self, index: int) -> Sound:
        def make() -> Sound:
            first = index * PIECE_FRAMES - self._settling
            return filtered(self._dry(first, self._settling + PIECE_FRAMES), self._sections, settling=self._settling)

        return self._pieces.get_or_make(index, make)


def read_pieces(
    piece: Callable[[int], np.ndarray], start: int, count: int, *, shape: tuple[int, ...], frames: int = PIECE_FRAMES
) -> np.ndarray:
    """`count` frames from `start` on, out of pieces of `frames` each that begin at its multiples."""
    out = np.empty(shape, dtype=np.float32)
    done = 0
    while done < count:
        index, inside = divmod(start + done, frames)
        part = piece(index)[inside : inside + count - done]
        out[done : done + len(part)] = part
        done += len(part)
    return out

"""What the sound server would be given, block by block; no device is opened."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sounddesk.audio.playback import Playback
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip

TONE = (0.5 * np.cos(np.arange(48_000) / 8.0)).astype(np.float32)
OWN_STEP = float(np.abs(np.diff(TONE)).max())


@pytest.fixture
def playback() -> Iterator[Playback]:
    playback = Playback()
    lane = SceneObject(id="o1", name="tone", mask=TiledMask.empty(width=1, height=1), seed=0)
    clip = Clip(id="c1", object_id="o1", take_id="t", start_s=0.0, duration_s=1.0)
    playback.set_mix(TimelineMix(Project(objects=(lane,), clips=(clip,)), lambda _take: TONE))
    yield playback
    playback.close()


def blocks(playback: Playback, count: int) -> np.ndarray:
    assert playback._mix is not None
    return np.concatenate([playback._next_block(playback._mix) for _ in range(count)])[:, 0]


def test_the_end_of_a_range_fades_to_silence(playback: Playback) -> None:
    playback._end = 5000
    sound = blocks(playback, 12)
    assert np.abs(np.diff(sound)).max() < 1.2 * OWN_STEP
    assert not sound[5000:].any()
    assert np.abs(sound[:4700]).max() > 0.49


def test_a_loop_has_no_click_at_its_wrap(playback: Playback) -> None:
    playback.set_loop((1000, 4000))
    playback._next_frame = 1000
    sound = blocks(playback, 20)
    assert np.abs(np.diff(sound)).max() < 1.2 * OWN_STEP
    assert np.abs(sound[-2000:]).max() > 0.49


@pytest.mark.parametrize("frames", [64, 128, 512])
def test_a_stop_fades_out_whatever_the_size_of_the_callback(playback: Playback, frames: int) -> None:
    playback._ring[:, :] = 0.5
    playback._written = 8192
    playback._playing = True
    playback.stop()
    heard = []
    while playback._fading:
        out = np.empty((frames, 2), dtype=np.float32)
        playback._callback(out, frames, None, None)
        heard.append(out)
    sound = np.concatenate(heard)[:, 0]
    assert np.abs(np.diff(sound)).max() < 0.01
    assert sound[-1] == pytest.approx(0.0, abs=0.01)
    assert playback._read == playback._written

"""What the sound server would be given, block by block; no device is opened."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np
import pytest

from sounddesk.audio.playback.playback import Playback
from sounddesk.audio.playback.playback_ring import RAMP
from sounddesk.audio.playback.playback_ring import SIZE
from sounddesk.audio.playback.playback_ring import PlaybackRing
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
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


def test_backwards_at_twice_the_speed_is_the_tape_turned_round(playback: Playback) -> None:
    playback._speed, playback._next_frame = -2, 20_000
    # Ranges are for playing forwards at its own speed.
    playback.set_loop((12_000, 15_000))
    sound = blocks(playback, 10)
    expected = TONE[20_000 - 10_240 : 20_000].reshape(-1, 2).mean(axis=1)[::-1]
    assert np.allclose(sound, expected, atol=1e-6)
    assert playback._next_frame == 20_000 - 10_240
    rest = blocks(playback, 12)
    assert np.abs(np.diff(rest)).max() < 2.4 * OWN_STEP
    assert not rest[9_760 // 2 :].any()


def test_the_end_comes_smoothly_also_at_eight_times_the_speed(playback: Playback) -> None:
    playback._speed, playback._end, playback._next_frame = 8, 40_000, 20_000
    sound = blocks(playback, 8)
    assert np.abs(np.diff(sound)).max() < 8 * OWN_STEP
    assert not sound[20_000 // 8 :].any()


def read(ring: PlaybackRing, frames: int) -> np.ndarray:
    out = np.full((frames, 2), np.nan, dtype=np.float32)
    ring.read_into(out)
    assert np.isfinite(out).all()
    return out[:, 0]


@pytest.mark.parametrize("frames", [64, 128, 512])
def test_a_stop_fades_out_whatever_the_size_of_the_callback(frames: int) -> None:
    ring = PlaybackRing()
    ring.write(np.full((8192, 2), 0.5, np.float32))
    heard = [read(ring, frames)]
    ring.fade_out()
    while ring.fading:
        heard.append(read(ring, frames))
    heard.append(read(ring, frames))
    sound = np.concatenate(heard)
    assert sound[0] == 0.5
    assert np.abs(np.diff(sound)).max() < 0.01
    assert not sound[-frames:].any()
    assert ring.read == ring.written


@pytest.mark.parametrize("frames", [64, 300, 1024])
def test_a_dropout_does_not_click(frames: int) -> None:
    ring = PlaybackRing()
    ring.write(np.full((frames + frames // 2, 2), 0.5, np.float32))
    heard = [read(ring, frames) for _ in range(8)]
    ring.write(np.full((8 * frames, 2), 0.5, np.float32))
    heard += [read(ring, frames) for _ in range(7)]
    sound = np.concatenate(heard)
    assert np.abs(np.diff(sound)).max() <= 0.5 / RAMP + 1e-6
    assert sound[7 * frames] == pytest.approx(0.0, abs=0.02)
    assert sound[-1] == 0.5


def test_what_is_written_is_read_across_the_ring_s_end() -> None:
    ring = PlaybackRing()
    sound = np.arange(3 * SIZE, dtype=np.float32) / SIZE
    heard = []
    for start in range(0, len(sound), 1000):
        ring.write(np.repeat(sound[start : start + 1000, None], 2, axis=1))
        heard.append(read(ring, len(sound[start : start + 1000])))
    assert np.array_equal(np.concatenate(heard), sound)


def run(playback: Playback, callback: int, count: int) -> np.ndarray:
    """What the device hears in `count` callbacks, with the filler's work done between them by this thread."""
    heard = []
    for _ in range(count):
        while playback._ring.ahead < 6144:
            if playback._old_mix is not None:
                playback._rewind()
            assert playback._mix is not None
            playback._ring.write(playback._next_block(playback._mix))
        out = np.empty((callback, 2), dtype=np.float32)
        playback._callback(out, callback, None, None)
        heard.append(out[:, 0])
    return np.concatenate(heard)


@pytest.fixture
def still_playback(playback: Playback, monkeypatch: pytest.MonkeyPatch) -> Playback:
    """One whose filler never runs."""
    playback.close()
    monkeypatch.setattr(playback, "_playing", True)
    return playback


def test_the_position_follows_every_wrap_of_a_loop(still_playback: Playback) -> None:
    playback = still_playback
    playback.set_loop((1000, 2500))
    playback._next_frame, playback._runs = 1000, ((playback._ring.written, 1000),)
    for step in range(1, 60):
        run(playback, 256, 1)
        assert playback.frame == 1000 + (step * 256) % 1500
    playback.set_loop(None)
    # What lies in the ring still wraps; after it the position goes on beyond the loop's end.
    run(playback, 256, 40)
    assert playback.frame > 2500


def test_an_edit_is_heard_within_50_ms_and_without_a_click(still_playback: Playback) -> None:
    playback = still_playback
    lane = SceneObject(
        id="o1", name="tone", mask=TiledMask.empty(width=1, height=1), seed=0, strip=MixerStrip(muted=True)
    )
    before = run(playback, 256, 30)
    playback.set_mix(TimelineMix(Project(objects=(lane,)), lambda _take: None))
    after = run(playback, 256, 30)
    assert np.abs(before[-2000:]).max() > 0.49
    assert np.abs(np.diff(np.concatenate([before, after]))).max() < 1.2 * OWN_STEP
    silent_from = int(np.flatnonzero(after)[-1]) + 1
    assert silent_from < 0.05 * 48_000
    assert playback.frame == 60 * 256


def test_levels_are_of_what_was_heard(still_playback: Playback) -> None:
    playback = still_playback
    run(playback, 512, 40)
    playback._levels.heard(playback._ring.read)
    levels = playback.take_levels()
    assert set(levels) == {"o1", ""}
    assert levels["o1"].peak == pytest.approx(0.5, abs=1e-3)
    assert levels[""].rms == pytest.approx((0.5 / np.sqrt(2.0),) * 2, rel=0.02)
    reading = playback.loudness
    assert reading is not None
    assert reading.peak_dbfs == pytest.approx(-6.02, abs=0.1)
    assert playback.take_levels() == {}


def test_without_a_device_the_position_moves_by_the_clock(playback: Playback, monkeypatch: pytest.MonkeyPatch) -> None:
    import sounddevice

    def refuse(**_arguments: object) -> None:
        raise sounddevice.PortAudioError("none here")

    monkeypatch.setattr(sounddevice, "OutputStream", refuse)
    playback.set_loop((0, 12_000))
    playback.play(from_frame=0, until_frame=48_000)
    start = time.monotonic()
    seen = []
    while time.monotonic() - start < 0.8:
        seen.append(playback.frame)
        time.sleep(0.01)
    assert "none here" in playback.problem
    assert max(seen) < 12_000 + 512
    assert sum(b < a for a, b in itertools.pairwise(seen)) >= 2, "it did not wrap"
    assert playback.take_levels()["o1"].peak > 0.4


def test_a_late_mix_is_counted_as_a_dropout_and_a_timely_one_is_not(still_playback: Playback) -> None:
    playback = still_playback
    run(playback, 256, 40)
    assert playback.dropouts == 0
    out = np.empty((256, 2), dtype=np.float32)
    for _ in range(6144 // 256 + 1):
        playback._callback(out, 256, None, None)
    assert playback.dropouts > 0


def test_the_playhead_is_at_what_is_heard_not_at_what_the_device_was_given(still_playback: Playback) -> None:
    playback = still_playback
    playback._latency = 4800
    run(playback, 256, 10)
    assert playback.frame == 0
    run(playback, 256, 20)
    assert playback.frame == 30 * 256 - 4800

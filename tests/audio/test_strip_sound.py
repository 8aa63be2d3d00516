"""What strips do to the sound: curves, equalizer, reverb and groups; heard and exported alike, whatever the blocks."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.equalizer import equalizer_sections
from sounddesk.audio.equalizer import response_db
from sounddesk.audio.equalizer import settling_frames
from sounddesk.audio.lane_sound import PIECE_FRAMES
from sounddesk.audio.reverb import impulse_response
from sounddesk.audio.timeline_mix import REVERB
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.mixer_effects import FaderGroup
from sounddesk.domain.mixer_effects import Reverb
from sounddesk.domain.project import MasterBus
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from tests.audio.conftest import RATE
from tests.audio.conftest import Street

MASK = TiledMask.empty(width=1, height=1)
NOISE = (np.random.default_rng(1).standard_normal(RATE) * 0.2).astype(np.float32)
ONES = np.ones(RATE, dtype=np.float32)
VOLUME = tuple(CurvePoint(time_s=t, value=db) for t, db in ((0.2, 0.0), (0.7, -20.0), (0.9, -60.0), (1.2, 6.0)))
PAN = (CurvePoint(time_s=0.3, value=-1.0), CurvePoint(time_s=1.0, value=1.0))
EQUALIZER = Equalizer(high_pass_hz=120.0, low_pass_hz=6000.0, bell_hz=800.0, bell_db=9.0, bell_q=2.0)
SMALL_ROOM = Reverb(decay_s=0.3)


def project_of(*strips: MixerStrip, master: MasterBus | None = None) -> Project:
    lanes = tuple(
        SceneObject(id=f"o{i}", name=f"dog {i}", mask=MASK, seed=0, strip=each) for i, each in enumerate(strips)
    )
    clips = tuple(
        Clip(id=f"c{i}", object_id=f"o{i}", take_id="t", start_s=0.1 + 0.2 * i, duration_s=1.0)
        for i in range(len(strips))
    )
    return Project(objects=lanes, clips=clips, master=master or MasterBus(reverb=SMALL_ROOM))


def mix_of(*strips: MixerStrip, take: np.ndarray = NOISE, master: MasterBus | None = None) -> TimelineMix:
    return TimelineMix(project_of(*strips, master=master), lambda _take: take)


strips = st.builds(
    MixerStrip,
    gain_db=st.floats(-12, 6),
    pan=st.floats(-1, 1),
    volume_curve=st.sampled_from([(), VOLUME]),
    pan_curve=st.sampled_from([(), PAN]),
    equalizer=st.sampled_from([Equalizer(), EQUALIZER, Equalizer(bell_hz=40.0, bell_db=-18.0, bell_q=8.0)]),
    send_db=st.sampled_from([-60.0, -12.0, 0.0]),
)


@settings(max_examples=12, deadline=None)
@given(one=strips, other=strips, cuts=st.lists(st.integers(1, 2 * RATE - 1), max_size=4), first=st.integers(0, RATE))
def test_the_result_does_not_depend_on_blocks_nor_on_where_one_begins(one, other, cuts, first) -> None:
    whole = mix_of(one, other).render(0, 2 * RATE)
    # Another mix, so that nothing is kept from the whole; forwards in blocks, then once more from the middle.
    mix = mix_of(one, other)
    edges = [0, *sorted(set(cuts)), 2 * RATE]
    assert np.array_equal(np.concatenate([mix.render(a, b - a) for a, b in pairwise(edges)]), whole)
    assert np.array_equal(mix_of(one, other).render(first, 3000), whole[first : first + 3000])


def test_a_volume_curve_is_what_it_says_on_top_of_the_fader() -> None:
    out = mix_of(MixerStrip(gain_db=-6.0, volume_curve=VOLUME), take=ONES).render(0, RATE)[:, 0]
    fader = 10 ** (-6.0 / 20)
    assert out[int(0.15 * RATE)] == pytest.approx(fader, rel=1e-5)
    assert out[int(0.7 * RATE)] == pytest.approx(fader * 10 ** (-20 / 20), rel=1e-4)
    assert abs(out[int(0.9 * RATE)]) < 1e-5
    assert np.abs(np.diff(out[int(0.1 * RATE) + 1 :])).max() < 0.001


def test_a_pan_curve_moves_from_side_to_side_with_constant_power() -> None:
    out = mix_of(MixerStrip(pan=0.5, pan_curve=PAN), take=ONES).render(int(0.1 * RATE), RATE - 1)
    assert out[0, 1] == pytest.approx(0.0, abs=1e-6)
    assert out[-1, 0] == pytest.approx(0.0, abs=1e-6)
    middle = out[int(0.55 * RATE)]
    assert middle[0] == pytest.approx(middle[1], rel=1e-3)
    assert np.allclose((out**2).sum(axis=1), 2.0, rtol=1e-5)


def heard_db(equalizer: Equalizer, hz: float) -> float:
    """Level of a sine behind the equalizer, against the same without it, once it has settled."""
    sine = np.sin(np.arange(RATE) * 2 * np.pi * hz / RATE).astype(np.float32)
    loud, plain = (
        mix_of(MixerStrip(equalizer=each), take=sine).render(RATE // 2, RATE // 2)[:, 0]
        for each in (equalizer, Equalizer())
    )
    return float(20 * np.log10(np.sqrt((loud**2).mean() / (plain**2).mean())))


def test_the_equalizer_has_the_response_of_its_controls() -> None:
    assert heard_db(Equalizer(high_pass_hz=200.0), 200.0) == pytest.approx(-3.01, abs=0.1)
    assert heard_db(Equalizer(high_pass_hz=800.0), 200.0) == pytest.approx(-24.1, abs=0.3)
    assert heard_db(Equalizer(low_pass_hz=2000.0), 2000.0) == pytest.approx(-3.01, abs=0.1)
    assert heard_db(Equalizer(bell_hz=1000.0, bell_db=9.0), 1000.0) == pytest.approx(9.0, abs=0.1)
    assert heard_db(Equalizer(bell_hz=1000.0, bell_db=9.0, bell_q=8.0), 100.0) == pytest.approx(0.0, abs=0.1)


def test_the_response_that_is_drawn_is_the_one_that_is_heard() -> None:
    equalizer = Equalizer(high_pass_hz=80.0, bell_hz=900.0, bell_db=-6.0, low_pass_hz=12_000.0)
    hz = np.array([60.0, 800.0, 14_000.0])
    heard = [heard_db(equalizer, float(each)) for each in hz]
    assert response_db(equalizer_sections(equalizer), hz) == pytest.approx(heard, abs=0.05)
    assert not response_db(equalizer_sections(Equalizer()), hz).any()


@pytest.mark.parametrize("equalizer", [EQUALIZER, Equalizer(bell_hz=40.0, bell_db=18.0, bell_q=8.0)])
def test_pieces_sound_as_one_filter_that_never_stops(equalizer: Equalizer) -> None:
    from scipy.signal import sosfilt

    mix = mix_of(MixerStrip(equalizer=equalizer))
    start = int(0.1 * RATE)
    endless = sosfilt(equalizer_sections(equalizer), np.concatenate([NOISE, np.zeros(RATE)]).astype(np.float64))
    out = mix.render(start, len(endless))[:, 0]
    assert len(endless) > 5 * PIECE_FRAMES
    # Below a step of 24 bits.
    assert np.abs(out - endless).max() < 2.0**-23
    assert settling_frames(equalizer_sections(equalizer)) > 0


def test_the_reverb_decays_as_it_says_and_comes_back_as_loud_as_it_was_sent() -> None:
    room = impulse_response(Reverb(decay_s=1.0, pre_delay_s=0.05, damping_hz=20_000.0))
    assert np.allclose((room**2).sum(axis=0), 1.0, atol=1e-4)
    assert not room[: int(0.05 * RATE)].any()
    levels = [10 * np.log10((room[int(t * RATE) : int((t + 0.1) * RATE)] ** 2).mean()) for t in (0.25, 0.75)]
    # 60 dB a second.
    assert levels[0] - levels[1] == pytest.approx(30.0, abs=2.0)
    # The two sides are two.
    assert abs(np.corrcoef(room.T)[0, 1]) < 0.3


def test_a_send_is_behind_the_fader_and_one_strip_alone_is_heard_in_the_room() -> None:
    click = np.zeros(RATE, np.float32)
    click[0] = 1.0
    mix = mix_of(MixerStrip(gain_db=-6.0, send_db=-6.0), MixerStrip(), take=click)
    assert mix.channel_ids == ("o0", "o1", REVERB)
    back = mix.reverb(int(0.1 * RATE), RATE // 2)
    room = impulse_response(SMALL_ROOM)
    assert np.allclose(back[: len(room)], room * 10 ** (-12 / 20), atol=1e-6)
    assert mix_of(MixerStrip(send_db=0.0, muted=True)).channel_ids == ("o0",)
    assert mix_of(MixerStrip()).channel_ids == ("o0",)


def test_a_group_moves_and_mutes_its_strips() -> None:
    group = FaderGroup(id="g", name="animals", gain_db=-6.0)
    inside, outside = MixerStrip(gain_db=-3.0, group_id="g"), MixerStrip(gain_db=-3.0)
    for changed, level in ((group, -9.0), (dataclasses.replace(group, muted=True), None)):
        mix = mix_of(inside, outside, take=ONES, master=MasterBus(groups=(changed,)))
        heard, other = (mix.stem(index, RATE // 2, 10)[0, 0] for index in (0, 1))
        assert heard == pytest.approx(0.0 if level is None else 10 ** (level / 20), rel=1e-5)
        assert other == pytest.approx(10 ** (-3.0 / 20), rel=1e-5)


def test_an_edit_uses_again_what_it_has_not_changed() -> None:
    project = project_of(MixerStrip(equalizer=EQUALIZER), MixerStrip(equalizer=EQUALIZER))
    before = TimelineMix(project, lambda _take: NOISE)
    before.render(0, RATE)
    turned = project.with_strip("o0", equalizer=Equalizer(low_pass_hz=500.0)).with_strip("o1", gain_db=-3.0)
    after = TimelineMix(turned, lambda _take: NOISE, before=before)
    assert after._tracks[1].sound._pieces is before._tracks[1].sound._pieces
    assert after._tracks[0].sound._pieces is not before._tracks[0].sound._pieces
    assert np.array_equal(after.render(0, RATE), TimelineMix(turned, lambda _take: NOISE).render(0, RATE))


@pytest.fixture
def rich_street(street: Street) -> Street:
    master = dataclasses.replace(
        street.project.master, reverb=SMALL_ROOM, groups=(FaderGroup(id="g", name="all", gain_db=-2.0),)
    )
    project = dataclasses.replace(street.project, master=master)
    project = project.with_strip("o1", equalizer=EQUALIZER, send_db=-6.0, volume_curve=VOLUME, group_id="g")
    street.project = project.with_strip("o2", pan_curve=PAN, send_db=-12.0)
    return street


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_stems_and_the_reverb_add_up_to_the_mix_to_the_last_bit(rich_street: Street, tmp_path: Path, rate: int) -> None:
    report = rich_street.export(tmp_path, format="wav24", sample_rate_hz=rate)
    stems = [path for path in report.files if path.suffix == ".wav" and not path.stem.endswith("_mix")]
    assert [path.name for path in stems] == ["street_dog.wav", "street_car.wav", "street_reverb.wav"]
    total = sum(soundfile.read(path, dtype="int32")[0].astype(np.int64) for path in stems)
    assert np.array_equal(total, soundfile.read(tmp_path / "street_mix.wav", dtype="int32")[0])
    assert np.abs(total).max() > 0


def test_what_is_exported_is_what_is_played_to_the_bit(rich_street: Street, tmp_path: Path) -> None:
    rich_street.export(tmp_path, format="wav32f", mix=False)
    played = TimelineMix(rich_street.project, rich_street.samples_of).stems(0, 3 * RATE)
    for name, stem in zip(("dog", "car", "reverb"), (played[0], played[1], played[3]), strict=True):
        written = soundfile.read(tmp_path / f"street_{name}.wav", dtype="float32")[0]
        assert np.array_equal(written, stem), name


def test_before_the_fader_there_are_no_curves(rich_street: Street, tmp_path: Path) -> None:
    rich_street.export(tmp_path, format="wav32f", pre_fader=True)
    timeline = TimelineMix(rich_street.project, rich_street.samples_of)
    for index, name in ((0, "dog"), (1, "car")):
        written = soundfile.read(tmp_path / f"street_{name}.wav", dtype="float32")[0]
        assert np.array_equal(written[:, 1], timeline.lane(index, 0, 3 * RATE))
    mix = soundfile.read(tmp_path / "street_mix.wav", dtype="float32")[0]
    assert np.abs(mix - timeline.render(0, 3 * RATE)).max() < 1e-6

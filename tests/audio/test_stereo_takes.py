"""Stereo takes through timeline, mixer, export and project files of other programs."""

from __future__ import annotations

import dataclasses
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.timeline_mix import REVERB
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.take import TakeLibrary
from tests.audio.conftest import RATE
from tests.audio.conftest import Street
from tests.audio.conftest import a_take

SIDES = (np.random.default_rng(1).standard_normal((RATE, 2)) * 0.05).astype(np.float32)


@pytest.fixture
def wide(street: Street) -> Street:
    """The street, whose dog has a stereo take and, behind it, a mono one; its strip changes nothing."""
    stereo = dataclasses.replace(a_take("t1", "o1"), waveform=SIDES)
    takes = TakeLibrary([stereo, *(take for take in street.takes if take.id != "t1")])
    plain = dataclasses.replace(street.project.clip("c1"), fade_in_s=0.0, fade_out_s=0.0, start_s=0.0, duration_s=1.0)
    project = street.project.with_clip(plain).with_strip("o1", gain_db=0.0, pan=0.0)
    return Street(project, takes)


def mix_of(street: Street) -> TimelineMix:
    return TimelineMix(street.project, street.samples_of)


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


def test_left_and_right_of_a_take_sound_left_and_right(wide: Street) -> None:
    assert np.allclose(mix_of(wide).stem(0, 0, RATE), SIDES, atol=1e-7)


def test_a_mono_clip_of_the_same_lane_sounds_on_both_sides(wide: Street) -> None:
    behind = mix_of(wide).stem(0, RATE + RATE // 2, RATE // 2)
    assert behind.any()
    assert np.array_equal(behind[:, 0], behind[:, 1])


def test_a_lane_of_mono_takes_stays_one_channel(wide: Street) -> None:
    mix = mix_of(wide)
    assert (mix.lane(0, 0, 100).shape, mix.lane(1, 0, 100).shape) == ((100, 2), (100,))
    assert (mix.has_sides(0), mix.has_sides(1)) == (True, False)


@pytest.mark.parametrize("moving", [False, True])
def test_pan_is_balance(wide: Street, moving: bool) -> None:
    """Panned to the right the left is silent, and what was left does not appear on the right."""
    right = {"pan_curve": (CurvePoint(time_s=0.0, value=1.0),)} if moving else {"pan": 1.0}
    wide.project = wide.project.with_strip("o1", **right)
    heard = mix_of(wide).stem(0, 0, RATE)
    assert np.abs(heard[:, 0]).max() < 1e-7
    assert np.allclose(heard[:, 1], SIDES[:, 1] * math.sqrt(2.0), atol=1e-6)


def test_the_result_does_not_depend_on_blocks(wide: Street) -> None:
    looped = dataclasses.replace(
        wide.project.clip("c1"), looped=True, duration_s=2.5, loop_crossfade_s=0.1, reversed=True, fade_out_s=0.3,
        envelope=(CurvePoint(time_s=0.0, value=-6.0), CurvePoint(time_s=1.0, value=0.0)),
    )  # fmt: skip
    strip = {"equalizer": Equalizer(high_pass_hz=200.0), "volume_curve": (CurvePoint(time_s=0.0, value=-3.0),)}
    wide.project = wide.project.with_clip(looped).with_strip("o1", send_db=-6.0, **strip)
    mix = mix_of(wide)
    whole = mix.render(0, 2 * RATE)
    parts = [mix.render(start, 12_345) for start in range(0, 2 * RATE - 12_345, 12_345)]
    assert np.array_equal(np.concatenate(parts), whole[: len(parts) * 12_345])
    # An equalizer hears each side by itself: a lane of the left alone in mono has the same left.
    left = Street(wide.project, TakeLibrary(_left_alone(wide)))
    assert np.allclose(mix.lane(0, 0, RATE)[:, 0], mix_of(left).lane(0, 0, RATE), atol=1e-7)


def _left_alone(street: Street) -> list:
    return [
        dataclasses.replace(take, waveform=take.waveform[:, 0].copy()) if take.channels == 2 else take
        for take in street.takes
    ]


def test_the_reverb_hears_both_sides(wide: Street) -> None:
    wide.project = wide.project.with_strip("o1", send_db=0.0)
    mean = dataclasses.replace(wide.takes["t1"], waveform=wide.takes["t1"].mono)
    mono = Street(wide.project, TakeLibrary([mean, *(take for take in wide.takes if take.id != "t1")]))
    assert mix_of(wide).channel_ids[-1] == REVERB
    assert np.allclose(mix_of(wide).reverb(0, RATE), mix_of(mono).reverb(0, RATE), atol=1e-6)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("channels", ["stereo", "mono"])
def test_stems_add_up_to_the_mix_to_the_last_bit(wide: Street, tmp_path: Path, channels: str, rate: int) -> None:
    wide.project = wide.project.with_strip("o1", pan=0.5)
    report = wide.export(tmp_path, format="wav24", channels=channels, sample_rate_hz=rate)
    dog, car, mix = (samples(path) for path in report.files[:3])
    assert np.array_equal(dog + car, mix)
    if rate == RATE:
        heard = mix_of(wide).stem(0, 0, RATE)
        expected = heard if channels == "stereo" else heard.mean(axis=1, keepdims=True)
        assert np.allclose(dog[:RATE], expected, atol=1e-6)
    assert (dog.shape[1] == 2 and np.abs(dog[:, 0] - dog[:, 1]).max() > 0.01) or channels == "mono"


def test_raw_takes_and_clips_keep_their_sides(wide: Street, tmp_path: Path) -> None:
    only = {"stems": False, "mix": False, "clips": True, "takes": "all", "pre_fader": True, "normalise_lufs": -30.0}
    report = wide.export(tmp_path, format="wav32f", **only)
    sounds = {path.name: samples(path) for path in report.written if path.suffix == ".wav"}
    takes = {name: sound for name, sound in sounds.items() if "take" in name}
    assert len(takes) == 3
    wide_ones = [sound for sound in sounds.values() if np.abs(sound[:, 0] - sound[:, 1]).max() > 1e-3]
    assert len(wide_ones) == 2
    for sound in wide_ones:
        gain = np.abs(sound).max() / np.abs(SIDES).max()
        assert np.allclose(sound, SIDES * gain, atol=1e-6)


def test_stems_before_the_fader_keep_their_sides(wide: Street, tmp_path: Path) -> None:
    wide.project = wide.project.with_strip("o1", pan=1.0, gain_db=-20.0)
    report = wide.export(tmp_path, format="wav32f", pre_fader=True)
    assert np.allclose(samples(report.files[0])[:RATE], SIDES, atol=1e-7)


def test_the_sidecar_and_the_history_tell_the_channels(wide: Street, tmp_path: Path) -> None:
    report = wide.export(tmp_path, format="wav24", mix=False)
    assert '"channels": 2' in report.files[-1].read_text()
    assert b"M=stereo,T=starter generated" in report.files[0].read_bytes()
    assert b"M=mono,T=starter generated" in report.files[1].read_bytes()


@pytest.mark.parametrize("name", ["dawproject", "rpp"])
def test_project_files_play_both_channels(wide: Street, tmp_path: Path, name: str) -> None:
    assert ExportSettings(exchange=(name,)).exchange == (name,)
    report = wide.export(tmp_path, stems=False, mix=False, exchange=(name,))
    if name == "dawproject":
        with zipfile.ZipFile(report.files[0]) as files:
            text = files.read("project.xml").decode()
            assert (text.count('channels="2"'), text.count('channels="1"')) == (1, 2)
            files.extractall(tmp_path / "inside")
        media = sorted((tmp_path / "inside").rglob("*.wav"))
    else:
        media = sorted(path for path in report.written if path.suffix == ".wav")
    wide_ones = [samples(path) for path in media if soundfile.info(path).channels == 2]
    assert len(wide_ones) == 1
    assert np.allclose(wide_ones[0], SIDES, atol=1e-6)
    assert len(media) == 3


def test_an_aaf_has_the_take_as_one_essence_of_two_channels(wide: Street, tmp_path: Path) -> None:
    aaf2 = pytest.importorskip("aaf2")
    report = wide.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("aaf",))
    with aaf2.open(str(report.files[0])) as file:
        mobs = [mob for mob in file.content.sourcemobs() if mob.descriptor["Channels"].value == 2]
        assert len(mobs) == 1
        assert mobs[0].slots[0].segment.length == RATE
        raw = np.frombuffer(mobs[0].essence.open("r").read(), dtype=np.uint8).reshape(-1, 2, 3).astype(np.int32)
    steps = (raw[..., 0] << 8 | raw[..., 1] << 16 | raw[..., 2] << 24) >> 8
    assert np.allclose(steps / 2**23, SIDES, atol=1e-6)

"""AAF files, read back by pyaaf2 and heard as their structure says. Skipped where pyaaf2 is not installed."""

from __future__ import annotations

import dataclasses
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.errors import MissingPackageError
from tests.audio.conftest import RATE
from tests.audio.conftest import Street

aaf2 = pytest.importorskip("aaf2")


def opened(street: Street, folder: Path, **changes: Any) -> Any:
    report = street.export(folder, stems=False, mix=False, sidecar=False, exchange=("aaf",), **changes)
    assert [path.suffix for path in report.files] == [".aaf"]
    return aaf2.open(str(report.files[0]))


def composition_of(file: Any) -> Any:
    return next(file.content.toplevel())


def sound_slots(composition: Any) -> list[Any]:
    return [slot for slot in composition.slots if slot.segment.media_kind == "Sound"]


def constant(group: Any) -> float:
    (parameter,) = group.parameters
    return float(parameter.value)


def essence(file: Any, clip: Any) -> np.ndarray:
    """The samples of a source clip, as float: composition -> master mob -> source mob -> essence."""
    source = clip.mob.slot_at(clip["SourceMobSlotID"].value).segment.mob
    assert source.descriptor["QuantizationBits"].value == 24
    raw = np.frombuffer(source.essence.open("r").read(), dtype=np.uint8).reshape(-1, 3)
    steps = (raw[:, 0].astype(np.int32) << 8 | raw[:, 1].astype(np.int32) << 16 | raw[:, 2].astype(np.int32) << 24) >> 8
    return steps[clip.start : clip.start + clip.length] / 2**23


def heard(file: Any, frames: int) -> np.ndarray:
    """What a reader plays: rows of clips, gaps and transitions, then fader and pan (0 dB in the centre)."""
    out = np.zeros((frames, 2))
    for slot in sound_slots(composition_of(file)):
        pan = slot.segment
        assert pan.operation.name == "Mono Audio Pan"
        (fader,) = pan.segments
        assert fader.operation.name == "Mono Audio Gain"
        (row,) = fader.segments
        mono = np.zeros(frames)
        place, fade_in = 0, 0
        parts = list(row.components)
        for index, part in enumerate(parts):
            if isinstance(part, aaf2.components.Transition):
                place -= part.length
                assert part["OperationGroup"].value.operation.name == "Mono Audio Dissolve"
                fade_in = part.length
                continue
            if not isinstance(part, aaf2.components.Filler):
                gain = 1.0
                if isinstance(part, aaf2.components.OperationGroup):
                    assert part.operation.name == "Mono Audio Gain"
                    gain = constant(part)
                    (part,) = part.segments
                sound = essence(file, part) * gain
                assert len(sound) == part.length
                if fade_in:
                    sound[:fade_in] *= np.sin((np.arange(fade_in) + 0.5) / fade_in * np.pi / 2)
                after = parts[index + 1] if index + 1 < len(parts) else None
                if isinstance(after, aaf2.components.Transition):
                    fade = after.length
                    sound[-fade:] *= np.sin((np.arange(fade)[::-1] + 0.5) / fade * np.pi / 2)
                mono[place : place + len(sound)] += sound[: frames - place]
            place += part.length
            fade_in = 0
        assert place == row.length
        angle = constant(pan) * np.pi / 2
        sides = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
        out += mono[:, None] * constant(fader) * sides
    return out


def test_an_aaf_sounds_as_the_timeline(street: Street, tmp_path: Path) -> None:
    overlapping = dataclasses.replace(street.project.clip("c1"), id="c9", start_s=0.5, gain_db=-4.0)
    # Behind the first clip without a gap, fading in while the other's fade lies over the same boundary.
    touching = dataclasses.replace(street.project.clip("c2"), start_s=1.15, fade_in_s=0.3, fade_out_s=0.2)
    street.project = street.project.with_clip(overlapping).without_clips(["c2"]).with_clip(touching)
    expected = TimelineMix(street.project.with_settings(timeline_s=4.0), street.samples_of).render(0, 4 * RATE)
    with opened(street, tmp_path) as file:
        assert [slot.name for slot in sound_slots(composition_of(file))] == ["dog", "dog (2)", "car", "sea"]
        assert np.abs(heard(file, 4 * RATE) - expected).max() < 2e-6
    assert list(tmp_path.iterdir()) == [tmp_path / "street.aaf"]


def test_what_is_not_heard_has_its_fader_at_the_bottom(street: Street, tmp_path: Path) -> None:
    street.project = street.project.with_strip("o1", muted=True)
    with opened(street, tmp_path) as file:
        dog, car, _ = sound_slots(composition_of(file))
        assert constant(next(iter(dog.segment.segments))) == 0.0
        assert constant(next(iter(car.segment.segments))) == 1.0
        assert constant(dog.segment) == pytest.approx(0.7, abs=1e-6)


def test_a_take_beyond_full_scale_keeps_its_level(street: Street, tmp_path: Path) -> None:
    loud = dataclasses.replace(street.takes["t1"], id="loud", waveform=street.takes["t1"].waveform * np.float32(30.0))
    street.takes.add(loud)
    clip = dataclasses.replace(street.project.clip("c1"), take_id="loud")
    street.project = dataclasses.replace(street.project, clips=(clip,))
    expected = TimelineMix(street.project, street.samples_of).render(0, 3 * RATE)
    assert np.abs(expected).max() > 1.5
    with opened(street, tmp_path) as file:
        assert np.abs(heard(file, 3 * RATE) - expected).max() < 1e-5


def test_markers_timecode_and_provenance_arrive(street: Street, tmp_path: Path) -> None:
    street.project = street.project.with_settings(frame_rate=23.976)
    with opened(street, tmp_path) as file:
        composition = composition_of(file)
        code = next(slot for slot in composition.slots if slot.name == "Timecode")
        assert (str(code.edit_rate), code.segment.fps) == ("24000/1001", 24)
        assert code.segment.start == round(3600 * 24000 / 1001)
        markers = next(slot for slot in composition.slots if slot.name == "Markers")
        told = [(event["Position"].value, event["Comment"].value) for event in markers.segment.components]
        assert told == [(round(1.5 * RATE), "thud"), (2 * RATE, "größer")]
        colour = list(markers.segment.components)[1]["CommentMarkerColor"].value
        assert [colour[key] // 257 for key in ("red", "green", "blue")] == [0x56, 0xB4, 0xE9]
        comments = dict(composition.comments.items())
        assert "licence of the weights: CC-BY-4.0" in comments["Comment"]


@pytest.mark.parametrize(
    ("rate", "drop", "edit_rate", "fps", "start"),
    [
        (30000 / 1001, True, "30000/1001", 30, 107_892),
        (30000 / 1001, False, "30000/1001", 30, 107_892),
        (60000 / 1001, True, "60000/1001", 60, 215_784),
        (25.0, False, "25", 25, 90_000),
    ],
)
def test_the_timecode_says_whether_it_drops_frames(
    street: Street, tmp_path: Path, rate: float, drop: bool, edit_rate: str, fps: int, start: int
) -> None:
    street.project = street.project.with_settings(
        frame_rate=rate, drop_frame=drop, start_timecode_s=107_892 * 1001 / 30000
    )
    with opened(street, tmp_path) as file:
        code = next(slot for slot in composition_of(file).slots if slot.name == "Timecode")
        assert (str(code.edit_rate), code.segment.fps, code.segment.drop) == (edit_rate, fps, drop)
        assert code.segment.start == start


def test_the_sound_inside_opens_as_a_wav(street: Street, tmp_path: Path) -> None:
    with opened(street, tmp_path) as file:
        mobs = [mob for mob in file.content.mobs if isinstance(mob, aaf2.mobs.SourceMob)]
        assert len(mobs) == 3
        mobs[0].export_audio(str(tmp_path / "inside.wav"))
    with wave.open(str(tmp_path / "inside.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 3, RATE)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=40).filter(str.strip), label=st.text(max_size=40))
@pytest.mark.slow
def test_any_text_is_readable(street: Street, tmp_path_factory: pytest.TempPathFactory, name: str, label: str) -> None:
    fuzzed = Street(street.project.with_changed_object("o1", name=name), street.takes)
    fuzzed.project = fuzzed.project.with_marker(dataclasses.replace(fuzzed.project.markers[0], label=label))
    with opened(fuzzed, tmp_path_factory.mktemp("any")) as file:
        assert len(sound_slots(composition_of(file))) == 3
        assert heard(file, 3 * RATE).any()


def test_without_pyaaf2_the_message_says_how_to_get_it(
    street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aaf2", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'sounddesk\[aaf\]'"):
        street.export(tmp_path / "out", exchange=("aaf",))
    assert list(tmp_path.iterdir()) == []

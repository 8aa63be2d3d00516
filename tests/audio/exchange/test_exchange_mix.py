"""Curves, equalizers, the reverb, groups and shapes of fades in project files, read back without the product's code."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import aaf2
import numpy as np
import opentimelineio
import pytest
import rpp
import soundfile
from lxml import etree

from sounddesk.audio.exchange.automation_lines import volume_line
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.automation import value_at
from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.mixer_effects import FaderGroup
from sounddesk.domain.mixer_effects import Reverb
from tests.audio.conftest import RATE
from tests.audio.conftest import Street

VOLUME = tuple(CurvePoint(time_s=t, value=db) for t, db in ((0.2, 0.0), (1.5, -12.0), (2.5, 3.0)))
PAN = (CurvePoint(time_s=0.5, value=-1.0), CurvePoint(time_s=2.5, value=0.5))


@pytest.fixture
def rich_street(street: Street) -> Street:
    """Curves on both lanes, an equalizer and a send on the first, a group, and one clip backwards."""
    master = dataclasses.replace(
        street.project.master, reverb=Reverb(decay_s=0.3), groups=(FaderGroup(id="g", name="all", gain_db=-2.0),)
    )
    project = dataclasses.replace(street.project, master=master).with_settings(timeline_s=4.0)
    project = project.with_strip("o1", equalizer=Equalizer(high_pass_hz=300.0), send_db=-6.0, volume_curve=VOLUME)
    project = project.with_strip("o2", pan_curve=PAN, volume_curve=VOLUME, group_id="g")
    street.project = project.with_clip(dataclasses.replace(project.clip("c2"), reversed=True))
    return street


def along(curve: list[tuple[float, float]], frames: int) -> np.ndarray:
    return np.interp(np.arange(frames) / RATE, *zip(*curve, strict=True))


def test_a_line_of_amplitude_keeps_to_the_curve() -> None:
    line = volume_line(VOLUME)
    for time_s in np.linspace(0.0, 3.0, 100):
        told = 20 * np.log10(np.interp(time_s, *zip(*line, strict=True)))
        assert told == pytest.approx(value_at(VOLUME, float(time_s), kind="volume"), abs=0.2)


def test_a_reaper_project_sounds_as_the_timeline(rich_street: Street, tmp_path: Path) -> None:
    rich_street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("rpp",))
    out = np.zeros((4 * RATE, 2))
    project = rpp.loads((tmp_path / "street.rpp").read_text())
    tracks = project.findall("TRACK")
    assert [track.find("NAME")[1] for track in tracks] == ["dog", "car", "sea", "reverb left", "reverb right"]
    for track in tracks:
        mono = np.zeros(4 * RATE)
        for item in track.findall("ITEM"):
            start, length, offset = (round(float(item.find(key)[1]) * RATE) for key in ("POSITION", "LENGTH", "SOFFS"))
            sound = soundfile.read(tmp_path / item.find("SOURCE").find("FILE")[1])[0][offset : offset + length]
            for key, back in (("FADEIN", 1), ("FADEOUT", -1)):
                if fade := round(float(item.find(key)[2]) * RATE):
                    sound[::back][:fade] *= np.sin((np.arange(fade) + 0.5) / fade * np.pi / 2)
            mono[start : start + length] += sound * float(item.find("VOLPAN")[1])
        pan = np.full(4 * RATE, float(track.find("VOLPAN")[2]))
        mono *= float(track.find("VOLPAN")[1]) * (-1) ** int(track.find("IPHASE")[1])
        if (curve := track.find("VOLENV2")) is not None:
            mono *= along([(float(point[1]), float(point[2])) for point in curve.findall("PT")], 4 * RATE)
        if (curve := track.find("PANENV2")) is not None:
            # Reaper's curves of pan have the left at 1.
            pan = -along([(float(point[1]), float(point[2])) for point in curve.findall("PT")], 4 * RATE)
        angle = (pan + 1) * np.pi / 4
        out += np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1) * mono[:, None]
    expected = TimelineMix(rich_street.project, rich_street.samples_of).render(0, 4 * RATE)
    # The lines keep to 0.2 dB, and the equalizer comes before the fades instead of behind them.
    assert np.sqrt(((out - expected) ** 2).mean() / (expected**2).mean()) < 0.02


@pytest.mark.parametrize(("curve", "shape"), [("linear", 0), ("equal_power", 1), ("s", 5), ("exponential", 2)])
def test_reaper_gets_the_shapes_of_fades(street: Street, tmp_path: Path, curve: str, shape: int) -> None:
    clip = dataclasses.replace(street.project.clip("c1"), fade_in_curve=curve, fade_out_curve=curve)
    street.project = street.project.with_clip(clip)
    street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("rpp",))
    item = rpp.loads((tmp_path / "street.rpp").read_text()).find("TRACK").find("ITEM")
    assert [int(item.find(key)[1]) for key in ("FADEIN", "FADEOUT")] == [shape, shape]


def test_a_crossfade_arrives_as_fades_of_both_clips(street: Street, tmp_path: Path) -> None:
    later = dataclasses.replace(street.project.clip("c2"), start_s=1.0)
    street.project = street.project.with_clip(later)
    street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("rpp",))
    items = [item for track in rpp.loads((tmp_path / "street.rpp").read_text()).findall("TRACK")[:2]
             for item in track.findall("ITEM")]  # fmt: skip
    assert float(items[0].find("FADEOUT")[2]) == pytest.approx(0.2)
    assert float(items[1].find("FADEIN")[2]) == pytest.approx(0.15)


def test_dawproject_curves_point_at_their_parameters(rich_street: Street, tmp_path: Path) -> None:
    report = rich_street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("dawproject",))
    with zipfile.ZipFile(report.files[0]) as archive:
        root = etree.fromstring(archive.read("project.xml"))
    ids = {element.get("id"): element for element in root.iter() if element.get("id")}
    curves = {ids[each.find("Target").get("parameter")].get("name"): each for each in root.iterfind(".//Lanes/Points")}
    assert set(curves) == {"Volume", "Pan"}
    car = ids[curves["Volume"].find("Target").get("parameter")]
    # In place of the fader, whose group is in it.
    assert float(curves["Volume"].find("RealPoint").get("value")) == pytest.approx(float(car.get("value")))
    assert float(car.get("value")) == pytest.approx(10 ** (-2 / 20), rel=1e-6)
    assert [float(point.get("value")) for point in curves["Pan"].iterfind("RealPoint")] == [0.0, 0.75]


def test_aaf_curves_and_shapes_vary_over_their_segments(rich_street: Street, tmp_path: Path) -> None:
    clip = dataclasses.replace(rich_street.project.clip("c1"), fade_in_curve="s", fade_out_curve="linear")
    rich_street.project = rich_street.project.with_clip(clip)
    rich_street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("aaf",))
    with aaf2.open(str(tmp_path / "street.aaf"), "r") as file:
        composition = next(file.content.toplevel())
        dog, car = [slot.segment for slot in composition.slots if slot.segment.media_kind == "Sound"][:2]
        (pan,) = car.parameters
        length_s = car.length / RATE
        for point in pan["PointList"].value:
            time_s = float(point.time) * length_s
            assert float(point.value) == pytest.approx((value_at(PAN, time_s, kind="pan") + 1) / 2, abs=1e-4)
        assert [float(pan["PointList"].value[end].time) for end in (0, -1)] == [0.0, 1.0]
        row = next(iter(next(iter(dog.segments)).segments))
        fades = [part for part in row.components if isinstance(part, aaf2.components.Transition)]
        (level,) = fades[0]["OperationGroup"].value.parameters
        for point in level["PointList"].value:
            passed = float(point.time)
            assert float(point.value) == pytest.approx((1 - np.cos(np.pi * passed)) / 2, abs=1e-5)
        (level,) = fades[1]["OperationGroup"].value.parameters
        assert [float(point.value) for point in level["PointList"].value] == [0.0, 1.0]


def test_otio_tells_curves_as_metadata_and_the_report_what_is_in_the_sound(rich_street: Street, tmp_path: Path) -> None:
    report = rich_street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("otio",))
    timeline = opentimelineio.adapters.read_from_file(str(tmp_path / "street.otio"))
    assert [list(point) for point in timeline.tracks[1].metadata["sounddesk"]["pan_curve"]] == [[0.5, -1.0], [2.5, 0.5]]
    (note,) = report.notes
    assert "1 clip with a gain envelope or played backwards" in note
    assert "the equalizer of dog" in note
    assert "the reverb, as two tracks" in note

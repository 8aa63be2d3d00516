"""Project files for other programs, read back by parsers that share no code with the product."""

from __future__ import annotations

import dataclasses
import io
import os
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import opentimelineio
import pytest
import rpp
import soundfile
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from lxml import etree

from sounddesk.audio.exchange.dawproject import metadata_xml
from sounddesk.audio.exchange.dawproject import project_xml
from sounddesk.audio.exchange.exchange_model import exchange_tracks
from sounddesk.audio.exchange.otio import otio_text
from sounddesk.audio.exchange.reaper import reaper_text
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.errors import MissingPackageError
from tests.audio.conftest import RATE
from tests.audio.conftest import Street

# Folder with Project.xsd and MetaData.xsd of github.com/bitwig/dawproject.
SCHEMAS = os.environ.get("SOUNDDESK_DAWPROJECT_XSD", "")
needs_schemas = pytest.mark.skipif(
    not (Path(SCHEMAS) / "Project.xsd").is_file(), reason="SOUNDDESK_DAWPROJECT_XSD names no folder with the schemas"
)


def archive(street: Street, tmp_path: Path) -> zipfile.ZipFile:
    report = street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("dawproject",))
    assert [path.name for path in report.files] == ["street.dawproject"]
    return zipfile.ZipFile(report.files[0])


def validate(text: bytes | str, schema: str) -> None:
    data = text.encode() if isinstance(text, str) else text
    etree.XMLSchema(file=str(Path(SCHEMAS) / schema)).assertValid(etree.fromstring(data))


def test_dawproject_is_written_where_the_clock_begins_in_1970(
    street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "localtime", lambda _seconds=None: time.gmtime(3600))
    with archive(street, tmp_path) as files:
        assert files.testzip() is None
        assert files.getinfo("project.xml").date_time == (1980, 1, 1, 0, 0, 0)
        assert files.getinfo("project.xml").compress_type == zipfile.ZIP_DEFLATED


@needs_schemas
def test_dawproject_is_valid_after_the_published_schemas(street: Street, tmp_path: Path) -> None:
    with archive(street, tmp_path) as files:
        validate(files.read("project.xml"), "Project.xsd")
        validate(files.read("metadata.xml"), "MetaData.xsd")


def test_dawproject_tracks_clips_and_markers_arrive(street: Street, tmp_path: Path) -> None:
    street.project = street.project.with_strip("o2", muted=True)
    with archive(street, tmp_path) as files:
        root = etree.fromstring(files.read("project.xml"))
        names = files.namelist()
    tracks = {track.get("name"): track for track in root.iterfind("./Structure/Track")}
    assert list(tracks) == ["dog", "car", "sea", "Master"]
    assert tracks["car"].get("color") == "#56b4e9"
    assert float(tracks["dog"].find("./Channel/Volume").get("value")) == pytest.approx(10 ** (-3 / 20))
    assert float(tracks["dog"].find("./Channel/Pan").get("value")) == pytest.approx(0.7)
    assert [tracks[name].find("./Channel/Mute").get("value") for name in ("dog", "car")] == ["false", "true"]
    lane = root.find(f"./Arrangement/Lanes/Lanes[@track='{tracks['dog'].get('id')}']")
    first, second = lane.iterfind("./Clips/Clip")
    assert [float(first.get(key)) for key in ("time", "duration", "playStart", "fadeInTime", "fadeOutTime")] == [
        0.25, 0.9, 0.0, 0.1, 0.2,
    ]  # fmt: skip
    assert float(second.get("playStart")) == 0.0  # rendered, because it reaches past the end of its take
    assert [(m.get("name"), float(m.get("time"))) for m in root.iterfind("./Arrangement/Markers/Marker")] == [
        ("thud", 1.5),
        ("größer", 2.0),
    ]
    for file in root.iterfind(".//File"):
        assert file.get("path") in names


def test_dawproject_has_clip_gain_and_polarity_in_the_sound(street: Street, tmp_path: Path) -> None:
    loud = dataclasses.replace(street.project.clip("c1"), gain_db=6.0)
    street.project = street.project.with_clip(loud).with_strip("o1", inverted=True)
    with archive(street, tmp_path) as files:
        root = etree.fromstring(files.read("project.xml"))
        path = root.find(".//Clip[@time='0.25']//File").get("path")
        sound, rate = soundfile.read(io.BytesIO(files.read(path)), dtype="float32")
    assert rate == RATE
    assert np.allclose(sound, street.takes["t1"].waveform * -(10 ** (6 / 20)), atol=1e-6)


def heard(street: Street, folder: Path, project: rpp.Element) -> np.ndarray:
    """What a program hears that knows what the file says, and nothing of sounddesk but the shape of its fades."""
    out = np.zeros((4 * RATE, 2))
    for track in project.findall("TRACK"):
        gain, pan = (float(track.find("VOLPAN")[i]) for i in (1, 2))
        angle = (pan + 1) * np.pi / 4
        sides = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)]) * gain * (-1) ** int(track.find("IPHASE")[1])
        for item in track.findall("ITEM"):
            start, length, offset = (round(float(item.find(key)[1]) * RATE) for key in ("POSITION", "LENGTH", "SOFFS"))
            sound = soundfile.read(folder / item.find("SOURCE").find("FILE")[1])[0][offset : offset + length]
            assert len(sound) == length
            for key, back in (("FADEIN", 1), ("FADEOUT", -1)):
                fade = round(float(item.find(key)[2]) * RATE)
                if fade:
                    sound[::back][:fade] *= np.sin((np.arange(fade) + 0.5) / fade * np.pi / 2)
            out[start : start + length] += (sound * float(item.find("VOLPAN")[1]))[:, None] * sides
    return out


def test_reaper_project_sounds_as_the_timeline(street: Street, tmp_path: Path) -> None:
    overlapping = dataclasses.replace(street.project.clip("c1"), id="c9", start_s=0.5, gain_db=-4.0)
    street.project = street.project.with_clip(overlapping)
    report = street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("rpp",))
    assert [path.name for path in report.files] == ["street.rpp", "street_media"]
    project = rpp.loads((tmp_path / "street.rpp").read_text())
    assert [track.find("NAME")[1] for track in project.findall("TRACK")] == ["dog", "dog (2)", "car", "sea"]
    expected = TimelineMix(street.project.with_settings(timeline_s=4.0), street.samples_of).render(0, 4 * RATE)
    assert np.abs(heard(street, tmp_path, project) - expected).max() < 1e-5
    assert [(marker[2], marker[3]) for marker in project.findall("MARKER")] == [("1.5", "thud"), ("2", "größer")]
    assert int(project.findall("TRACK")[2].find("PEAKCOL")[1]) == 0x1000000 | 0xE9B456


def test_otio_timeline_arrives(street: Street, tmp_path: Path) -> None:
    street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("otio",))
    timeline = opentimelineio.adapters.read_from_file(str(tmp_path / "street.otio"))
    assert timeline.global_start_time.to_seconds() == 3600.0
    assert [track.name for track in timeline.tracks] == ["dog", "car", "sea"]
    dog = timeline.tracks[0]
    clips = list(dog.find_clips())
    places = [dog.range_of_child(clip) for clip in clips]
    assert [place.start_time.to_seconds() for place in places] == pytest.approx([0.25, 1.25])
    assert [place.duration.to_seconds() for place in places] == pytest.approx([0.9, 1.0])
    assert dict(clips[0].metadata["sounddesk"])["fade_out_s"] == 0.2
    # From silence and to silence: the neighbours of a fade are its clip and a gap.
    fades = [
        (
            type(dog[i - 1]).__name__,
            each.in_offset.to_seconds(),
            each.out_offset.to_seconds(),
            type(dog[i + 1]).__name__,
        )
        for i, each in enumerate(dog)
        if isinstance(each, opentimelineio.schema.Transition)
    ]
    assert fades == [("Gap", 0.0, 0.1, "Clip"), ("Clip", 0.2, 0.0, "Gap")]
    for clip in clips:
        assert (tmp_path / clip.media_reference.target_url).is_file()
    assert [(m.name, m.marked_range.start_time.to_seconds()) for m in timeline.tracks.markers] == [
        ("thud", 1.5),
        ("größer", 2.0),
    ]
    colours = opentimelineio.schema.MarkerColor
    assert [marker.color for marker in timeline.tracks.markers] == [colours.RED, colours.CYAN]


@pytest.mark.parametrize(
    ("rate", "drop", "start", "media"),
    [
        (25.0, False, "01:00:00:00", 25),
        (24000 / 1001, False, "00:59:56:10", 24000 / 1001),
        (30000 / 1001, True, "01:00:00;00", 30000 / 1001),
        (59.94, False, "00:59:56:24", 60000 / 1001),
    ],
)
def test_otio_counts_frames_of_the_picture(
    street: Street, tmp_path: Path, rate: float, drop: bool, start: str, media: float
) -> None:
    street.project = street.project.with_settings(frame_rate=rate, drop_frame=drop)
    street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("otio",))
    timeline = opentimelineio.adapters.read_from_file(str(tmp_path / "street.otio"))
    assert opentimelineio.opentime.to_timecode(timeline.global_start_time, media, drop) == start
    clips = list(timeline.find_clips())
    ranges = [clip.source_range for clip in clips] + [clip.available_range() for clip in clips]
    assert {time.rate for each in ranges for time in (each.start_time, each.duration)} == {media}
    for clip in clips:
        told = clip.metadata["sounddesk"]
        assert clip.source_range.duration.to_seconds() == pytest.approx(told["length_samples"] / RATE, abs=1e-9)
        opentimelineio.opentime.to_timecode(clip.source_range.start_time)
    # An adapter of its own project counts whole frames.
    sequence = etree.fromstring(opentimelineio.adapters.write_to_string(timeline, "fcp_xml").encode())
    rates = {(each.findtext("timebase"), each.findtext("ntsc")) for each in sequence.iter("rate")}
    assert rates == {(str(round(media)), "TRUE" if media % 1 else "FALSE")}
    starts = [int(each.findtext("start")) for each in sequence.iter("clipitem")]
    # The first clip begins with a fade, so where it starts is said there; the second begins 1.25 s on.
    assert starts[:2] == [-1, pytest.approx(1.25 * media, abs=1.0)]


@pytest.mark.parametrize(
    ("rate", "drop", "line"),
    [
        (24000 / 1001, False, "24 2"),
        (24.0, False, "24 0"),
        (30000 / 1001, True, "30 1"),
        (30000 / 1001, False, "30 2"),
        (60.0, False, "60 0"),
    ],
)
def test_reaper_is_told_the_frame_rate(street: Street, tmp_path: Path, rate: float, drop: bool, line: str) -> None:
    street.project = street.project.with_settings(frame_rate=rate, drop_frame=drop)
    street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("rpp",))
    project = rpp.loads((tmp_path / "street.rpp").read_text(encoding="utf-8"))
    assert " ".join(project.find("TIMEMODE")[4:6]) == line


@pytest.mark.parametrize("start_s", [0.0, 1.15])
def test_otio_fades_at_a_shared_boundary_are_no_crossfade(street: Street, tmp_path: Path, start_s: float) -> None:
    first = dataclasses.replace(street.project.clip("c1"), start_s=start_s)
    second = dataclasses.replace(street.project.clip("c2"), start_s=first.end_s, fade_in_s=0.1, fade_out_s=0.1)
    street.project = dataclasses.replace(street.project, clips=(first, second))
    street.export(tmp_path, stems=False, mix=False, sidecar=False, exchange=("otio",))
    dog = opentimelineio.adapters.read_from_file(str(tmp_path / "street.otio")).tracks[0]
    places = [dog.range_of_child(clip).start_time.to_seconds() for clip in dog.find_clips()]
    assert places == pytest.approx([first.start_s, second.start_s])
    kinds = [type(each).__name__ for each in dog]
    assert kinds == ["Gap", "Transition", "Clip", "Transition"] * 2 + ["Gap"]


def test_without_opentimelineio_the_message_says_how_to_get_it(
    street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'sounddesk\[otio\]'"):
        street.export(tmp_path / "out", exchange=("otio",))
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(min_size=1, max_size=40).filter(str.strip),
    label=st.text(max_size=40),
    places=st.lists(st.tuples(st.floats(0, 2), st.floats(0.05, 2), st.floats(0, 0.9)), min_size=1, max_size=5),
)
def test_any_text_and_any_arrangement_is_readable(
    street: Street, name: str, label: str, places: list[tuple[float, float, float]]
) -> None:
    base = dataclasses.replace(street.project.clip("c1"), fade_in_s=0.0, fade_out_s=0.0)
    clips = tuple(
        dataclasses.replace(base, id=f"c{i}", start_s=start, duration_s=length, offset_s=offset)
        for i, (start, length, offset) in enumerate(places)
    )
    project = dataclasses.replace(street.project, clips=clips).with_changed_object("o1", name=name)
    project = project.with_marker(dataclasses.replace(project.markers[0], label=label))
    tracks = exchange_tracks(project, street.takes, street.samples_of)
    assert sum(len(track.clips) for track in tracks) == len(places)
    for track in tracks:
        ends = [item.clip.end_s for item in track.clips]
        starts = [item.clip.start_s for item in track.clips[1:]]
        assert all(end <= start + 1e-4 for end, start in zip(ends, starts, strict=False))
    text = project_xml(project, tracks)
    if SCHEMAS:
        validate(text, "Project.xsd")
        validate(metadata_xml(title=name, comment=label), "MetaData.xsd")
    else:
        etree.fromstring(text.encode())
    told = rpp.loads(reaper_text(project, tracks, media_folder="media", notes=label))
    assert len(told.findall("TRACK")) == len(tracks)
    assert len(told.findall("MARKER")) == 2
    read = opentimelineio.adapters.read_from_string(
        otio_text(project, tracks, name=name, media_folder="media"), "otio_json"
    )
    assert len(read.tracks) == len(tracks)

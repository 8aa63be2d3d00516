from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from sounddesk.domain.automation import CurvePoint
from sounddesk.domain.mixer_effects import Equalizer
from sounddesk.domain.mixer_effects import FaderGroup
from sounddesk.domain.mixer_effects import Reverb
from sounddesk.domain.project import ImageInfo
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.storage.png_mask import decode_mask_png
from sounddesk.storage.png_mask import encode_mask_png
from sounddesk.storage.project_file import ProjectDatabase
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents
from sounddesk.storage.project_schema import APPLICATION_ID
from sounddesk.storage.project_schema import MAJOR
from sounddesk.storage.project_schema import MINOR
from sounddesk.storage.project_schema import ProjectFileError
from sounddesk.storage.waveform_blob import decode_waveform
from sounddesk.storage.waveform_blob import encode_waveform
from tests.domain.project_strategies import FINITE_FLOAT32
from tests.domain.project_strategies import IMAGE_FILE
from tests.domain.project_strategies import projects
from tests.domain.project_strategies import takes

IMAGES = {hashlib.sha256(IMAGE_FILE).hexdigest(): IMAGE_FILE}
V1 = Path(__file__).parent / "data" / "v1.0.sdesk"


def v1_contents() -> ProjectContents:
    """What the committed v1.0 file was written from."""
    mask = np.zeros((24, 32), dtype=np.uint8)
    mask[4:12, 6:20] = 255
    mask[12, 6:20] = 100
    project = Project(
        image=ImageInfo(sha256=next(iter(IMAGES)), name="still.png", width=32, height=24),
        objects=(SceneObject(id="o1", name="Hündin 犬", mask=TiledMask.from_array(mask), seed=2**63 - 1, hint="bark"),),
        clips=(Clip(id="c2", object_id="o1", take_id="t1", start_s=1.1, duration_s=2.5, gain_db=-3.3),),
        next_id=3,
    )
    waveform = (np.sin(np.arange(4000, dtype=np.float64) * 0.1) * 1.7).astype(np.float32)
    take = Take(
        id="t1",
        object_id="o1",
        number=1,
        seed=7,
        waveform=waveform,
        sample_rate_hz=16_000,
        recipe={"seed": 7, "guidance": 2.0},
        created="2026-11-22T10:00:00+00:00",
        notes=("loud",),
    )
    return ProjectContents(project=project, takes=(take,), images=IMAGES)


def same_take(a: Take, b: Take) -> bool:
    plain = [f.name for f in dataclasses.fields(Take) if f.name != "waveform"]
    alike = all(getattr(a, n) == getattr(b, n) for n in plain) and a.waveform.shape == b.waveform.shape
    return alike and a.waveform.tobytes() == b.waveform.tobytes()


def assert_same(a: ProjectContents, b: ProjectContents) -> None:
    assert a.project == b.project
    assert len(a.takes) == len(b.takes)
    assert all(same_take(x, y) for x, y in zip(a.takes, b.takes, strict=True))
    assert a.images == b.images


@given(projects(), takes("t1"), takes("t2"))
@settings(deadline=None, max_examples=40)
@pytest.mark.slow
def test_what_is_written_is_read(project: Project, first: Take, second: Take) -> None:
    images = IMAGES if project.image is not None else {}
    contents = ProjectContents(project=project, takes=(second, first), images=images)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sdesk"
        write_project(path, contents)
        assert_same(read_project(path), contents)
        assert [each.name for each in Path(folder).iterdir()] == ["a.sdesk"]


@given(st.lists(projects(), min_size=2, max_size=4))
@settings(deadline=None, max_examples=15)
def test_one_state_after_another_leaves_the_last(states: list[Project]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = ProjectDatabase.create(Path(folder) / "a.sdesk")
        for each in states:
            database.write(each, images=IMAGES.items())
            database.tidy(each)
        database.write(states[-1], images=IMAGES.items())
        database.close()
        assert read_project(Path(folder) / "a.sdesk").project == states[-1]


@given(st.lists(FINITE_FLOAT32, min_size=1, max_size=200))
def test_waveforms_keep_every_bit(values: list[float]) -> None:
    waveform = np.array(values, dtype=np.float32)
    assert decode_waveform(encode_waveform(waveform), samples=len(waveform)).tobytes() == waveform.tobytes()


def test_a_damaged_waveform_is_refused() -> None:
    blob = encode_waveform(np.ones(100, dtype=np.float32))
    with pytest.raises(ValueError, match="damaged"):
        decode_waveform(blob[:-4], samples=100)
    with pytest.raises(ValueError, match="newer"):
        decode_waveform(blob, samples=100, encoding="opus")


def test_masks_are_png_files_that_others_read(tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (37, 51), dtype=np.uint8)
    (tmp_path / "m.png").write_bytes(encode_mask_png(pixels))
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), pixels)
    assert np.array_equal(decode_mask_png(encode_mask_png(pixels)), pixels)


@pytest.mark.parametrize("at", [20, 45, -20])
def test_a_damaged_mask_is_refused(at: int) -> None:
    file = bytearray(encode_mask_png(np.random.default_rng(1).integers(0, 256, (37, 51), dtype=np.uint8)))
    file[at] ^= 0x55
    with pytest.raises(ValueError, match="damaged"):
        decode_mask_png(bytes(file))


def test_version_1_0_still_opens() -> None:
    assert_same(read_project(V1), v1_contents())


def test_version_1_1_still_opens() -> None:
    contents = v1_contents()
    project = contents.project.with_settings(frame_rate=30000 / 1001, drop_frame=False)
    assert_same(read_project(V1.with_name("v1.1.sdesk")), dataclasses.replace(contents, project=project))


def points(*pairs: tuple[float, float]) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(time_s=time_s, value=value) for time_s, value in pairs)


def test_version_1_2_still_opens() -> None:
    contents = read_project(V1.with_name("v1.1.sdesk"))
    project, group_id = contents.project.with_new_id("g")
    clip = dataclasses.replace(
        project.clips[0],
        reversed=True,
        fade_in_curve="s",
        fade_out_curve="exponential",
        envelope=points((0.0, -6.0), (0.5, 3.0)),
    )
    project = project.with_clip(clip).with_strip(
        project.objects[0].id,
        volume_curve=points((0.0, 0.0), (1.0, -60.0)),
        pan_curve=points((0.0, -1.0), (1.0, 1.0)),
        equalizer=Equalizer(high_pass_hz=80.0, bell_db=3.0),
        send_db=-12.0,
        group_id=group_id,
    )
    group = FaderGroup(id=group_id, name="group", gain_db=-3.0)
    project = project.with_master(groups=(group,), reverb=Reverb(decay_s=2.0))
    assert_same(read_project(V1.with_name("v1.2.sdesk")), dataclasses.replace(contents, project=project))


def test_version_1_2_with_stereo_takes_and_recordings_still_opens() -> None:
    """The tables that this version makes where they are needed, as it wrote them on 2026-11-30."""
    before = read_project(V1.with_name("v1.2.sdesk"))
    mono = before.takes[0]
    sides = np.stack([mono.waveform, -0.5 * mono.waveform], axis=1)
    contents = read_project(V1.with_name("stereo-and-recordings.sdesk"))
    takes = (mono, dataclasses.replace(mono, id="t2", number=2, waveform=sides))
    assert_same(contents, dataclasses.replace(before, takes=takes))
    assert contents.embedded == {hashlib.sha256(b"bark" * 100).hexdigest()}


@pytest.mark.parametrize("overlapping", [True, False])
def test_before_version_1_2_overlapping_clips_added_up_and_still_do(tmp_path: Path, overlapping: bool) -> None:
    path = tmp_path / "old.sdesk"
    contents = read_project(V1)
    start_s = 1.5 if overlapping else 4.0
    clip = dataclasses.replace(contents.project.clips[0], id="c9", start_s=start_s)
    write_project(path, dataclasses.replace(contents, project=contents.project.with_clip(clip)))
    with sqlite3.connect(path) as db:
        db.execute("UPDATE state SET data = json_remove(data, '$.crossfades') WHERE key = 'settings'")
    db.close()
    found = read_project(path)
    assert found.project.settings.crossfades is not overlapping
    write_project(path, dataclasses.replace(found, project=found.project.with_settings(crossfades=True)))
    assert read_project(path).project.settings.crossfades


@pytest.mark.parametrize(("rate", "drops"), [(29.97, True), (30000 / 1001, True), (30.0, False), (25.0, False)])
def test_before_version_1_1_timecode_at_29_97_dropped_frames(tmp_path: Path, rate: float, drops: bool) -> None:
    path = tmp_path / "old.sdesk"
    shutil.copy(V1, path)
    with sqlite3.connect(path) as db:
        row = db.execute("SELECT data FROM state WHERE key = 'settings'").fetchone()
        assert "drop_frame" not in row[0]
        db.execute("UPDATE state SET data = json_set(data, '$.frame_rate', ?) WHERE key = 'settings'", (rate,))
    db.close()
    found = read_project(path)
    assert found.project.settings.drop_frame is drops
    # Once it is chosen and saved, it stays.
    write_project(path, dataclasses.replace(found, project=found.project.with_settings(drop_frame=False)))
    assert not read_project(path).project.settings.drop_frame


def test_unknown_rows_keys_and_columns_of_a_newer_minor_version_survive(tmp_path: Path) -> None:
    path = tmp_path / "newer.sdesk"
    shutil.copy(V1, path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 1007")
        db.execute("ALTER TABLE clips ADD COLUMN pitch REAL DEFAULT 1.5")
        db.execute("CREATE TABLE automation (id TEXT, curve TEXT)")
        db.execute("INSERT INTO automation VALUES ('a', 'up')")
        db.execute("INSERT INTO state VALUES ('video', '{\"fps\": 25}')")
        db.execute("INSERT INTO masks VALUES ('other', ?)", (encode_mask_png(np.zeros((2, 2), np.uint8)),))
        db.execute("DELETE FROM masks WHERE sha256 = 'other'")
        db.execute("UPDATE objects SET data = json_set(data, '$.depth', 3, '$.strip.width', 0.5)")
    db.close()
    database = ProjectDatabase.open(path)
    project = database.read().project
    assert not database.newer_major
    database.write(project.with_strip("o1", gain_db=-9.0).with_clip(dataclasses.replace(project.clips[0], start_s=4.0)))
    database.tidy(project)
    database.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT pitch FROM clips").fetchall() == [(1.5,)]
        assert db.execute("SELECT * FROM automation").fetchall() == [("a", "up")]
        assert db.execute("SELECT data FROM state WHERE key = 'video'").fetchone() == ('{"fps": 25}',)
        row = db.execute("SELECT data ->> '$.depth', data ->> '$.strip.width', data ->> '$.strip.gain_db' FROM objects")
        assert row.fetchone() == (3, 0.5, -9.0)
        assert db.execute("PRAGMA user_version").fetchone() == (1007,)
    db.close()


def test_a_newer_major_version_is_read_where_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / "newer.sdesk"
    shutil.copy(V1, path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2000")
    db.close()
    assert read_project(path).newer_major
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE clips")
    db.close()
    with pytest.raises(ProjectFileError, match="newer sounddesk.*install"):
        read_project(path)


def test_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    for name, data in (("empty", b""), ("song", b"RIFF" + bytes(200)), ("short", b"SQLite format 3\0")):
        (tmp_path / f"{name}.sdesk").write_bytes(data)
        with pytest.raises(ProjectFileError, match=f"{name}.sdesk"):
            read_project(tmp_path / f"{name}.sdesk")
    with sqlite3.connect(tmp_path / "other.sdesk") as db:
        db.execute("CREATE TABLE a (b)")
    db.close()
    with pytest.raises(ProjectFileError, match="another program"):
        read_project(tmp_path / "other.sdesk")
    with pytest.raises(ProjectFileError, match="does not exist"):
        read_project(tmp_path / "none.sdesk")


@given(st.integers(100, 10**9), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_refused_or_read_whole(position: int, value: int) -> None:
    data = bytearray(V1.read_bytes())
    data[100 + position % (len(data) - 100)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sdesk"
        path.write_bytes(data)
        try:
            found = read_project(path)
        except ProjectFileError as error:
            assert "a.sdesk" in str(error)
            return
        # A letter of a name has no checksum; sounds, masks and images have, and nothing may be lost.
        good = v1_contents()
        assert [take.waveform.tobytes() for take in found.takes] == [take.waveform.tobytes() for take in good.takes]
        assert [each.mask for each in found.project.objects] == [each.mask for each in good.project.objects]
        assert found.images == good.images
        assert len(found.project.clips) == len(good.project.clips)
        write_project(path, found)
        assert_same(read_project(path), found)


def test_every_version_has_a_kept_file_that_opens() -> None:
    kept = {path.stem.removeprefix("v") for path in V1.parent.glob("v*.sdesk")}
    assert kept == {f"{MAJOR}.{minor}" for minor in range(MINOR + 1)}
    for path in V1.parent.glob("v*.sdesk"):
        assert read_project(path).project.objects


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.sdesk"
    write_project(path, v1_contents())
    before = path.read_bytes()
    database = ProjectDatabase.open(path)
    database.read()
    with pytest.raises(FileNotFoundError):
        database.copy_to(tmp_path / "gone" / "b.sdesk")
    with pytest.raises(sqlite3.Error):
        database.write(Project(), extra="INSERT INTO nowhere VALUES (1)")
    database.close()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.sdesk"]


def test_a_fader_writes_one_row(tmp_path: Path) -> None:
    mask = np.zeros((2160, 3840), dtype=np.uint8)
    mask[300:900, 500:1500] = 255
    project = Project()
    for index in range(20):
        shifted = TiledMask.from_array(np.roll(mask, index * 40, axis=1))
        project = project.with_object(SceneObject(id=f"o{index}", name=f"object {index}", mask=shifted, seed=index))
    database = ProjectDatabase.create(tmp_path / "a.sdesk")
    database.connection.execute("PRAGMA journal_mode = WAL")
    database.connection.execute("PRAGMA synchronous = NORMAL")
    database.write(project)
    for gain in range(1, 31):
        project = project.with_strip("o3", gain_db=-gain)
        before = database.connection.total_changes
        database.write(project)
        # One row: no other object and no mask is written again.
        assert database.connection.total_changes - before == 1
    assert database.connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID

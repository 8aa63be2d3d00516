"""Results of a batch as projects: blends, proposed objects, continuous sounds, and what is missing or damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sounddesk.app.batch.result_project import ResultError
from sounddesk.app.batch.result_project import project_of_beds
from sounddesk.app.batch.result_project import project_of_frame
from sounddesk.batch.frame_source import hash_frame
from sounddesk.batch.options import BatchObject
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.options import objects_of_project
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.project import MovieFrame
from sounddesk.engine.types import SamplingSettings
from sounddesk.storage.batch_rows import read_rows
from sounddesk.storage.project_file import read_project
from sounddesk.storage.project_file import write_project
from tests.app.batch.conftest import BatchDesk
from tests.batch.conftest import HEIGHT
from tests.batch.conftest import WIDTH
from tests.batch.conftest import draw_frame
from tests.batch.conftest import run


def options(batch_desk: BatchDesk, objects: tuple[BatchObject, ...], **changes: object) -> BatchOptions:
    return BatchOptions(
        folder=batch_desk.folder,
        out=batch_desk.folder.parent / "out",
        project="shot",
        objects=objects,
        every=4,
        seconds=1.0,
        sampling=SamplingSettings(steps=2),
        bundle=batch_desk.services.bundle_of_new_projects,
        device="cpu",
        **changes,
    )


@pytest.mark.slow
def test_a_blend_keeps_its_members_and_takes_their_numbers(batch_desk: BatchDesk) -> None:
    batch_desk.open_project()
    blend_id = batch_desk.services.generation.add_blend(["o1", "o2"])
    project = batch_desk.services.document.project
    asked = options(batch_desk, objects_of_project(project), takes=2)
    assert run(asked).failures == ()
    rows = newest_rows(read_rows(asked.out))
    like = batch_desk.folder.parent / "street.sdesk"
    contents = project_of_frame(asked.out, "f.5.png", rows, like=like).contents
    opened = contents.project
    by_name = {each.name: each for each in opened.objects}
    assert list(by_name) == ["red", "blue", "ambience", "blend"]
    assert by_name["blend"].members == (by_name["red"].id, by_name["blue"].id)
    assert by_name["blend"].strip.muted
    assert by_name["blend"].strip == project.object(str(blend_id)).strip
    assert by_name["red"].colour == project.object("o1").colour
    takes = [take for take in contents.takes if take.object_id == by_name["red"].id]
    assert [take.number for take in takes] == [1, 2]
    assert opened.clips_of(by_name["red"].id)[0].take_id == takes[0].id
    assert not np.array_equal(takes[0].waveform, takes[1].waveform)
    # Without the project that it was asked for with it opens all the same.
    alone = project_of_frame(asked.out, "f.5.png", rows).contents.project
    assert [(each.name, len(each.members)) for each in alone.objects] == [
        (o.name, len(o.members)) for o in opened.objects
    ]

    mask = asked.out / "f_5" / "masks" / "red.png"
    mask.write_bytes(b"no picture")
    with pytest.raises(ResultError, match=r"red\.png cannot be read"):
        project_of_frame(asked.out, "f.5.png", rows)
    (asked.out / "f_1" / "blue.wav").unlink()
    with pytest.raises(ResultError, match="resume the batch"):
        project_of_frame(asked.out, "f.1.png", rows)
    with pytest.raises(ResultError, match=r"f\.2\.png is not complete"):
        project_of_frame(asked.out, "f.2.png", rows)


def test_a_changed_image_is_told_and_one_of_another_size_refused(batch_desk: BatchDesk) -> None:
    from PIL import Image

    asked = options(batch_desk, objects_of_project(batch_desk.open_project())[:1])
    assert run(asked).failures == ()
    rows = newest_rows(read_rows(asked.out))
    frame = batch_desk.folder / "f.1.png"
    with Image.open(frame) as image:
        image.convert("L").save(frame)
    assert "has changed" in project_of_frame(asked.out, "f.1.png", rows).notes[-1]
    with Image.open(frame) as image:
        image.resize((80, 60)).save(frame)
    with pytest.raises(ResultError, match="80 x 60 pixels and was 160 x 120"):
        project_of_frame(asked.out, "f.1.png", rows)


@pytest.mark.slow
def test_continuous_sounds_arrive_on_the_lanes_of_the_project(batch_desk: BatchDesk) -> None:
    project = batch_desk.open_project()
    asked = options(batch_desk, objects_of_project(project), bed=True, frames_per_s=4.0)
    assert run(asked).failures == ()
    rows = newest_rows(read_rows(asked.out))
    like = batch_desk.folder.parent / "street.sdesk"
    result = project_of_beds(asked.out, rows.values(), like=like)
    opened = result.contents.project
    assert opened.objects == read_project(like).project.objects
    assert opened.settings.timeline_s == 2.0
    assert len(result.contents.takes) == 3
    for take in result.contents.takes:
        name = opened.object(take.object_id).name
        stereo, _ = soundfile.read(asked.out / "beds" / f"{name}.wav", dtype="float64")
        # As it was written: its levels and its way from left to right.
        assert np.allclose(take.waveform, stereo, atol=1e-6)
        assert opened.clips_of(take.object_id)[0].duration_s == 2.0
    write_project(batch_desk.folder.parent / "bed.sdesk", result.contents)
    with pytest.raises(ResultError, match="none of the continuous sounds"):
        project_of_beds(asked.out, (), like=like)


@pytest.mark.slow
def test_a_frame_of_a_movie_opens_at_its_timecode(batch_desk: BatchDesk, tmp_path: Path) -> None:
    movie = tmp_path / "street.mov"
    with av.open(str(movie), "w") as container:
        container.metadata["timecode"] = "10:00:00:00"
        video = container.add_stream("png", rate=25)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "rgb24"
        for number in range(5):
            pixels = np.asarray(draw_frame(number).convert("RGB"))
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
    batch_desk.open_project()
    asked = replace(
        options(batch_desk, objects_of_project(batch_desk.services.document.project)), folder=movie, follow="fixed"
    )
    assert run(asked).failures == ()
    rows = newest_rows(read_rows(asked.out))
    opened = project_of_frame(asked.out, "street.0005.png", rows, source=movie).contents.project
    assert opened.image is not None
    assert opened.image.movie == MovieFrame(movie=movie.name, frame=5, sha256=hash_frame(movie / "street.0005.png"))
    assert (opened.settings.frame_rate, opened.settings.start_timecode_s) == (25.0, 36_000 + 4 / 25)
    # The movie may be gone by then.
    movie.unlink()
    alone = project_of_frame(asked.out, "street.0005.png", rows, source=movie).contents.project
    assert alone.image is not None
    assert alone.image.movie is None
    bed = replace(asked, out=tmp_path / "beds", folder=batch_desk.folder, bed=True, every=8, frames_per_s=8.0)
    run(bed, start_timecode_s=7200.0)
    like = batch_desk.folder.parent / "street.sdesk"
    beds = project_of_beds(bed.out, newest_rows(read_rows(bed.out)).values(), like=like).contents.project
    assert (beds.settings.start_timecode_s, beds.settings.frame_rate) == (7200.0, 8.0)

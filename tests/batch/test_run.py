"""What a batch writes, and that resuming, sharding and workers change nothing of it."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sounddesk.batch.background_io import FatalError
from sounddesk.batch.executors.inline import InlineExecutor
from sounddesk.batch.executors.local import LocalExecutor
from sounddesk.batch.executors.portable_error import portable_error
from sounddesk.batch.executors.protocol import Executor
from sounddesk.batch.options import BatchObject
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.output import opened_output
from sounddesk.batch.run import render_settings
from sounddesk.batch.run import run_batch
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.exit_codes import exit_code_of
from sounddesk.domain.batch_manifest import newest_rows
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.errors import OutputError
from sounddesk.domain.errors import SounddeskError
from sounddesk.domain.frame_sequence import Shard
from sounddesk.domain.frame_sequence import find_frames
from sounddesk.domain.selection import Selection
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.batch_rows import read_rows
from tests import hostile_folder
from tests.batch.conftest import HEIGHT
from tests.batch.conftest import WIDTH
from tests.batch.conftest import box_mask
from tests.batch.conftest import contents
from tests.batch.conftest import masked
from tests.batch.conftest import run
from tests.wav_reader import read_pcm


def manifest_objects(out: Path) -> dict[tuple[str, str], str]:
    return {(row.frame, row.object): row.status for row in newest_rows(read_rows(out)).values()}


def test_each_frame_gets_its_stems_mix_masks_and_recipe(options: BatchOptions) -> None:
    result = run(options, blend=True, ambience=True, takes=2)
    assert (result.frames, result.rendered, result.complete, result.failures) == (4, 4, 0, ())
    folder = options.out / "f_2"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        *(f"{name}{take}.wav" for name in ("red", "blue", "blend", "ambience") for take in ("", ".take2")),
        *(f"masks/{name}.png" for name in ("red", "blue", "blend", "ambience")),
        "mix.wav",
        "recipe.json",
        "thumbnail.jpg",
    }
    steps = {path.stem: read_pcm(path).steps for path in folder.glob("*.wav")}
    assert all(len(each) == 48_000 for each in steps.values())
    assert np.array_equal(steps["red"] + steps["blue"] + steps["ambience"], steps["mix"])
    sounds = [read_pcm(path).steps.tobytes() for path in options.out.glob("*/*.wav") if path.stem != "mix"]
    assert len(set(sounds)) == len(sounds) == 4 * 8
    rows = newest_rows(read_rows(options.out))
    assert len(rows) == 4 * (8 + 1)
    row = rows["f.2.png", "red", 2]
    assert (row.status, row.kind, row.file) == ("done", "object", "f_2/red.take2.wav")
    assert row.seed is not None
    assert row.levels["peak_dbfs"] is not None
    assert {"read", "generate", "write"} <= set(row.timings_s)


def test_the_recipe_of_a_frame_makes_it_again(options: BatchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    from sounddesk.cli.main import main

    run(options, every=4)
    monkeypatch.chdir(options.out.parent)
    assert main(["render", "--recipe", "out/f_1/recipe.json", "--out", "again", "--quiet"]) == 0
    for name in ("red", "blue", "mix"):
        made, again = (read_pcm(folder / f"{name}.wav").steps for folder in (options.out / "f_1", Path("again")))
        # Render makes both objects as one batch, and the engine promises 1e-3 across batch sizes.
        assert np.abs(made - again).max() < 2**23 * 1e-3


@pytest.mark.slow
def test_resume_renders_only_what_is_missing_or_damaged_or_changed(options: BatchOptions) -> None:
    run(options)
    before = contents(options.out)
    stamps = {path: path.stat().st_mtime_ns for path in options.out.glob("*/*.wav")}
    (options.out / "f_1" / "red.wav").unlink()
    (options.out / "f_2" / "mix.wav").write_bytes(b"damaged")
    shutil.rmtree(options.out / "f_3")
    result = run(options, resume=True)
    assert (result.rendered, result.complete, result.sounds) == (3, 1, 3)
    assert contents(options.out) == before
    kept = {path.relative_to(options.out).as_posix() for path, at in stamps.items() if path.stat().st_mtime_ns == at}
    assert {"f_1/blue.wav", "f_2/red.wav", "f_2/blue.wav", "f_4/red.wav", "f_4/mix.wav"} <= kept
    assert not {"f_1/red.wav", "f_2/mix.wav", "f_3/red.wav"} & kept
    # Another picture under the same name: only that frame is made again.
    Image.open(options.folder / "f.1.png").rotate(180).save(options.folder / "f.4.png")
    assert run(options, resume=True).rendered == 1
    changed = contents(options.out)
    assert {name for name in before if before[name] != changed[name]} >= {"f_4/red.wav", "f_4/blue.wav", "f_4/mix.wav"}
    assert {name.split("/")[0] for name in before if before[name] != changed[name]} <= {"f_4", "index.html"}


def test_one_more_object_leaves_the_others_as_they_are(options: BatchOptions) -> None:
    first = replace(options, objects=options.objects[:1], every=2)
    run(first)
    before = contents(options.out)
    assert run(options, every=2, resume=True).sounds == 2
    after = contents(options.out)
    assert after["f_1/red.wav"] == before["f_1/red.wav"]
    assert "f_1/blue.wav" in after


@pytest.mark.slow
def test_shards_order_and_workers_give_the_same_files(options: BatchOptions) -> None:
    run(options)
    for index in (2, 1):
        run(options, out=options.out.parent / "sharded", shard=Shard(index=index, count=2))
    assert contents(options.out) == contents(options.out.parent / "sharded")
    # A whole run resumes what shards have made.
    assert run(options, out=options.out.parent / "sharded", resume=True).rendered == 0


@pytest.mark.slow
def test_a_pool_gives_the_same_files_and_survives_a_killed_worker(options: BatchOptions) -> None:
    import os
    import signal

    run(options)
    pooled = replace(options, out=options.out.parent / "pooled", workers=2)
    settings = render_settings(pooled)
    executor = LocalExecutor(settings, workers=2)
    killed = []

    def kill_one(_row: object) -> None:
        if not killed:
            killed.append(executor.pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    result = run_batch(pooled, on_progress=lambda _: None, cancel=CancelToken(), on_row=kill_one, executor=executor)
    assert killed
    assert result.failures == ()
    assert contents(options.out) == contents(pooled.out)
    assert executor.pids() == []


FAILURES: dict[str, Callable[[BatchOptions], None]] = {}


def failure(function: Callable[[BatchOptions], None]) -> Callable[[BatchOptions], None]:
    FAILURES[function.__name__] = function
    return function


@failure
def the_bundle_is_damaged(options: BatchOptions) -> None:
    (weights := next(Path(options.bundle).rglob("*.safetensors"))).write_bytes(weights.read_bytes()[:-1] + b"x")


@failure
def the_weights_are_missing(options: BatchOptions) -> None:
    next(Path(options.bundle).rglob("*.safetensors")).unlink()


@failure
def a_stem_cannot_be_written(options: BatchOptions) -> None:
    options.out.mkdir()
    # Where the folders of the frames have to be.
    for frame in find_frames(options.folder):
        (options.out / frame.output).write_text("mine")


@failure
def the_network_is_of_another_size(options: BatchOptions) -> None:
    manifest = Path(options.bundle) / "bundle.json"
    data = json.loads(manifest.read_text())
    file = Path(options.bundle) / "unet" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "block_out_channels": [7, 9]}))
    entry = data["components"]["unet"]["files"]["config.json"]
    entry |= {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "bytes": file.stat().st_size}
    manifest.write_text(json.dumps(data))


class TimedExecutor(LocalExecutor):
    """Remembers when a worker said that it cannot go on."""

    heard_s = float("inf")

    def _listen(self, *arguments: Any) -> None:
        try:
            super()._listen(*arguments)
        except SounddeskError:
            self.heard_s = time.monotonic()
            raise


def check_told_alike(
    options: BatchOptions, alone: tuple[type[BaseException], str, ExitCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers end the batch as one does, and 5 s after the first of them cannot go on it is over and said."""
    folder = options.folder.parent / "hostile"
    imported = hostile_folder.fill(folder)
    monkeypatch.chdir(folder)
    executor = TimedExecutor(render_settings(options), workers=2)
    assert ending(options, executor) == alone
    assert time.monotonic() - executor.heard_s < 5
    assert executor.pids() == []
    assert not imported.exists()


def ending(options: BatchOptions, executor: Executor) -> tuple[type[BaseException], str, ExitCode]:
    with pytest.raises(SounddeskError) as caught:
        run_batch(options, on_progress=lambda _: None, cancel=CancelToken(), executor=executor)
    # Whichever worker comes to it first names its own frame.
    message = re.sub(r"f_\d", "f_N", str(caught.value))
    return caught.type, message, exit_code_of(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FAILURES))
def test_what_ends_a_batch_is_told_alike_by_one_worker_and_by_two(
    options: BatchOptions, bundle_folder: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bundle_folder, tmp_path / "bundle")
    options = replace(options, bundle=str(tmp_path / "bundle"), resume=True)
    FAILURES[name](options)
    check_told_alike(options, ending(options, InlineExecutor(render_settings(options))), monkeypatch)


@pytest.mark.slow
def test_a_full_disk_is_told_alike_by_one_worker_and_by_two(
    options: BatchOptions, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(options, out=small_disk / "out", seconds=2.0)
    alone = ending(options, InlineExecutor(render_settings(options)))
    assert issubclass(alone[0], DiskFullError) and alone[2] == ExitCode.ENGINE_FAILED
    shutil.rmtree(options.out)
    check_told_alike(options, alone, monkeypatch)


class UnpicklableError(SounddeskError):
    def __init__(self) -> None:
        super().__init__("it cannot be carried")
        self.guard = threading.Lock()


@pytest.mark.parametrize(
    "error", [UnpicklableError(), ValueError("of nobody's"), OSError(28, "No space left on device")]
)
def test_any_exception_finds_its_way_to_the_parent(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(portable_error(error)))
    assert str(error) in str(arrived)
    if not isinstance(error, SounddeskError):
        assert type(arrived) is type(error) and str(error) in arrived.__notes__[0]


def test_workers_that_cannot_start_end_the_batch(options: BatchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = LocalExecutor(render_settings(options), workers=2)
    # The interpreter of the workers does not know the package.
    monkeypatch.setattr("multiprocessing.spawn.get_preparation_data", lambda name: {"sys_path": [], "name": name})
    start_s = time.monotonic()
    with pytest.raises(FatalError, match=r"a worker cannot be started \(exit code 1\)"):
        run_batch(options, on_progress=lambda _: None, cancel=CancelToken(), executor=executor)
    assert time.monotonic() - start_s < 30
    assert executor.pids() == []


@pytest.mark.slow
@pytest.mark.parametrize(("pooled", "again"), [(False, False), (False, True), (True, False)])
def test_an_output_folder_that_is_moved_ends_the_batch(options: BatchOptions, pooled: bool, again: bool) -> None:
    moved = options.out.with_name("moved")
    settings = render_settings(options)
    executor = LocalExecutor(settings, workers=2) if pooled else InlineExecutor(settings)

    def move(_row: object) -> None:
        if not moved.exists():
            options.out.rename(moved)
            if again:
                options.out.mkdir()

    with pytest.raises(OutputError, match="while the batch ran|has vanished"):
        run_batch(options, on_progress=lambda _: None, cancel=CancelToken(), on_row=move, executor=executor)
    # Nothing was made at the old place that looks like a result.
    assert again or not options.out.exists()
    assert not list(options.out.glob("manifest*")) and not list(options.out.glob("index.html"))
    # Where it is now, the batch goes on.
    if not pooled and not again:
        assert run(options, out=moved, resume=True).failures == ()


def test_broken_frames_are_reported_and_skipped(options: BatchOptions) -> None:
    (options.folder / "f.2.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (options.folder / "f.3.png").write_bytes(b"")
    result = run(options)
    assert {what for what, _ in result.failures} == {"f.2.png", "f.3.png"}
    assert all("f." in why for _, why in result.failures)
    status = manifest_objects(options.out)
    assert status["f.2.png", ""] == status["f.2.png", "red"] == "failed"
    assert status["f.4.png", ""] == "done"
    assert "2 failed" in (options.out / "index.html").read_text()
    # Mended, they are rendered, and nothing else is.
    for number in (2, 3):
        Image.open(options.folder / "f.1.png").save(options.folder / f"f.{number}.png")
    mended = run(options, resume=True)
    assert (mended.rendered, mended.failures) == (2, ())
    assert "failed" not in (options.out / "index.html").read_text().split("</style>")[1].replace("none failed", "")


def test_a_broken_first_frame_does_not_stop_the_masks(options: BatchOptions) -> None:
    (options.folder / "f.1.png").write_bytes(b"no picture")
    result = run(options, follow="flow")
    assert [what for what, _ in result.failures] == ["f.1.png"]
    assert manifest_objects(options.out)["f.4.png", "red"] == "done"


@pytest.mark.slow
def test_masks_are_followed_alike_in_every_shard(options: BatchOptions) -> None:
    run(options, follow="flow")
    for index in (1, 2, 3):
        run(options, follow="flow", out=options.out.parent / "sharded", shard=Shard(index=index, count=3))
    assert contents(options.out) == contents(options.out.parent / "sharded")
    first, last = (np.asarray(Image.open(options.out / frame / "masks" / "red.png")) for frame in ("f_1", "f_4"))
    columns = [np.flatnonzero((mask >= 128).any(axis=0)) for mask in (first, last)]
    assert 6 <= columns[1].mean() - columns[0].mean() <= 12


def test_one_mask_per_frame_is_taken_where_there_is_one(options: BatchOptions, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    for number, filled in ((1, True), (2, True), (3, False)):
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        mask[20:80, 10 * number : 60 + 10 * number] = 255 * filled
        Image.fromarray(mask).save(masks / f"red_{number}.png")
    red = masked("red", masks, masks_folder=masks)
    result = run(options, objects=(red, options.objects[1]))
    assert result.failures == ()
    status = manifest_objects(options.out)
    assert [status[f"f.{n}.png", "red"] for n in (1, 2, 3, 4)] == ["done", "done", "absent", "absent"]
    assert not (options.out / "f_3" / "red.wav").exists()
    assert run(options, objects=(red, options.objects[1]), resume=True).rendered == 0


@pytest.mark.slow
def test_proposed_objects_are_found_again_on_resume(options: BatchOptions) -> None:
    result = run(options, objects=(), auto=True, every=4)
    assert result.failures == ()
    assert result.sounds >= 1
    before = contents(options.out)
    assert run(options, objects=(), auto=True, every=4, resume=True).rendered == 0
    next(options.out.glob("*/*.wav")).unlink()
    assert run(options, objects=(), auto=True, every=4, resume=True).sounds == 1
    assert contents(options.out) == before


@pytest.mark.parametrize("follow", ["flow", "fixed", "each"])
@pytest.mark.slow
def test_a_box_selects_in_the_first_frame_or_in_each(options: BatchOptions, follow: str) -> None:
    from sounddesk.domain.mask import Box

    box = Selection(how="box", box=Box(left=15, top=25, right=66, bottom=96))
    result = run(options, objects=(BatchObject(name="red", selection=box),), follow=follow, every=3)
    assert result.failures == ()
    assert (
        run(options, objects=(BatchObject(name="red", selection=box),), follow=follow, every=3, resume=True).rendered
        == 0
    )


def test_an_object_that_is_not_there_is_named(options: BatchOptions) -> None:
    from sounddesk.domain.selection import Click

    outside = Selection(how="clicks", clicks=(Click(x=5000, y=5000),))
    with pytest.raises(BadInputError, match=r"f\.1\.png.*'red'"):
        run(options, objects=(BatchObject(name="red", selection=outside),))


def test_a_second_run_into_the_same_folder_is_refused(options: BatchOptions) -> None:
    facts = {"settings": 1}
    held = {"settings": facts, "resume": True, "outputs": ()}
    with opened_output(options.out, shard=Shard(index=1, count=2), **held):
        for shard in (Shard(index=1, count=2), Shard(), Shard(index=1, count=3)):
            with pytest.raises(OutputError, match="being written"), opened_output(options.out, shard=shard, **held):
                pass
        with opened_output(options.out, shard=Shard(index=2, count=2), **held):
            pass
    with opened_output(options.out, shard=Shard(), **held):
        pass
    assert not list(options.out.glob(".*.lock"))


def test_a_folder_with_something_else_or_another_batch_is_refused(options: BatchOptions) -> None:
    options.out.mkdir()
    (options.out / "novel.txt").write_text("It was a dark and stormy night.")
    with pytest.raises(BadInputError, match="other files"):
        run(options)
    (options.out / "novel.txt").unlink()
    run(options, every=4)
    with pytest.raises(BadInputError, match="--resume"):
        run(options, every=4)
    with pytest.raises(BadInputError, match="other settings"):
        run(options, seed=5, shard=Shard(index=1, count=2))


def test_leftovers_of_a_killed_run_are_removed(options: BatchOptions) -> None:
    run(options, every=4)
    leftover = options.out / "f_1" / ".0123456789abcdef.tmp"
    leftover.write_bytes(b"half a file")
    run(options, every=4, resume=True)
    assert not leftover.exists()


@pytest.mark.parametrize("name", ["manifest.jsonl", "f_2", ".sounddesk-batch-1-of-1.lock"])
def test_a_link_in_the_output_leads_nowhere(options: BatchOptions, tmp_path: Path, name: str) -> None:
    run(options, every=4)
    hers = tmp_path / "hers"
    hers.mkdir()
    (hers / ".letter.tmp").write_text("keep")
    (options.out / name).unlink(missing_ok=True)
    (options.out / name).symlink_to(hers if name == "f_2" else hers / ".letter.tmp")
    with pytest.raises((OutputError, FatalError), match=f"{name} is a link, and sounddesk writes there"):
        run(options, every=1, resume=True)
    assert {path.name: path.read_text() for path in hers.iterdir()} == {".letter.tmp": "keep"}


@pytest.mark.slow
def test_a_cancelled_batch_keeps_what_it_has(options: BatchOptions) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        run_batch(options, on_progress=lambda _: None, cancel=cancel, on_row=lambda _: cancel.cancel())
    kept = len(list(options.out.glob("*/*.wav")))
    assert kept >= 1
    result = run(options, resume=True)
    assert result.failures == ()
    assert result.rendered >= 1
    run(options, out=options.out.parent / "whole")
    assert contents(options.out) == contents(options.out.parent / "whole")


def test_a_seed_depends_on_project_frame_object_and_take_alone(options: BatchOptions) -> None:
    run(options, takes=2, every=4)
    run(options, project="other", every=4, out=options.out.parent / "other")
    rows = newest_rows(read_rows(options.out))
    seeds = [row.seed for row in rows.values() if row.object]
    assert len(set(seeds)) == len(seeds) == 4
    others = newest_rows(read_rows(options.out.parent / "other"))
    assert others["f.1.png", "red", 1].seed not in seeds


def test_the_settings_of_the_batch_are_written_down(options: BatchOptions) -> None:
    run(options, every=4)
    data = json.loads((options.out / "batch.json").read_text())
    assert data["format"] == "sounddesk-batch"
    assert data["settings"]["seconds"] == 1.0


@pytest.mark.slow
def test_an_installed_sam_2_carries_the_masks(options: BatchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers.models.sam2_video")
    from sounddesk.engine.catalogue.model_adding import link_model
    from sounddesk.engine.licence import Licence
    from sounddesk.engine.segmenters import sam2_video
    from tests.engine.segmenters.tiny_sam2_video import tiny_sam2_video

    folder = options.out.parent / "sam2"
    monkeypatch.setenv("SOUNDDESK_MODELS", str(options.out.parent / "models"))
    run(options, follow="auto", every=3)
    by_flow = contents(options.out)
    tiny_sam2_video().save_pretrained(folder)
    link_model(folder, model_id="sam2.1-tiny", kind="segmenter", licence=Licence(name="x", commercial="yes"))
    seen: list[int] = []
    real = sam2_video.Sam2MaskTracker.advance
    monkeypatch.setattr(sam2_video.Sam2MaskTracker, "advance", lambda self, image: seen.append(1) or real(self, image))
    # Another way of following gives other masks, so what followed by flow is rendered again.
    assert run(options, follow="auto", every=3, resume=True).failures == ()
    assert len(seen) == 3
    assert run(options, follow="auto", every=3, resume=True).rendered == 0
    run(options, follow="flow", every=3, out=options.out.parent / "flow")
    flow = contents(options.out.parent / "flow")
    assert {name: flow[name] for name in flow if name.endswith(".wav")} == {
        name: by_flow[name] for name in by_flow if name.endswith(".wav")
    }


def test_what_is_left_out_or_lacking_is_said(options: BatchOptions) -> None:
    masks = options.out.parent / "mattes"
    masks.mkdir()
    for number in (2, 4):
        shutil.copy(options.out.parent / "red.png", masks / f"red_{number:04d}_v003.png")
    (options.folder / "f.9.svg").write_text("<svg/>")
    (options.folder / "f.4.png").rename(options.folder / "f.6.png")
    result = run(options, objects=(masked("red", masks, masks_folder=masks),))
    assert result.notes == (
        "left out, not read here: 1 .svg (f.9.svg)",
        "the sequence has 1 hole: 4 to 5",
        "'red' has no mask in 3 of 4 frames: f.1.png, f.3.png, f.6.png",
    )
    assert result.to_json()["notes"] == list(result.notes)
    found = manifest_objects(options.out)
    assert {frame: status for (frame, name), status in found.items() if name} == {
        "f.1.png": "absent",
        "f.2.png": "done",
        "f.3.png": "absent",
        "f.6.png": "absent",
    }


def test_a_frame_whose_name_is_no_text_is_rendered(options: BatchOptions) -> None:
    name = os.fsdecode(b"caf\xe9.1.png")
    (options.folder / "f.1.png").rename(options.folder / name)
    result = run(options, every=9)
    assert (result.rendered, result.failures) == (1, ())
    assert "caf\\xe9.1.png" in (options.out / "index.html").read_text(encoding="utf-8")
    assert run(options, every=9, resume=True).complete == 1


def test_what_is_known_of_masks_is_in_the_notes(options: BatchOptions, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    box = [[20, 30], [60, 30], [60, 90], [20, 90]]
    shapes = [
        {"label": "red", "points": box, "shape_type": "polygon"},
        {"label": "red", "points": [[1, 1], [2, 2]], "shape_type": "spiral"},
    ]
    labelme = {"version": "5.5.0", "imageWidth": WIDTH, "imageHeight": HEIGHT, "shapes": shapes}
    (tmp_path / "red.json").write_text(json.dumps(labelme))
    for number in (1, 2):
        Image.new("L", (WIDTH, HEIGHT)).save(masks / f"f.{number}.png")
    Image.fromarray(box_mask(0)).save(masks / "f.3.png")
    objects = (masked("red", tmp_path / "red.json"), masked("box", masks, masks_folder=masks))
    result = run(options, objects=objects)
    assert "the mask of 'box' is empty in 2 frames: f.1.png, f.2.png" in result.notes
    assert any("'box' has no mask in 1 of 4 frames: f.4.png" in note for note in result.notes)
    rows = newest_rows(read_rows(options.out))
    whole = rows["f.1.png", "", 0].notes
    assert any(note.startswith("'red': ") and "spiral" in note for note in whole), whole
    assert rows["f.1.png", "box", 1].notes == ("its mask is empty in this frame",)
    assert rows["f.4.png", "box", 1].notes == ("not in this frame",)

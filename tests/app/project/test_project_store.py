from __future__ import annotations

import dataclasses
import io
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from PySide6.QtWidgets import QApplication

from sounddesk.app.project.document import Document
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.app.project.working_copy import working_folder
from sounddesk.app.settings import Settings
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.storage.project_file import read_project
from tests.app.conftest import succeeds


def image_file(colour: tuple[int, int, int] = (90, 120, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "PNG")
    return buffer.getvalue()


def fill(document: Document) -> None:
    file = image_file()
    info = document.add_image(file, np.zeros((48, 64, 3), dtype=np.uint8), name="still.png")
    mask = np.zeros((48, 64), dtype=np.uint8)
    mask[5:20, 5:30] = 255
    project, object_id = document.project.with_new_id("o")
    dog = SceneObject(id=object_id, name="dog", mask=TiledMask.from_array(mask), seed=3)
    document.commit("Add dog", dataclasses.replace(project, image=info).with_object(dog))
    document.add_take(take("t1"))


def take(take_id: str, number: int = 1) -> Take:
    return Take(
        id=take_id,
        object_id="o1",
        number=number,
        seed=1,
        waveform=np.linspace(-1.5, 1.5, 800, dtype=np.float32),
        sample_rate_hz=16_000,
        recipe={"seed": 1},
        created="2026-11-22T10:00:00+00:00",
    )


def crashed(store: ProjectStore) -> None:
    """What the end of its process does to a store: everything written stays, nobody holds it any more."""
    store.wait()
    copy = store._copy
    copy.run(lambda: (copy._database.close(), copy._lock.release()))
    copy.wait()
    copy._database = copy._lock = None
    store.close()


def test_saved_and_opened_again(document: Document, store: ProjectStore, tmp_path: Path, told: list[str]) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    assert succeeds(store.save_as, path)
    assert not document.is_dirty and store.path == path
    saved = document.project
    document.undo()
    assert document.is_dirty
    document.redo()
    assert not document.is_dirty
    assert succeeds(store.new) and document.project.objects == () and store.path is None
    assert succeeds(store.open, path)
    assert document.project == saved and not document.is_dirty
    assert document.image is not None and tuple(document.image[0, 0]) == (90, 120, 30)
    assert document.takes["t1"].waveform.tobytes() == take("t1").waveform.tobytes()
    assert told == []
    with sqlite3.connect(path) as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'working_copy'").fetchall()
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    db.close()
    assert Settings().recent_files[0] == path


def test_two_windows_on_one_file_refuse(
    document: Document, store: ProjectStore, tmp_path: Path, told: list[str]
) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    succeeds(store.save_as, path)
    other = ProjectStore(Document(), Settings())
    assert not succeeds(other.open, path) and not succeeds(other.save_as, path)
    assert all("another window" in each and "close it" in each for each in told) and len(told) == 2
    succeeds(store.new)
    assert succeeds(other.open, path)
    other.close()


def test_a_lock_of_a_dead_process_is_taken_over(store: ProjectStore, document: Document, tmp_path: Path) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    succeeds(store.save_as, path)
    succeeds(store.new)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / ".a.sdesk.lock").write_text(f"{int(dead.stdout)}\npython3\n{os.uname().nodename}\n\n\n")
    assert succeeds(store.open, path)


def test_a_never_saved_project_comes_back(document: Document, store: ProjectStore) -> None:
    fill(document)
    wanted = document.project
    crashed(store)
    again = Document()
    fresh = ProjectStore(again, Settings())
    (item,) = fresh.recoverable()
    assert (item.name, item.origin, item.objects, item.takes) == ("still.png", None, 1, 1)
    assert item.picture == image_file()
    assert succeeds(fresh.recover, item)
    assert again.project == wanted and again.is_dirty and "t1" in again.takes
    # What is done after the recovery is kept as well.
    again.commit("louder", again.project.with_strip("o1", gain_db=6.0))
    crashed(fresh)
    third = ProjectStore(Document(), Settings())
    (item,) = third.recoverable()
    third.discard(item)
    assert third.recoverable() == []
    third.close()


def test_a_recovered_project_has_its_old_path(document: Document, store: ProjectStore, tmp_path: Path) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    succeeds(store.save_as, path)
    document.commit("louder", document.project.with_strip("o1", gain_db=6.0))
    wanted = document.project
    crashed(store)
    again = Document()
    fresh = ProjectStore(again, Settings())
    (item,) = fresh.recoverable()
    assert succeeds(fresh.recover, item)
    assert fresh.path == path and again.is_dirty
    assert read_project(path).project != wanted
    assert succeeds(fresh.save) and read_project(path).project == wanted
    crashed(fresh)
    last = ProjectStore(Document(), Settings())
    assert last.recoverable() == []
    last.close()


def test_nothing_is_offered_after_a_clean_end(document: Document, store: ProjectStore, tmp_path: Path) -> None:
    fill(document)
    succeeds(store.save_as, tmp_path / "a.sdesk")
    document.commit("louder", document.project.with_strip("o1", gain_db=6.0))
    document.undo()
    store.close()
    assert list(working_folder().iterdir()) == []


def test_a_living_window_is_not_offered(document: Document, store: ProjectStore) -> None:
    fill(document)
    store.wait()
    other = ProjectStore(Document(), Settings())
    assert other.recoverable() == []
    other.close()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow
def test_killed_at_any_moment(seed: int, tmp_path: Path, document: Document) -> None:
    arguments = [sys.executable, "-u", str(Path(__file__).with_name("store_child.py"))]
    if seed % 2:
        path = tmp_path / "base.sdesk"
        shutil.copy(Path(__file__).parents[2] / "storage" / "data" / "v1.0.sdesk", path)
        with sqlite3.connect(path) as db:  # its image is no image
            db.execute("DELETE FROM images")
            db.execute("UPDATE state SET data = '{}' WHERE key = 'image'")
        db.close()
        arguments.append(str(path))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.05, 0.6))
    child.kill()
    told = [int(line) for line in child.stdout.read().split() or ["1"]]
    child.wait()
    store = ProjectStore(document, Settings())
    (item,) = store.recoverable()
    assert succeeds(store.recover, item)
    reached = document.project.settings.seed
    assert reached in (told[-1], told[-1] + 1)
    assert {f"k{n}" for n in range(1, reached + 1)} <= {each.id for each in document.takes}
    assert document.project.object(f"n{(reached - 1) // 10 * 10 + 1}").seed == (reached - 1) // 10 * 10 + 1
    assert store.path == (path if seed % 2 else None)
    store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_file_as_a_user(document: Document, store: ProjectStore, tmp_path: Path) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    succeeds(store.save_as, path)
    succeeds(store.new)
    path.chmod(stat.S_IRUSR)
    assert succeeds(store.open, path) and store.is_read_only and not succeeds(store.save)


def test_a_newer_major_version_is_read_only(
    store: ProjectStore, document: Document, tmp_path: Path, told: list[str]
) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    succeeds(store.save_as, path)
    succeeds(store.new)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2000")
    db.close()
    before = path.read_bytes()
    assert succeeds(store.open, path) and store.is_read_only
    assert "newer sounddesk" in told[-1]
    document.commit("louder", document.project.with_strip("o1", gain_db=6.0))
    assert not succeeds(store.save) and not succeeds(store.save_as, path)
    assert path.read_bytes() == before
    assert succeeds(store.save_as, tmp_path / "b.sdesk") and not store.is_read_only
    assert read_project(tmp_path / "b.sdesk").project == document.project


def test_a_file_that_another_program_changed_is_not_overwritten(
    store: ProjectStore, document: Document, tmp_path: Path, told: list[str]
) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    succeeds(store.save_as, path)
    shutil.copy(Path(__file__).parents[2] / "storage" / "data" / "v1.0.sdesk", path)
    document.commit("louder", document.project.with_strip("o1", gain_db=6.0))
    assert not succeeds(store.save) and "another program" in told[-1] and document.is_dirty


def test_bad_files_change_nothing(store: ProjectStore, document: Document, tmp_path: Path, told: list[str]) -> None:
    fill(document)
    before = document.project
    (tmp_path / "bad.sdesk").write_bytes(b"not a project")
    for name in ("bad.sdesk", "none.sdesk"):
        assert not succeeds(store.open, tmp_path / name)
        assert name in told[-1]
    assert document.project is before and store.path is None


def test_targets_that_cannot_be_written(
    store: ProjectStore, document: Document, tmp_path: Path, told: list[str]
) -> None:
    fill(document)
    assert not succeeds(store.save_as, tmp_path / "gone" / "a.sdesk")
    assert "vanished" in told[-1]
    (tmp_path / "folder.sdesk").mkdir()
    assert not succeeds(store.save_as, tmp_path / "folder.sdesk")
    assert "folder" in told[-1]
    assert document.is_dirty and store.path is None
    assert succeeds(store.save_as, tmp_path / "good.sdesk")


def long_take() -> Take:
    """Noise that no disk of 64 KiB has room for."""
    noise = np.random.default_rng(0).standard_normal(80_000).astype(np.float32)
    return dataclasses.replace(take("noise", 2), waveform=noise)


def test_a_full_disk_is_named_and_keeps_nothing_half_written(
    store: ProjectStore, document: Document, small_disk: Path, tmp_path: Path, told: list[str]
) -> None:
    fill(document)
    document.add_take(long_take())
    assert not succeeds(store.save_as, small_disk / "a.sdesk")
    assert "a.sdesk" in told[-1] and ("full" in told[-1] or "space" in told[-1])
    assert document.is_dirty and store.path is None
    assert [each.name for each in small_disk.iterdir() if each.stat().st_size] == []
    assert succeeds(store.save_as, tmp_path / "a.sdesk")
    assert {each.id for each in read_project(tmp_path / "a.sdesk").takes} == {"t1", "noise"}


def test_a_full_disk_under_the_recovery_copy_is_told_once_and_saving_works(
    small_disk: Path,
    store: ProjectStore,
    document: Document,
    tmp_path: Path,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first working copy lies elsewhere.
    store.wait()
    monkeypatch.setenv("XDG_DATA_HOME", str(small_disk))
    succeeds(store.new)
    fill(document)
    document.add_take(long_take())
    document.commit("louder", document.project.with_strip("o1", gain_db=6.0))
    store.wait()
    QApplication.processEvents()
    assert len([each for each in told if "recovery copy" in each]) == 1
    assert succeeds(store.save_as, tmp_path / "a.sdesk")
    found = read_project(tmp_path / "a.sdesk")
    assert found.project == document.project
    assert {each.id for each in found.takes} == {"t1", "noise"}


def test_a_vanished_data_folder_costs_nothing(
    store: ProjectStore, document: Document, tmp_path: Path, told: list[str]
) -> None:
    fill(document)
    store.wait()
    copy = store._copy
    # The disk of the user folder goes away while the project is open.
    copy.run(lambda: copy._database.close())
    copy.wait()
    shutil.rmtree(working_folder())
    document.commit("louder", document.project.with_strip("o1", gain_db=6.0))
    assert succeeds(store.save_as, tmp_path / "a.sdesk")
    assert len([each for each in told if "recovery copy" in each]) == 1
    assert read_project(tmp_path / "a.sdesk").project == document.project


def test_collected_files_are_read_by_others(store: ProjectStore, document: Document, tmp_path: Path) -> None:
    fill(document)
    assert succeeds(store.collect, tmp_path) and succeeds(store.collect, tmp_path)
    folder = tmp_path / "project collected"
    samples, rate = soundfile.read(folder / "takes" / "dog_take01.wav", dtype="float32")
    assert rate == 16_000 and samples.tobytes() == take("t1").waveform.tobytes()
    with Image.open(folder / "masks" / "dog.png") as mask:
        assert np.array_equal(np.asarray(mask), document.project.object("o1").mask.to_array())
    assert (folder / "still.png").read_bytes() == image_file()
    assert read_project(folder / "project.sdesk").project == document.project
    assert (tmp_path / "project collected 2").is_dir()


def test_one_save_drops_what_only_undo_needs(store: ProjectStore, document: Document, tmp_path: Path) -> None:
    fill(document)
    path = tmp_path / "a.sdesk"
    for number in range(5):
        noise = np.random.default_rng(number).integers(0, 256, (48, 64), dtype=np.uint8)
        mask = TiledMask.from_array(noise)
        document.commit("paint", document.project.with_changed_object("o1", mask=mask))
    succeeds(store.save_as, path)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT COUNT(*) FROM masks").fetchone() == (1,)
    db.close()
    document.undo()
    assert succeeds(store.save) and read_project(path).project == document.project

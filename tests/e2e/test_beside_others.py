"""Real processes in a folder that is not theirs alone: nothing of hers is touched, and the truth is told.

Planted links, locks of others, folders that move, full disks, and six processes on one folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sounddesk.cli.exit_codes import ExitCode
from sounddesk.domain.project import Project
from sounddesk.domain.project import ProjectSettings
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip
from sounddesk.storage.project_file import write_project
from sounddesk.storage.project_reader import ProjectContents

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="locks as Linux has them"),
]

LETTER = b"Dear Anna, the bird is in the second drawer.\n"


def write_street(path: Path, *, seconds: float) -> Path:
    """A project with one sound."""
    sound = np.random.default_rng(0).normal(0.0, 0.1, round(16_000 * seconds)).astype(np.float32)
    take = Take(
        id="t", object_id="o", number=1, seed=1, sample_rate_hz=16_000, created="2026-11-24T00:00:00", waveform=sound,
        recipe={"bundle": "starter"},
    )  # fmt: skip
    project = Project(
        objects=(SceneObject(id="o", name="dog", mask=TiledMask.empty(width=64, height=48), seed=1),),
        clips=(Clip(id="c", object_id="o", take_id="t", start_s=0.0, duration_s=seconds),),
        settings=ProjectSettings(timeline_s=max(1.0, seconds)),
    )
    write_project(path, ProjectContents(project=project, takes=(take,)))
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_street(tmp_path_factory.mktemp("projects") / "street.sdesk", seconds=0.5)


@pytest.fixture
def hers(tmp_path: Path) -> Iterator[Path]:
    """A folder with a letter and a take of hers, which are the same afterwards."""
    folder = tmp_path / "hers"
    (folder / "takes").mkdir(parents=True)
    (folder / "letter.txt").write_bytes(LETTER)
    (folder / "takes" / ".best.wav").write_bytes(b"RIFF, and hers")
    before = everything_in(folder)
    yield folder
    assert everything_in(folder) == before


def everything_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below, hidden ones too: its permissions and what is in it."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def start(project: Path, out: Path, *options: str, largest_bytes: int | None = None) -> subprocess.Popen[str]:
    """`sounddesk export`, which needs no network to be loaded."""

    def bound() -> None:
        if largest_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, largest_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "sounddesk", "export", str(project), "--quiet", "--out", str(out), *options],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=bound,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was said; one line, and no traceback, where something was wrong."""
    out, err = process.communicate(timeout=120)
    assert out == ""
    assert err.count("\n") == bool(process.returncode), err
    return process.returncode, err


def hidden_name(out: Path, purpose: str) -> str:
    """What anybody can reckon out who knows the name of the folder."""
    return f".sounddesk-{hashlib.sha256(os.fsencode(out.name)).hexdigest()[:12]}-{purpose}"


FILES = ["street_dog.wav", "street_export.json", "street_mix.wav"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------- links


def test_a_link_under_the_name_of_the_lock(project: Path, hers: Path, tmp_path: Path) -> None:
    out = tmp_path / "sounds"
    lock = tmp_path / hidden_name(out, "lock")
    lock.symlink_to(hers / "letter.txt")
    code, told = ended(start(project, out))
    assert code == ExitCode.BAD_INPUT
    assert f"{lock.name} is a link" in told
    assert not out.exists()
    # It is somebody's, so it stays.
    assert lock.is_symlink()


def test_links_under_the_names_of_staging_folders_and_of_results(project: Path, hers: Path, tmp_path: Path) -> None:
    out = tmp_path / "sounds"
    out.mkdir()
    for folder in (tmp_path, out):
        (folder / hidden_name(out, "staging-00000000")).symlink_to(hers)
    (out / FILES[0]).symlink_to(hers / "letter.txt")
    code, told = ended(start(project, out))
    assert code == ExitCode.BAD_INPUT
    assert f"{FILES[0]} exists already" in told
    (out / FILES[0]).unlink()
    assert ended(start(project, out)) == (0, "")
    assert [name for name in names_in(out) if not name.startswith(".")] == FILES


# ---------------------------------------------------------------------- locks


def test_a_lock_that_a_living_process_on_another_machine_holds(project: Path, hers: Path, tmp_path: Path) -> None:
    out = tmp_path / "sounds"
    lock = tmp_path / hidden_name(out, "lock")
    # As on a network disk: held for us, and the text is of somewhere else.
    with lock.open("w") as held:
        held.write("process 77 on render-7 since 2026-11-30 04:00:00\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        code, told = ended(start(project, out))
    assert code == ExitCode.BAD_INPUT
    assert "process 77 on render-7 since 2026-11-30 04:00:00" in told and f"remove {lock}" in told
    assert lock.read_text().startswith("process 77") and not out.exists()
    # The machine is gone, and its file is all that is left.
    assert ended(start(project, out)) == (0, "")
    assert names_in(out) == FILES and not lock.exists()


def test_a_file_of_hers_under_the_name_of_the_lock(project: Path, hers: Path, tmp_path: Path) -> None:
    out = tmp_path / "sounds"
    lock = tmp_path / hidden_name(out, "lock")
    shutil.copy(hers / "letter.txt", lock)
    code, told = ended(start(project, out))
    assert code == ExitCode.BAD_INPUT
    assert "is no lock of sounddesk" in told
    assert lock.read_bytes() == LETTER and not out.exists()


# ---------------------------------------------------------------------- folders that move


@pytest.mark.parametrize("another", [False, True], ids=["gone", "another in its place"])
def test_the_folder_around_it_moves_meanwhile(tmp_path: Path, hers: Path, another: bool) -> None:
    project = write_street(tmp_path / "long.sdesk", seconds=10.0)
    work, moved = tmp_path / "work", tmp_path / "moved"
    work.mkdir()
    # Many files, so that there is time.
    process = start(project, work / "sounds", "--what", "stems,mix,clips,takes", "--rate", "192000", "--daw", "otio")
    until = time.monotonic() + 60
    while not list(work.glob(".*-staging-*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    work.rename(moved)
    if another:
        shutil.copytree(hers, work)
    process.send_signal(signal.SIGCONT)
    code, told = ended(process)
    assert code == ExitCode.BAD_INPUT, told
    assert "has vanished" in told
    # Nothing at the old place that looks like a result, and nothing in what is there now.
    assert everything_in(work) == everything_in(hers) if another else not work.exists()
    assert [name for name in names_in(moved) if not name.startswith(".")] == []
    # The next start clears up.
    assert ended(start(project, moved / "sounds"))[0] == 0
    assert names_in(moved) == ["sounds"]


# ---------------------------------------------------------------------- full disks


def test_a_full_disk(project: Path, hers: Path, small_disk: Path) -> None:
    shutil.copytree(hers, small_disk / "hers")
    code, told = ended(start(project, small_disk / "sounds"))
    assert code == ExitCode.ENGINE_FAILED
    assert "free some space or choose another folder" in told
    assert names_in(small_disk) == ["hers"]
    assert everything_in(small_disk / "hers") == everything_in(hers)


def test_an_account_that_is_used_up(project: Path, hers: Path, tmp_path: Path) -> None:
    before = names_in(tmp_path)
    code, told = ended(start(project, tmp_path / "sounds", largest_bytes=10_000))
    assert code == ExitCode.ENGINE_FAILED
    assert "larger than this disk or the limit on file sizes" in told
    assert names_in(tmp_path) == before


# ---------------------------------------------------------------------- six at once


# Six forks of one process that has imported everything: they begin at the same moment.
_SIX_EXPORTS = """
import os, sys
import sounddesk.audio.exporters.export, sounddesk.audio.files.wav_io, sounddesk.storage.project_file
from sounddesk.cli.main import main
children = []
for number in range(6):
    if not (child := os.fork()):
        with open(f"{sys.argv[3]}/{number}", "w", buffering=1) as told:
            os.dup2(told.fileno(), 2)
            os._exit(main(["export", sys.argv[1], "--quiet", "--out", sys.argv[2]]))
    children.append(child)
print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_six_exports_into_one_folder(project: Path, hers: Path, tmp_path: Path) -> None:
    out, told = tmp_path / "sounds", tmp_path / "told"
    told.mkdir()
    shutil.copytree(hers, out)
    done = subprocess.run(
        [sys.executable, "-c", _SIX_EXPORTS, str(project), str(out), str(told)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    codes = [int(each) for each in done.stdout.split()]
    assert sorted(codes) == [0, *[ExitCode.BAD_INPUT] * 5]
    for number, code in enumerate(codes):
        said = (told / str(number)).read_text()
        assert not code or "exists already" in said or "is being written by another" in said, said
    assert names_in(out) == sorted([*FILES, *names_in(hers)])
    assert all((out / name).read_bytes() == (hers / name).read_bytes() for name in ("letter.txt", "takes/.best.wav"))
    assert np.abs(soundfile.read(out / "street_dog.wav")[0]).max() > 0.1
    assert [name for name in names_in(tmp_path) if name.startswith(".")] == []


_SIX_SAVES = """
import sys
from pathlib import Path
from tests.e2e.test_beside_others import write_street
for _ in range(5):
    write_street(Path(sys.argv[1]), seconds=float(sys.argv[2]))
"""


def test_six_saves_of_one_project(hers: Path, tmp_path: Path) -> None:
    from sounddesk.storage.project_file import read_project

    path = hers.parent / "street.sdesk"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", _SIX_SAVES, str(path)]
    saves = [subprocess.Popen([*command, str(0.25 * number)], env=environment) for number in range(1, 7)]
    seen = 0
    while any(each.poll() is None for each in saves):
        if path.exists():
            # Whole at every moment: somebody's last state, never two halves.
            (take,) = read_project(path).takes
            assert take.waveform.size % 4000 == 0
            seen += 1
        time.sleep(0.05)
    assert [each.returncode for each in saves] == [0] * 6
    assert seen
    assert sorted(names_in(tmp_path)) == ["hers", "street.sdesk"]

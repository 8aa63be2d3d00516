"""The jobs that `benchmarks.kills` kills: what each writes, what is half-written, and what it ends in."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from benchmarks.batch_shot import draw_shot
from benchmarks.batch_shot import mask_arguments
from benchmarks.resume_after_kill import Forked
from benchmarks.resume_after_kill import fingerprint
from sounddesk.storage.output_folder import OutputFolder

if TYPE_CHECKING:
    from sounddesk.storage.project_reader import ProjectContents

OPTIMISER = {"steps": 6, "checkpoint_steps": 2, "threads": 1}
SMALL = ("--seconds", "1", "--steps", "2", "--quiet")
JOB_NAMES = (
    "render", "vary", "export", "collect", "save", "embed", "scan", "install", "batch", "bed", "training",
)  # fmt: skip


@dataclass(kw_only=True)
class Job:
    """Something that writes.

    Attributes:
        work: writes into a folder, and goes on there where an earlier run was killed.
        wrong: what is half-written in that folder, one sentence each, after a kill or at the end.
        result: stands for all that the finished work is.
    """

    name: str
    work: Callable[[Path], object]
    wrong: Callable[[Path], list[str]]
    result: Callable[[Path], object]


def files_of(folder: Path, *, exact: bool = True) -> dict[str, str]:
    """Hash of every visible file, without those whose length depends on the time of day.

    Args:
        exact: else the files hold the time of day: of sounds the samples are hashed, of the rest the size stands.
    """
    return {
        path.relative_to(folder).as_posix(): _hash_of(path, exact=exact)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.suffix not in (".html", ".jsonl", ".json", ".rpp")
    }


def _hash_of(path: Path, *, exact: bool) -> str:
    if exact:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix == ".wav":
        import soundfile

        return hashlib.sha256(soundfile.read(path, dtype="int32")[0].tobytes()).hexdigest()
    return str(path.stat().st_size)


def command(*arguments: str) -> None:
    """The command line in this process; a problem ends the process with its code."""
    from sounddesk.cli.main import main

    with contextlib.redirect_stdout(io.StringIO()):
        code = main(arguments)
    if code:
        sys.exit(int(code))


def whole_or_absent(out: Path, wanted: dict[str, str], *, exact: bool) -> list[str]:
    found = files_of(out, exact=exact) if out.exists() else wanted
    return [] if found == wanted else [f"{out.name} is there with {len(found)} of {len(wanted)} files"]


def jobs_in(place: Path, hub_url: str) -> Iterator[Job]:
    """Every job, with what it needs made in `place`."""
    from tests.tiny_bundle import build_tiny_bundle
    from tests.training.tiny_run import build_tiny_work
    from tests.training.tiny_run import write_recipe

    Forked(build_tiny_bundle, place).end()
    bundle = ("--bundle", str(place / "tiny"))
    shot = place / "shot"
    draw_shot(shot, frames=2)
    masks = mask_arguments(shot)
    frame = str(shot / "shot.0001.png")

    yield one_folder("render", lambda out: command("render", frame, *masks, *bundle, *SMALL, "--out", str(out)))
    sound = place / "sounds" / "bark.wav"
    Forked(write_sounds, sound.parent).end()
    varied = ("--steps", "2", "--quiet", "--from", str(sound))
    yield one_folder("vary", lambda out: command("render", frame, *masks, *bundle, *varied, "--out", str(out)))
    project = place / "street.sdesk"
    Forked(write_example, project, 1).end()
    yield one_folder("export", lambda out: command("export", str(project), "--quiet", "--out", str(out)), exact=False)
    yield one_folder("collect", collect(project), exact=False)
    yield save_job()
    yield embed_job(sound)
    yield scan_job(place)
    yield install_job(hub_url)
    batch = ("batch", str(shot), *masks, *bundle, "--steps", "2", "--quiet", "--resume", "--workers", "1", "--out")
    yield one_folder("batch", lambda out: command(*batch, str(out), "--seconds", "1"), resumes=True)
    # As long as its frames: 1 s.
    yield one_folder("bed", lambda out: command(*batch, str(out), "--bed", "--fps", "2"), resumes=True)
    training = place / "training"
    training.mkdir()
    Forked(build_tiny_work, training).end()
    yield training_job(training, write_recipe)


def one_folder(name: str, work: Callable[[Path], object], *, resumes: bool = False, exact: bool = True) -> Job:
    """A job whose result is a folder 'out': absent or whole, or, where it resumes, with whole files.

    Args:
        exact: two runs give the same bytes; see `files_of`.
    """
    wanted: dict[str, str] = {}

    def wrong(folder: Path) -> list[str]:
        out = folder / "out"
        if not resumes:
            return whole_or_absent(out, wanted, exact=exact)
        return [f"{file} is another" for file, value in files_of(out, exact=exact).items() if wanted.get(file) != value]

    def result(folder: Path) -> object:
        found = files_of(folder / "out", exact=exact)
        if not wanted:
            wanted.update(found)
        return found

    def run(folder: Path) -> None:
        if resumes or not (folder / "out").exists():
            work(folder / "out")
            return
        # Killed after its end but for the process: there is nothing left to do, and another run would go elsewhere.
        # What lies about is removed by whoever opens the folder next.
        OutputFolder(folder / "out").close()

    return Job(name=name, work=run, wrong=wrong, result=result)


def write_sounds(folder: Path) -> None:
    """Recordings: one of 4 s, and eight of 1 s."""
    import soundfile

    from tests.library_parts import bark

    folder.mkdir()
    soundfile.write(folder / "bark.wav", bark(seed=0, count=8), 16_000)
    for number in range(8):
        soundfile.write(folder / f"dog{number}.wav", bark(seed=number + 1, count=2), 16_000)


def example(number: int, recipe: dict[str, Any]) -> ProjectContents:
    """A project with three takes; another one for each number."""
    import numpy as np

    from sounddesk.domain.project import Project
    from sounddesk.domain.project import ProjectSettings
    from sounddesk.domain.scene import SceneObject
    from sounddesk.domain.take import Take
    from sounddesk.domain.tiled_mask import TiledMask
    from sounddesk.domain.timeline import Clip
    from sounddesk.storage.project_reader import ProjectContents

    rng = np.random.default_rng(number)
    takes = tuple(
        Take(
            id=f"t{n}", object_id="o", number=n, seed=n, sample_rate_hz=16_000, created="2026-11-24T00:00:00",
            waveform=(rng.standard_normal(160_000) * 0.1).astype(np.float32), recipe=recipe,
        )
        for n in (1, 2, 3)
    )  # fmt: skip
    project = Project(
        objects=(SceneObject(id="o", name="dog", mask=TiledMask.empty(width=64, height=48), seed=number),),
        clips=tuple(
            Clip(id=f"c{take.number}", object_id="o", take_id=take.id, start_s=0.0, duration_s=10.0) for take in takes
        ),
        settings=ProjectSettings(timeline_s=10.0),
    )
    return ProjectContents(project=project, takes=takes)


def write_example(path: Path, number: int) -> None:
    """Write an `example`."""
    from sounddesk.storage.project_file import write_project

    write_project(path, example(number, {"bundle": "starter"}))


def collect(project: Path) -> Callable[[Path], object]:
    def work(out: Path) -> None:
        from sounddesk.app.project.collecting import collect_project
        from sounddesk.storage.project_file import read_project

        # Named by the command, not by the caller.
        made = collect_project(read_project(project), out.parent, path=project, extract=lambda _sha256, _path: False)
        made.folder.rename(out)

    return work


def save_job() -> Job:
    def state(folder: Path) -> Any:
        from sounddesk.storage.project_file import read_project

        return read_project(folder / "a.sdesk").project.objects[0].seed

    def work(folder: Path) -> None:
        for number in range(1, 9):
            write_example(folder / "a.sdesk", number)

    def wrong(folder: Path) -> list[str]:
        if not (folder / "a.sdesk").exists():
            return []
        try:
            state(folder)
        except Exception as error:  # noqa: BLE001  # whatever it is, the file is not whole
            return [f"a.sdesk: {error}"]
        return []

    return Job(name="save", work=work, wrong=wrong, result=state)


def embed_job(sound: Path) -> Job:
    """A project that holds its recording is saved, as the window saves it."""

    def work(folder: Path) -> None:
        from sounddesk.app.project.working_copy import WorkingCopy
        from sounddesk.engine.library.remembered_recordings import remember_recording
        from sounddesk.engine.verified_files import hash_file

        sha256 = hash_file(sound).sha256
        remember_recording(sha256, sound)
        recipe = {"recordings": [{"file": sound.name, "sha256": sha256}]}
        for number in range(1, 5):
            plain = example(number, recipe)
            contents = replace(plain, project=plain.project.with_settings(embed_recordings=True))
            copy = WorkingCopy(lambda error: sys.exit(str(error)))
            copy.begin(contents, source=None, origin=folder / "a.sdesk", dirty=True)
            copy.run(functools.partial(copy.save, folder / "a.sdesk", contents))
            copy.close()

    def wrong(folder: Path) -> list[str]:
        from sounddesk.storage.embedded_recordings import extract_recording

        if not (folder / "a.sdesk").exists():
            return []
        found = state(folder)
        with contextlib.closing(sqlite3.connect(folder / "a.sdesk")) as db:
            whole = [extract_recording(db, each, folder / each) for each in found[1]]
        for each in found[1]:
            (folder / each).unlink(missing_ok=True)
        return [] if whole == [True] else [f"a.sdesk holds {len(whole)} recordings, {sum(whole)} of them whole"]

    def state(folder: Path) -> Any:
        from sounddesk.storage.project_file import read_project

        read = read_project(folder / "a.sdesk")
        return read.project.objects[0].seed, sorted(read.embedded)

    return Job(name="embed", work=work, wrong=wrong, result=state)


def scan_job(place: Path) -> Job:
    """A folder of recordings is scanned into a library."""

    def work(folder: Path) -> None:
        from sounddesk.engine.library.scan import LibraryEars
        from sounddesk.engine.library.scan import scan
        from sounddesk.storage.library.library import Library
        from tests.library_parts import tiny_encoder
        from tests.library_parts import tiny_kinds

        with tempfile.TemporaryDirectory() as networks, Library(folder / "library.sqlite") as library:
            encoder = tiny_encoder(Path(networks))
            library.add_folder(place / "sounds")
            scan(library, ears=LibraryEars(encoder=encoder, kinds=tiny_kinds(place / "tiny", width=encoder.width)))

    def wrong(folder: Path) -> list[str]:
        if not (folder / "library.sqlite").exists():
            return []
        with contextlib.closing(sqlite3.connect(folder / "library.sqlite")) as db:
            (found,) = db.execute("PRAGMA integrity_check").fetchone()
        return [] if found == "ok" else [f"library: {found}"]

    def result(folder: Path) -> object:
        from sounddesk.storage.library.library import Library

        with Library(folder / "library.sqlite") as library:
            known = library.recordings(range(100)).values()
            return sorted((each.name, each.sha256, len(library.events_of(each.id))) for each in known)

    return Job(name="scan", work=work, wrong=wrong, result=result)


def install_job(hub_url: str) -> Job:
    from sounddesk.engine.catalogue.entries import CatalogueEntry
    from sounddesk.engine.catalogue.entries import HubSource
    from sounddesk.engine.catalogue.model_install import install
    from sounddesk.engine.catalogue.model_store import installed_model
    from sounddesk.engine.licence import Licence

    os.environ["HF_ENDPOINT"] = hub_url
    entry = CatalogueEntry(
        id="mine", name="Mine", kind="segmenter", purpose="masks", licence=Licence(name="House", commercial="no"),
        catalogue=Path("test.toml"), hub=HubSource(repo="me/mine", revision="main", patterns=("*.json", "unet/*")),
    )  # fmt: skip

    def work(folder: Path) -> None:
        install(entry, accept_licence=True, folder=folder, offline=False)

    def wrong(folder: Path) -> list[str]:
        from sounddesk.domain.errors import SounddeskError

        try:
            model = installed_model("mine", folder=folder)
            if model is not None:
                model.verify()
        except SounddeskError as error:
            return [str(error)]
        return []

    def result(folder: Path) -> object:
        return {name: digest for name, digest in files_of(folder).items() if name.endswith(".safetensors")}

    return Job(name="install", work=work, wrong=wrong, result=result)


def training_job(training: Path, write_recipe: Callable[..., Path]) -> Job:
    def work(folder: Path) -> None:
        from sounddesk.training.runner import run_recipe

        run_recipe(write_recipe(training, folder.name, optimiser=OPTIMISER, run_dir=str(folder / "run")))

    def wrong(folder: Path) -> list[str]:
        from sounddesk.engine.models.quantised_weights import load_weights

        # What is exported stands under its name only when it is whole.
        for weights in (folder / "run" / "export").rglob("*.safetensors"):
            load_weights(weights)
        return []

    return Job(name="training", work=work, wrong=wrong, result=lambda folder: fingerprint(folder / "run"))

"""Eight jobs killed with -9 at random moments: what is there afterwards is whole, and the next start finishes the job.

python -m benchmarks.kills [--kills 300] [--seed 0] [--json] [JOB ...]

`--kills` counts over all jobs together. Each kill is a run of its own, in a fork that has imported everything. A batch
with several workers is killed by `benchmarks.batch_kill`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.batch_shot import draw_shot
from benchmarks.batch_shot import mask_arguments
from benchmarks.resume_after_kill import Forked
from benchmarks.resume_after_kill import fingerprint

OPTIMISER = {"steps": 6, "checkpoint_steps": 2, "threads": 1}
SMALL = ("--seconds", "1", "--steps", "2", "--quiet")


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


@dataclass(kw_only=True)
class Outcome:
    """What the kills of one job left.

    Attributes:
        early: kills that came after the end; they count as none.
        wrong: what was half-written, or not finished by the next run.
        litter: hidden files and folders after the next run.
    """

    name: str
    kills: int
    early: int
    wrong: list[str]
    litter: int


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


def hidden_in(folder: Path) -> list[Path]:
    """Hidden files and folders, without what lies in hidden folders, and without what batches keep on purpose."""
    return [
        path for path in folder.rglob(".*") if not any(p.startswith(".") for p in path.relative_to(folder).parts[:-1])
    ]


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


# ---------------------------------------------------------------------- the jobs


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
    project = place / "street.sdesk"
    Forked(write_example, project, 1).end()
    yield one_folder("export", lambda out: command("export", str(project), "--quiet", "--out", str(out)), exact=False)
    yield one_folder("collect", collect(project), exact=False)
    yield save_job()
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
        # Killed after its end but for the process: there is nothing left to do, and another run would go elsewhere.
        if resumes or not (folder / "out").exists():
            work(folder / "out")

    return Job(name=name, work=run, wrong=wrong, result=result)


def write_example(path: Path, number: int) -> None:
    """A project with three takes; another one for each number."""
    import numpy as np

    from sounddesk.domain.project import Project
    from sounddesk.domain.project import ProjectSettings
    from sounddesk.domain.scene import SceneObject
    from sounddesk.domain.take import Take
    from sounddesk.domain.tiled_mask import TiledMask
    from sounddesk.domain.timeline import Clip
    from sounddesk.storage.project_file import write_project
    from sounddesk.storage.project_reader import ProjectContents

    rng = np.random.default_rng(number)
    takes = tuple(
        Take(
            id=f"t{n}", object_id="o", number=n, seed=n, sample_rate_hz=16_000, created="2026-11-24T00:00:00",
            waveform=(rng.standard_normal(160_000) * 0.1).astype(np.float32), recipe={"bundle": "starter"},
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
    write_project(path, ProjectContents(project=project, takes=takes))


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


# ---------------------------------------------------------------------- killing


def kill(job: Job, *, kills: int, rng: random.Random, place: Path) -> Outcome:
    """Run a job to its end once, then kill it `kills` times at random moments and let it be done each time."""
    outcome = Outcome(name=job.name, kills=0, early=0, wrong=[], litter=0)

    def ran(folder: Path) -> str:
        code = Forked(job.work, folder).end()
        return f"ended with {code}" if code else ""

    whole = place / f"{job.name}-whole"
    whole.mkdir()
    begin = time.monotonic()
    problem = ran(whole)
    length_s = time.monotonic() - begin
    if problem:
        raise SystemExit(f"{job.name}, left alone, {problem}")
    wanted = job.result(whole)
    kept = {path.name for path in hidden_in(whole)}
    # About half of them come too late where the first run met a busier machine than the others.
    while outcome.kills < kills and outcome.early < max(20, 5 * kills):
        folder = place / f"{job.name}-{outcome.kills}-{outcome.early}"
        folder.mkdir()
        run = Forked(job.work, folder)
        time.sleep(rng.uniform(0.0, length_s))
        if not run.is_alive():
            run.end()
            outcome.early += 1
            continue
        assert run.pid is not None
        os.kill(run.pid, signal.SIGKILL)
        run.end()
        outcome.kills += 1
        outcome.wrong += [f"after a kill: {each}" for each in job.wrong(folder)]
        problem = ran(folder)
        if problem:
            outcome.wrong.append(f"the next run {problem}")
        elif job.result(folder) != wanted:
            outcome.wrong.append("the next run did not finish what was begun")
        outcome.litter += len([path for path in hidden_in(folder) if path.name not in kept])
    return outcome


def measure(names: list[str], *, kills: int, seed: int) -> list[Outcome]:
    """The outcome of every job of these names, or of all."""
    # Imported before any fork.
    import sounddesk.app.project.collecting
    import sounddesk.batch.run
    import sounddesk.cli.main
    import sounddesk.engine.session
    import sounddesk.training.runner  # noqa: F401
    from tests.engine.local_hub import local_hub

    outcomes = []
    with tempfile.TemporaryDirectory() as folder, local_hub() as hub:
        place = Path(folder)
        os.environ |= {"HF_HUB_CACHE": str(place / "cache"), "XDG_DATA_HOME": str(place / "data")}
        hub.repos["me/mine"] = {"config.json": b'{"a": 1}', "unet/model.safetensors": bytes(8) + bytes(4_000_000)}
        rng = random.Random(seed)
        for job in jobs_in(place, hub.url):
            if names and job.name not in names:
                continue
            outcomes.append(kill(job, kills=kills, rng=rng, place=place))
            print(outcomes[-1], file=sys.stderr, flush=True)
    return outcomes


def main(arguments: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("jobs", nargs="*", metavar="JOB")
    options.add_argument("--kills", type=int, default=300, help="over all eight jobs (default: 300)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args(arguments)
    if os.environ.get("OMP_NUM_THREADS") != "1":
        # A fork must not inherit a pool of threads that are not there any more.
        again = [sys.executable, "-m", "benchmarks.kills", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "OMP_NUM_THREADS": "1"})
    outcomes = measure(asked.jobs, kills=-(-asked.kills // (len(asked.jobs) or 8)), seed=asked.seed)
    if asked.json:
        print(json.dumps([asdict(each) for each in outcomes]))
    else:
        total = sum(each.kills for each in outcomes)
        print(
            f"{total} kills: {sum(len(o.wrong) for o in outcomes)} faults, {sum(o.litter for o in outcomes)} left over"
        )


if __name__ == "__main__":
    main()

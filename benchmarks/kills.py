"""Jobs killed with -9 at random moments: what is there afterwards is whole, and the next start finishes the job.

python -m benchmarks.kills [--kills 300] [--seed 0] [--json] [JOB ...]

`--kills` counts over all jobs together. Each kill is a run of its own, in a fork that has imported everything. A batch
with several workers is killed by `benchmarks.batch_kill`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kill_jobs import JOB_NAMES
from benchmarks.kill_jobs import Job
from benchmarks.kill_jobs import jobs_in
from benchmarks.resume_after_kill import Forked


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


def hidden_in(folder: Path) -> list[Path]:
    """Hidden files and folders, without what lies in hidden folders, and without what batches keep on purpose."""
    return [
        path for path in folder.rglob(".*") if not any(p.startswith(".") for p in path.relative_to(folder).parts[:-1])
    ]


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
    import sounddesk.app.project.working_copy
    import sounddesk.batch.run
    import sounddesk.cli.main
    import sounddesk.engine.library.scan
    import sounddesk.engine.session
    import sounddesk.training.runner  # noqa: F401
    from tests.engine.local_hub import local_hub

    outcomes = []
    with tempfile.TemporaryDirectory() as folder, local_hub() as hub:
        place = Path(folder)
        os.environ |= {
            "HF_HUB_CACHE": str(place / "cache"),
            "XDG_DATA_HOME": str(place / "data"),
            "XDG_STATE_HOME": str(place / "state"),
        }
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
    options.add_argument("jobs", nargs="*", metavar="JOB", help=", ".join(JOB_NAMES))
    options.add_argument("--kills", type=int, default=300, help="over all jobs (default: 300)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args(arguments)
    if os.environ.get("OMP_NUM_THREADS") != "1":
        # A fork must not inherit a pool of threads that are not there any more.
        again = [sys.executable, "-m", "benchmarks.kills", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "OMP_NUM_THREADS": "1"})
    outcomes = measure(asked.jobs, kills=-(-asked.kills // len(asked.jobs or JOB_NAMES)), seed=asked.seed)
    if asked.json:
        print(json.dumps([asdict(each) for each in outcomes]))
    else:
        total = sum(each.kills for each in outcomes)
        print(
            f"{total} kills: {sum(len(o.wrong) for o in outcomes)} faults, {sum(o.litter for o in outcomes)} left over"
        )


if __name__ == "__main__":
    main()

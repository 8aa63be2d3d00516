"""One command from a clean checkout to a folder with all artefacts of this machine's system.

    pip install '.[docs,release,film,movie]' && python packaging/release.py --out FOLDER [--only STEP ...]
        [--torch REQUIREMENT] [--torch-index URL] [--any-tree]

Steps, in order: sdist and wheel, the environment that is frozen, licences and SBOM, frozen app, smoke test, installers
of this system, site, changelog. A step whose tools are missing is skipped and says so; one that fails ends with exit
code 1, after the others that do not need it. Given again, the command does what is not done yet; `--only` does steps
again. `report.md` tells what was done and tested, `SHA256SUMS` and `release.json` name every file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import sys
import time
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from release_record import Outcome  # noqa: E402
from release_record import Record  # noqa: E402
from release_record import Run  # noqa: E402
from release_record import lengths  # noqa: E402
from release_steps import NEEDS  # noqa: E402
from release_steps import SETTINGS  # noqa: E402
from release_steps import STEPS  # noqa: E402
from release_steps import Release  # noqa: E402
from release_steps import SkippedError  # noqa: E402
from release_steps import run  # noqa: E402


def artefacts(folder: Path) -> list[dict[str, object]]:
    """Name, length and hash of every artefact, by name."""
    files = [
        path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in ("SHA256SUMS", "release.json")
    ]
    return [
        {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in files
    ]


def describe(folder: Path, *, version: str, date: str) -> None:
    """Write `SHA256SUMS`, as sha256sum checks it, and `release.json`, as `sounddesk doctor --release` reads it."""
    listed = artefacts(folder)
    sums = "".join(f"{each['sha256']}  {each['name']}\n" for each in listed)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    told = {"schema_version": 1, "version": version, "date": date, "artefacts": listed}
    (folder / "release.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=STEPS, help="these steps, done or not; default: what is not done")
    parser.add_argument("--torch", default="torch", help="requirement of the CPU build, e.g. torch==2.13.0")
    parser.add_argument("--torch-index", help="package index with CPU builds of torch")
    parser.add_argument("--addon", type=Path, help="folder of packaging/addon.py, for the smoke test")
    parser.add_argument("--any-tree", action="store_true", help="also from a checkout with changes")
    options = parser.parse_args()
    commit = run("git", "rev-parse", "HEAD").strip()
    changes = run("git", "status", "--porcelain")
    if changes and not options.any_tree:
        parser.error(f"the checkout has changes: commit them, or give --any-tree\n{changes}")
    release = Release(options.out.resolve(), options)
    release.out.mkdir(parents=True, exist_ok=True)
    record = Record(release.work / "steps.json")
    if release.version and record.commit != commit:
        parser.error(f"{release.out} holds version {release.version} of another commit: choose another --out")
    record.begin(commit)
    # What a checkout with changes held is not known later.
    failed = do_steps(release, record, tree=f"{commit} with changes at {now()}" if changes else commit)
    if release.version:
        describe(release.out, version=release.version, date=today())
    return 1 if failed else 0


def do_steps(
    release: Release, record: Record, *, tree: str, steps: Mapping[str, Callable[[Release], str]] = STEPS
) -> bool:
    """Do the steps that are asked for, or not done yet, with a report after every one. Whether one failed."""
    for name in ("SHA256SUMS", "release.json"):
        (release.out / name).unlink(missing_ok=True)
    failed = False
    for name in [each for each in steps if each in (release.options.only or steps)]:
        settings = tuple(str(getattr(release.options, each)) for each in SETTINGS.get(name, ()))
        key = record.key(tree=tree, settings=settings, needs=NEEDS[name])
        if release.options.only is None and record.is_done(name, key=key, out=release.out) and release.has_made(name):
            print(f"{name}: done before", flush=True)
            continue
        began, before = time.monotonic(), lengths(release.out)
        outcome: Outcome
        try:
            if missing := [each for each in NEEDS[name] if record.outcome(each) != "done"]:
                raise SkippedError(f"needs {' and '.join(missing)}")
            outcome, said = "done", steps[name](release)
        except SkippedError as reason:
            outcome, said = "skipped", str(reason)
        except (OSError, RuntimeError, StopIteration) as error:
            outcome, said, failed = "FAILED", f"{type(error).__name__}: {error}", True
        took_s = time.monotonic() - began
        made = {each: told[0] for each, told in lengths(release.out).items() if before.get(each) != told}
        print(f"{name}: {outcome} in {took_s:.0f} s: {said}", flush=True)
        record.keep(name, Run(outcome=outcome, said=said, took_s=took_s, key=key, ended=now(), files=made))
        write_report(release, record)
    return failed


def write_report(release: Release, record: Record) -> None:
    """`report.md`: what every step did, and on what."""
    where = f"{sys.platform}, Python {sys.version.split()[0]}"
    head = f"# sounddesk {release.version}\n\n{today()}, commit {record.commit}, {where}.\n\n"
    (release.out / "report.md").write_text(head + record.table(tuple(STEPS)), encoding="utf-8")


def now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat()


def today() -> str:
    return now().partition("T")[0]


if __name__ == "__main__":
    sys.exit(main())

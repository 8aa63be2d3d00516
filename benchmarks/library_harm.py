"""A library of thousands of files, many of them bad, scanned while it is killed, shared, and its disk taken away.

python -m benchmarks.library_harm [--files 5000] [--gigabytes 4.3] [--kills 10] [--keep FOLDER]

Broken, silent, truncated, empty, 8-channel, 192 kHz, unreadable files and a sparse RF64 of over 4 GB lie among good
ones. Every bad one has to be named, none may end a scan, and each good one has to be found. Then the same is scanned by
a process that is killed (`kill -9`) again and again, by two processes at once, and with the folder gone, before the
scan and in the middle of it. Prints what happened, and ends with 1 where something was lost.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.common import parser

# Of a hundred files: so many are of each kind, the rest is good.
BAD = {"broken": 3, "silent": 3, "truncated": 2, "empty": 1, "unreadable": 1}
ODD = {"channels8": 3, "rate192k": 3}


@dataclass
class Made:
    """What was made: the names of files that have to be found, and of those that have to be named as bad."""

    good: set[str]
    bad: set[str]


def make_library(folder: Path, *, files: int, huge_bytes: int) -> Made:
    """Fill `folder`. As root every file can be read: those that others could not are then among the good ones."""
    rng = np.random.default_rng(0)
    made = Made(set(), set())
    kinds = [name for name, count in (BAD | ODD).items() for _ in range(count)]
    for number in range(files):
        kind = kinds[number % 100] if number % 100 < len(kinds) else "good"
        path = folder / f"{number // 500:03d}" / f"dog_{number:05d}_{kind}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        rate = 192_000 if kind == "rate192k" else 16_000
        samples = np.zeros((rate * 2 // 5, 8 if kind == "channels8" else 1), np.float32)
        if kind != "silent":
            burst = len(samples) // 2
            decay = np.exp(-6 * np.arange(burst) / burst)[:, None]
            samples[100 : 100 + burst] = rng.normal(0, 0.2, (burst, samples.shape[1])) * decay
        if kind == "broken":
            path.write_bytes(rng.bytes(3000))
        elif kind == "empty":
            path.write_bytes(b"")
        else:
            soundfile.write(path, samples, rate)
        if kind == "truncated":
            path.write_bytes(path.read_bytes()[:30])
        if kind == "unreadable":
            path.chmod(0)
        (made.bad if kind in BAD and (kind != "unreadable" or os.geteuid() != 0) else made.good).add(path.name)
    if huge_bytes:
        write_huge_rf64(folder / "dog_huge.wav", huge_bytes)
        made.good.add("dog_huge.wav")
    return made


def write_huge_rf64(path: Path, data_bytes: int) -> None:
    """A sparse RF64 of 8 channels at 192 kHz in float32, silent but for a burst in the middle of it."""
    frame = 8 * 4
    frames = data_bytes // frame
    with path.open("wb") as file:
        sizes = struct.pack("<QQQI", 72 + frames * frame, frames * frame, frames, 0)
        file.write(b"RF64" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + b"ds64" + struct.pack("<I", len(sizes)) + sizes)
        form = struct.pack("<HHIIHH", 3, 8, 192_000, 192_000 * frame, frame, 32)
        file.write(b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 0xFFFFFFFF))
        start = file.tell()
        file.truncate(start + frames * frame)
        file.seek(start + frames // 2 * frame)
        file.write(np.random.default_rng(1).normal(0, 0.2, (min(19_200, frames // 4), 8)).astype("<f4").tobytes())


class Scans:
    """Runs `sounddesk library` on one index."""

    def __init__(self, index: Path) -> None:
        self.index = index
        # Two scans at once on two cores: one thread each.
        self._environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def run(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.start(*arguments).communicate()[0])
        return found

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sounddesk", "library", *arguments, "--library", str(self.index), "--json"]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._environment, start_new_session=True
        )

    def count(self) -> int:
        """Rows that the index has, as another reader sees them."""
        if not self.index.exists():
            return 0
        with sqlite3.connect(self.index, timeout=30) as db:
            return int(db.execute("SELECT count(*) FROM recordings").fetchone()[0])

    def faults(self, made: Made) -> list[str]:
        """What is not as it has to be once everything was scanned."""
        with sqlite3.connect(self.index, timeout=30) as db:
            rows = db.execute("SELECT path, problem, missing FROM recordings").fetchall()
            sound = db.execute("PRAGMA integrity_check").fetchone()[0]
            words = db.execute("SELECT count(*) FROM words").fetchone()[0]
        good = {Path(os.fsdecode(path)).name for path, problem, missing in rows if not problem and not missing}
        bad = {Path(os.fsdecode(path)).name for path, problem, missing in rows if problem}
        checks = {
            f"{len(made.good - good)} good files were not found": not made.good - good,
            f"{len(made.bad - bad)} bad files were not named": not made.bad - bad,
            f"{len(bad - made.bad)} good files were called bad": not bad - made.bad,
            f"{len(rows)} rows for {len(made.good | made.bad)} files": len(rows) == len(made.good | made.bad),
            f"{words} rows of words for {len(rows)} files": words == len(rows),
            f"the index is damaged: {sound}": sound == "ok",
        }
        return [text for text, holds in checks.items() if not holds]


def main(arguments: Sequence[str] | None = None) -> int:
    options_of = parser(__doc__)
    options_of.add_argument("--files", type=int, default=5000)
    options_of.add_argument("--gigabytes", type=float, default=4.3, help="of the RF64 file; 0 for none (default: 4.3)")
    options_of.add_argument("--kills", type=int, default=10)
    options_of.add_argument("--keep", type=Path, help="work here, and leave it there")
    options = options_of.parse_args(arguments)
    work = options.keep or Path(tempfile.mkdtemp(prefix="library-harm-"))
    folder = work / "recordings"
    faults: list[str] = []
    try:
        made = make_library(folder, files=options.files, huge_bytes=round(options.gigabytes * 1e9))
        print(f"{len(made.good)} files to be found, {len(made.bad)} to be named", flush=True)
        for what, scans in (
            ("one scan", lambda index: whole(index, folder)),
            (f"{options.kills} kills", lambda index: killed(index, folder, made, kills=options.kills)),
            ("two scans at once", lambda index: shared(index, folder, made)),
        ):
            index = Scans(work / f"{what.replace(' ', '_')}.sqlite")
            print(f"{what}: {scans(index)}", flush=True)
            faults += [f"{what}: {each}" for each in index.faults(made)]
        found = vanished(index, folder, made)
        faults += [f"vanished: {each}" for each in found]
        print(f"vanished disk: {'; '.join(found) or 'everything kept and found again'}", flush=True)
    finally:
        if options.keep is None:
            shutil.rmtree(work, ignore_errors=True)
    print("\n".join(faults) or "nothing was lost")
    return 1 if faults else 0


def whole(scans: Scans, folder: Path) -> str:
    begin = time.monotonic()
    scans.run("add", str(folder))
    report = scans.run("scan")
    return f"{report['scanned']} scanned, {len(report['problems'])} named, {time.monotonic() - begin:.0f} s"


def killed(scans: Scans, folder: Path, made: Made, *, kills: int) -> str:
    """Scan, killed each time that it has gone on by a part of the files, until the last one may end."""
    scans.run("add", str(folder))
    random.seed(0)
    kept = [0]
    total = len(made.good | made.bad)
    for number in range(kills):
        process = scans.start("scan")
        goal = total * (number + random.random()) / (kills + 1)
        while process.poll() is None and scans.count() < goal:
            time.sleep(0.2)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kept.append(scans.count())
    report = scans.run("scan")
    lost = sum(after < before for before, after in pairwise(kept))
    if lost:
        raise SystemExit(f"kept {kept[1:]}: {lost} times fewer recordings than before a kill")
    return f"kept {kept[1:]}, then {report['scanned']} scanned in the last run; never fewer than before"


def shared(scans: Scans, folder: Path, made: Made) -> str:
    scans.run("add", str(folder))
    reports = [json.loads(each.communicate()[0]) for each in [scans.start("scan"), scans.start("scan")]]
    done, total = [each["scanned"] for each in reports], len(made.good | made.bad)
    if sum(done) != total:
        raise SystemExit(f"two scans at once read {done[0]} and {done[1]} files of {total}")
    return f"{done[0]} and {done[1]} scanned of {total}, none twice"


def vanished(scans: Scans, folder: Path, made: Made) -> list[str]:
    """Take the folder away before a scan and during one; what is wrong afterwards."""
    away = folder.with_name("unplugged")
    total, wrong = len(made.good | made.bad), []
    folder.rename(away)
    report = scans.run("scan")
    if [each["recordings"] for each in report["absent"]] != [total]:
        wrong.append(f"the missing disk was told as {report['absent']}")
    away.rename(folder)
    # Touched, so that there is something to scan.
    for path in folder.rglob("*_good.wav"):
        os.utime(path)
    process = scans.start("scan")
    time.sleep(8.0)
    folder.rename(away)
    report = json.loads(process.communicate()[0])
    if not report["ok"]:
        wrong.append(f"the scan ended with {report}")
    away.rename(folder)
    report = scans.run("scan")
    if report["absent"] or report["missing"]:
        wrong.append("files were still missing when the disk was back")
    return wrong + scans.faults(made)


if __name__ == "__main__":
    sys.exit(main())

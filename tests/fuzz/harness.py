"""Runs the child process of a format over all its files, starts it again when it dies, and keeps what it died of.

python -m tests.fuzz.harness [--files 3000] [--keep FOLDER] [FORMAT ...]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from tests.fuzz.formats import FORMATS

ROOT = Path(__file__).parents[2]
MAX_FAULTS = 200


@dataclass(kw_only=True)
class Report:
    """What became of the files of one format.

    Attributes:
        slowest_s: processor time of the longest reading in the last process.
    """

    name: str
    files: int
    read: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    faults: dict[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.files} files, {self.read} times read, {self.refused} times refused, "
            f"{len(self.faults)} faults, {self.seconds:.0f} s, slowest {self.slowest_s:.2f} s of CPU"
        )


def attack(name: str, *, files: int, keep: Path | None = None, replay: Sequence[Path] = ()) -> Report:
    """Read `replay` and `files` damaged files of a format; those with a fault are kept in `keep`."""
    report = Report(name=name, files=len(replay) + files)
    begin = time.monotonic()
    first = 0
    while first < report.files and len(report.faults) < MAX_FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "replay").mkdir()
            for file in replay:
                shutil.copy(file, Path(folder) / "replay")
            last, died = _run(name, Path(folder), files, first, report, keep)
        if not died:
            break
        report.faults[last] = died
        # It did not come as far as the first file: it would not the next time either.
        if last < first:
            break
        first = last + 1
    report.seconds = time.monotonic() - begin
    return report


def _run(name: str, folder: Path, files: int, first: int, report: Report, keep: Path | None) -> tuple[int, str]:
    command = [sys.executable, "-m", "tests.fuzz.child", name, str(folder), str(files), str(first)]
    environment = {
        **os.environ, "HOME": str(folder), "OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder),
    }  # fmt: skip
    errors = folder / "errors"
    last, ended, counts = first - 1, False, (0, 0)
    with (
        errors.open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=ROOT, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if "read" in told:
                counts = told["read"], told["refused"]
            if "end" in told:
                ended = True
                report.slowest_s = told["slowest_s"]
                continue
            last = told["at"]
            if "fault" in told:
                report.faults[last] = told["fault"]
                _keep(keep, name, last, folder)
    report.read += counts[0]
    report.refused += counts[1]
    if ended and process.returncode == 0:
        return last, ""
    _keep(keep, name, last, folder)
    tail = errors.read_text(errors="replace")[-1500:]
    return last, f"the process ended with {process.returncode}: {tail}"


def _keep(keep: Path | None, name: str, index: int, folder: Path) -> None:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        path = folder / "tmp" / "in" / FORMATS[name].file
        # Where the process died, it had no time to put the file aside.
        source = next((each for each in (folder / "faults" / str(index), path) if each.exists()), None)
        if source is not None:
            shutil.copy(source, keep / f"{name}--{index}{path.suffix}")


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("formats", nargs="*", metavar="FORMAT", help=", ".join(FORMATS))
    options.add_argument("--files", type=int, default=3000)
    options.add_argument(
        "--replay", type=Path, nargs="*", default=(), help="files to read as they are, before the others"
    )
    options.add_argument("--keep", type=Path, help="folder for files with a fault")
    asked = options.parse_args(arguments)
    faults = 0
    for name in asked.formats or FORMATS:
        report = attack(name, files=asked.files, keep=asked.keep, replay=asked.replay)
        faults += len(report.faults)
        print(report, flush=True)
        for index, fault in report.faults.items():
            print(f"  {index}: {fault}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

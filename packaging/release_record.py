"""What the steps of a release have done, kept beside its work: a run that was stopped goes on where it was.

A step counts as done for the tree and the settings that it was done with, and for the very runs of the steps that it
stands on: one of these done again has it done again, too. So does an artefact of its that is gone or was cut off.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final
from typing import Literal

Outcome = Literal["done", "skipped", "FAILED"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a step.

    Attributes:
        outcome: how it ended.
        said: what it tells of itself.
        took_s: by the clock.
        key: what it was done for (`Record.key`).
        ended: when, which tells one run from the next.
        files: its artefacts with their lengths in bytes.
    """

    outcome: Outcome
    said: str
    took_s: float
    key: str
    ended: str
    files: dict[str, int] = field(default_factory=dict)


class Record:
    """The last run of every step, in a file that is written after each.

    Attributes:
        commit: of the checkout that they were done from; "" before the first.
        runs: by the names of the steps.
    """

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        told = json.loads(path.read_bytes()) if path.exists() else {"commit": "", "runs": {}}
        self.commit: str = told["commit"]
        self.runs: dict[str, Run] = {name: Run(**each) for name, each in told["runs"].items()}

    def begin(self, commit: str) -> None:
        """Say at once which commit the artefacts will be of; forget what was done from another one."""
        if commit != self.commit:
            self.commit, self.runs = commit, {}
            self._write()

    def key(self, *, tree: str, settings: tuple[str, ...], needs: tuple[str, ...]) -> str:
        """Of what a step is done for: the tree, its settings, and the runs that it stands on."""
        stands_on = [(name, self.runs[name].ended) for name in needs if name in self.runs]
        return hashlib.sha256(json.dumps([tree, settings, stands_on]).encode()).hexdigest()

    def outcome(self, name: str) -> Outcome | None:
        """How a step's last run ended; None where it never ran."""
        return self.runs[name].outcome if name in self.runs else None

    def is_done(self, name: str, *, key: str, out: Path) -> bool:
        """Whether the step was done for this key and its artefacts are whole."""
        run = self.runs.get(name)
        return (
            run is not None
            and run.outcome == "done"
            and run.key == key
            and all((out / file).is_file() and (out / file).stat().st_size == size for file, size in run.files.items())
        )

    def keep(self, name: str, run: Run) -> None:
        self.runs[name] = run
        self._write()

    def _write(self) -> None:
        new = self._path.with_suffix(".new")
        told = {"commit": self.commit, "runs": {each: asdict(its) for each, its in self.runs.items()}}
        new.write_text(json.dumps(told, indent=1), encoding="utf-8")
        new.replace(self._path)

    def table(self, steps: tuple[str, ...]) -> str:
        """The runs as rows of Markdown, in the order of the steps."""
        rows = []
        for name in steps:
            if run := self.runs.get(name):
                said = run.said.replace("\n", " ").replace("|", "/")
                rows.append(f"| {name} | {run.outcome} | {run.took_s:.0f} | {said} |")
            else:
                rows.append(f"| {name} | not done | | |")
        return "\n".join(["| step | outcome | s | what |", "|---|---|---:|---|", *rows, ""])


def lengths(folder: Path) -> dict[str, tuple[int, int]]:
    """Length and time of every file of a folder, by name."""
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}

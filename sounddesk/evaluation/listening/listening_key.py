"""What lies behind a blind page, and what answers say when both are laid side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.storage.text_formats import read_csv
from sounddesk.storage.text_formats import read_json

KEY_FILE: Final = "key.json"
REAL: Final = "recording"

Choice = Literal["first", "second", "same"]
_CHOICES: Final[dict[str, Choice]] = {"first": "first", "second": "second", "same": "same"}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Two sounds of one kind, in the order in which a listener meets them.

    Attributes:
        first, second: where they are from: a bundle's label, or `REAL`.
    """

    id: str
    kind: str
    first: str
    second: str


@dataclass(frozen=True, kw_only=True)
class ListeningKey:
    """The trials of one page; `test` is told on the page, too, so that answers find their key.

    Attributes:
        sources: label of each bundle and its sha256.
    """

    test: str
    sources: dict[str, str]
    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "test": self.test,
            "sources": self.sources,
            "trials": [
                {"id": each.id, "kind": each.kind, "first": each.first, "second": each.second} for each in self.trials
            ],
        }

    @classmethod
    def load(cls, folder: Path) -> ListeningKey:
        """The key in the folder of a page. Raises: BadInputError, there is none or it cannot be used."""
        try:
            document: dict[str, Any] = read_json(folder / KEY_FILE)
            return cls(
                test=str(document["test"]),
                sources={str(name): str(value) for name, value in document["sources"].items()},
                trials=tuple(
                    Trial(**{name: str(each[name]) for name in ("id", "kind", "first", "second")})
                    for each in document["trials"]
                ),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInputError(
                f"{folder} holds no listening test ({error}): name the folder that 'sounddesk evaluate listen' wrote"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Preference:
    """How often one source was preferred to another; no preference is counted apart."""

    source: str
    other: str
    wins: int
    losses: int
    ties: int

    def line(self) -> str:
        if not self.wins + self.losses:
            return f"{self.source} against {self.other}: no preference in {self.ties} answers"
        share = Proportion(hits=self.wins, trials=self.wins + self.losses)
        return f"{self.source} preferred to {self.other}: {share.text()}, {self.ties} without preference"

    def to_json(self) -> dict[str, Any]:
        decided = self.wins + self.losses
        share = Proportion(hits=self.wins, trials=decided).to_json() if decided else None
        return {"source": self.source, "other": self.other, "preferred": share, "ties": self.ties}


def read_answers(file: Path, key: ListeningKey) -> dict[str, Choice]:
    """What one listener chose, by trial, out of the JSON or CSV that the page gave.

    Raises:
        BadInputError: it cannot be read, or is of another test.
    """
    try:
        as_csv = file.suffix.lower() == ".csv"
        rows = read_csv(file, columns=("test", "trial", "choice")) if as_csv else _rows(read_json(file))
        found: dict[str, Choice] = {}
        trials = {each.id for each in key.trials}
        for row in rows:
            if row["test"] != key.test:
                raise ValueError(f"is of another test, {row['test']!r}")
            choice = _CHOICES.get(row["choice"])
            if row["trial"] not in trials or choice is None:
                raise ValueError(f"has the answer {row['choice']!r} to trial {row['trial']!r}")
            found[row["trial"]] = choice
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{file} cannot be used ({error}): give the answers that the page saved") from error
    return found


def preferences(key: ListeningKey, answers: Sequence[dict[str, Choice]]) -> list[Preference]:
    """Of all listeners together, each pair of sources once, bundles before recordings."""
    counts: dict[tuple[str, str], list[int]] = {}
    for trial in key.trials:
        names = (trial.first, trial.second)
        pair = names if _order(names[0]) <= _order(names[1]) else (names[1], names[0])
        row = counts.setdefault(pair, [0, 0, 0])
        for each in answers:
            choice = each.get(trial.id)
            if choice == "same":
                row[2] += 1
            elif choice is not None:
                chosen = trial.first if choice == "first" else trial.second
                row[0 if chosen == pair[0] else 1] += 1
    return [
        Preference(source=pair[0], other=pair[1], wins=row[0], losses=row[1], ties=row[2])
        for pair, row in sorted(counts.items(), key=lambda item: (_order(item[0][0]), _order(item[0][1])))
    ]


def _order(source: str) -> tuple[bool, str]:
    return source == REAL, source


def _rows(document: Any) -> list[dict[str, str]]:
    return [{"test": document["test"], **each} for each in document["answers"]]

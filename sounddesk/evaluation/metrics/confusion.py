"""Which kinds are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ConfusedKind:
    """One row of a confusion table.

    Attributes:
        kind: what it is.
        trials: how often it was judged.
        taken_for: how often for which other kind, most often first.
        silent: how often there was nothing to judge.
    """

    kind: str
    trials: int
    taken_for: Mapping[str, int]
    silent: int

    @property
    def wrong(self) -> int:
        return sum(self.taken_for.values()) + self.silent

    def text(self) -> str:
        """Such as 'bee: 3 of 4 wrong, fly 2, silent 1'."""
        counts = [f"{kind} {count}" for kind, count in self.taken_for.items()]
        counts += [f"silent {self.silent}"] if self.silent else []
        return f"{self.kind}: {self.wrong} of {self.trials} wrong, {', '.join(counts)}"

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "trials": self.trials, "taken_for": dict(self.taken_for), "silent": self.silent}


def confusion_rows(judged: Iterable[tuple[str, str | None]]) -> tuple[ConfusedKind, ...]:
    """The kinds that were taken for others, those with the largest share of errors first.

    Args:
        judged: each time a kind and what it was taken for; None where there was nothing to judge.
    """
    trials: Counter[str] = Counter()
    errors: dict[str, Counter[str]] = {}
    silent: Counter[str] = Counter()
    for kind, chosen in judged:
        trials[kind] += 1
        if chosen is None:
            silent[kind] += 1
        elif chosen != kind:
            errors.setdefault(kind, Counter())[chosen] += 1
    rows = [
        ConfusedKind(
            kind=kind,
            trials=trials[kind],
            taken_for=dict(sorted(errors.get(kind, Counter()).items(), key=lambda item: (-item[1], item[0]))),
            silent=silent[kind],
        )
        for kind in sorted(errors.keys() | silent.keys())
    ]
    return tuple(sorted(rows, key=lambda row: (-row.wrong / row.trials, -row.wrong)))

"""The file that holds every figure of the starter, each with the weights and the day that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.text_formats import read_json

FIGURES_RESOURCE: Final = "evaluation/starter_figures.json"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure as the documents tell it.

    Attributes:
        name: 'right-object', or 'realism/codec copy' where a measure gives several.
        what: first column: what is measured.
        floor: what it should reach; '' where nothing is asked.
        measured: value with number of cases, interval and ceiling.
        command: that repeats it.
        weights: `weights_sha256` of the bundle that it was measured on.
        date: day of the measurement, YYYY-MM-DD.
    """

    name: str
    what: str
    floor: str
    measured: str
    command: str
    weights: str
    date: str


@dataclass(frozen=True, kw_only=True)
class StarterFigures:
    """All figures by name."""

    weights: str
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def of_bundle(self, weights: str, weights_of: Callable[[str], str]) -> StarterFigures:
        """Those that belong to a bundle: a figure never outlives what it was measured on.

        Args:
            weights: of the whole bundle.
            weights_of: hash of what decides the figure of a name.
        """
        kept = {name: figure for name, figure in self.figures.items() if figure.weights == weights_of(name)}
        return StarterFigures(weights=weights, figures=kept)

    def with_figures(self, measured: list[Figure]) -> StarterFigures:
        """These and those, newer ones in the place of older ones of the same name."""
        return StarterFigures(weights=self.weights, figures={**self.figures, **{each.name: each for each in measured}})

    def save(self, path: Path) -> None:
        """Raises: OutputError."""
        document = {
            "weights": self.weights,
            "figures": [asdict(each) for _, each in sorted(self.figures.items())],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> StarterFigures:
        """What the file holds; nothing where there is no file. Raises: BadInputError, it cannot be used."""
        if not path.is_file():
            return cls(weights="")
        try:
            document: dict[str, Any] = read_json(path)
            figures = [Figure(**{str(key): str(value) for key, value in each.items()}) for each in document["figures"]]
            return cls(weights=str(document["weights"]), figures={each.name: each for each in figures})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInputError(f"{path} cannot be read ({error}): remove it and measure again") from error

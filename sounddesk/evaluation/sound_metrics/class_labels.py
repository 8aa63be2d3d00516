"""AudioSet's 527 classes, and the scores of a clip's own labels among them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.resources_folder import resource
from sounddesk.storage.text_formats import read_csv

CLASSES_FILE: Final = "evaluation/audioset_classes.csv"
EXCLUDED: Final = frozenset(
    {
        "speech",
        "male speech, man speaking",
        "female speech, woman speaking",
        "child speech, kid speaking",
        "conversation",
        "narration, monologue",
        "singing",
        "music",
    }
)
"""Labels that ACC passes over, in lower case: voices and music, which the paper's clips were cleared of."""


@cache
def class_places() -> dict[str, int]:
    """Place of each class by its name in lower case and by its id ('/m/0bt9lr')."""
    rows = read_csv(resource(CLASSES_FILE), columns=("index", "mid", "display_name"))
    places = {row["display_name"].casefold(): int(row["index"]) for row in rows}
    return places | {row["mid"]: int(row["index"]) for row in rows}


@cache
def class_names() -> tuple[str, ...]:
    """Names of the classes in their order."""
    rows = read_csv(resource(CLASSES_FILE), columns=("index", "mid", "display_name"))
    return tuple(row["display_name"] for row in sorted(rows, key=lambda row: int(row["index"])))


def label_scores(scores: npt.NDArray[np.floating], labels: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Of each clip the mean score at its labels, float64[n]; NaN for a clip that has none left.

    Args:
        scores: float[n, 527].
        labels: of each clip, by name or id; unknown and excluded ones are passed over.
    """
    places = class_places()
    excluded = {places[name] for name in EXCLUDED}
    values = []
    for row, names in zip(scores, labels, strict=True):
        known = {places[key] for name in names if (key := _key(name)) in places} - excluded
        values.append(float(np.mean([row[place] for place in sorted(known)])) if known else np.nan)
    return np.array(values, dtype=np.float64)


def _key(label: str) -> str:
    return label if label.startswith("/") else label.strip().casefold()

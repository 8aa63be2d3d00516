"""Figures of the starter are measured on a tiny bundle, and told with their number of cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.starter_figures.figure_measures import MEASURES_OF_STARTER
from sounddesk.evaluation.starter_figures.figure_measures import MeasuringPlace
from sounddesk.evaluation.starter_figures.figure_measures import figure_measure
from tests.evaluation.conftest import tell_sources
from tests.evaluation.conftest import write_set

SETS = {"dog": ("train",) * 2 + ("test",) * 5, "car": ("train",) * 2 + ("test",) * 5}
# Right object, masks and realism take minutes; what they call has tests of its own.
TOLD = {
    "grounding": {"": "95 % interval"},
    "variety": {"between takes": "4 takes of each of 2 kinds", "copied": "unheard recordings 0.1"},
    "time": {"": "times; "},
    "determinism": {"": "identical; within"},
}


@pytest.fixture(scope="module")
def place(naming_bundle: Path, coloured_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> MeasuringPlace:
    folder = tmp_path_factory.mktemp("figures")
    data = write_set(folder / "set", SETS)
    return MeasuringPlace(
        bundle=tell_sources(naming_bundle, data / "table.csv", folder / "told"),
        data=data,
        pictures=coloured_pictures,
        work=folder / "work",
        quick=True,
        progress=None,
        cancel=None,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLD)
def test_it_is_measured_and_told(place: MeasuringPlace, name: str) -> None:
    made = figure_measure(name).measure(place)
    told = {each.part: each.measured for each in made}
    assert len(told) == len(made)
    for part, words in TOLD[name].items():
        assert words in told[part]


def test_the_help_names_every_figure() -> None:
    (rows,) = (option for option in MEASURES.get("starter").options if option.flag == "--rows")
    named = rows.help.removeprefix("only these: ").partition(";")[0].split(", ")
    assert named == [each.name for each in MEASURES_OF_STARTER]

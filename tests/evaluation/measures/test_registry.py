"""Every registered measure: what its entry promises, light to import, and told in the manual as it is."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from sounddesk.domain.registry import DuplicateNameError
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.measures.registry import MeasureEntry
from sounddesk.evaluation.measures.registry import MeasureOption
from sounddesk.evaluation.measures.registry import MeasureReport
from sounddesk.evaluation.measures.registry import in_range
from sounddesk.evaluation.measures.registry import scenes_option

ROOT = Path(__file__).parents[3]
COMMANDS_PAGE = ROOT / "resources" / "manual" / "commands.md"
EVERY = pytest.mark.parametrize("entry", MEASURES, ids=lambda entry: entry.name)


@EVERY
def test_an_entry_can_be_told_to_people(entry: MeasureEntry) -> None:
    assert entry.summary[-1] not in ".?"
    assert entry.description[-1] in ".?"
    assert entry.description[0].isupper()
    assert all(option.help for option in entry.options)


@EVERY
def test_the_options_are_what_the_function_takes_and_their_defaults_pass_their_checks(entry: MeasureEntry) -> None:
    keywords = [option.keyword for option in entry.options]
    assert len(set(keywords)) == len(keywords)
    own = {
        name
        for name, each in inspect.signature(entry.measure).parameters.items()
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert own <= set(keywords)
    for option in entry.options:
        if option.check is not None and option.default is not None:
            option.check(option.default)


@EVERY
def test_the_manual_tells_of_it_as_its_help_does(entry: MeasureEntry) -> None:
    rows = [
        line
        for line in COMMANDS_PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{entry.usage}` |")
    ]
    assert len(rows) == 1
    assert entry.summary in rows[0]


def test_the_manual_tells_of_no_measure_that_there_is_not() -> None:
    told = {
        line.split()[3].strip("`")
        for line in COMMANDS_PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `sounddesk eval")
    }
    assert told == set(MEASURES.names())


def test_entries_are_read_without_heavy_libraries() -> None:
    code = (
        "import sys; from sounddesk.evaluation.measures.registry import MEASURES; assert len(MEASURES) > 3; "
        "print([name for name in ('torch', 'cv2', 'scipy', 'diffusers', 'numpy') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"


def test_a_measure_is_added_and_taken_away() -> None:
    entry = MeasureEntry(
        name="brightness",
        summary="how bright are the pictures",
        measure=lambda pictures, **_: MeasureReport(line="bright", document={}),
        options=(scenes_option(3), MeasureOption(flag="--to-file", help="where to", metavar="FILE", required=True)),
    )
    with MEASURES.added(entry):
        assert MEASURES.get("brightness") is entry
        with pytest.raises(DuplicateNameError, match="there is a measure 'brightness' already"):
            MEASURES.register(entry)
    assert "brightness" not in MEASURES
    assert entry.description == "How bright are the pictures?"
    assert entry.usage == "sounddesk evaluate brightness --pictures FOLDER --to-file FILE"
    assert entry.options[1].keyword == "to_file"


@pytest.mark.parametrize(("value", "message"), [(0, "n is 0: choose from 1 to 3"), (4, "n is 4")])
def test_a_number_out_of_range_is_named(value: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        in_range("n", 1, 3)(value)
    in_range("n", 1)(4)

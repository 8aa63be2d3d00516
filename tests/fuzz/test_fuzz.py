"""Damaged files of every format that comes from outside: read, or refused with a message; nothing else happens.

`pytest tests/fuzz --fuzz-files 3000` reads more of them; a file that once ended otherwise stays in `crashes/`, named
FORMAT--what.suffix.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.child import damaged
from tests.fuzz.formats import FORMATS
from tests.fuzz.harness import attack

CRASHES = sorted(path for path in (Path(__file__).parent / "crashes").iterdir() if "--" in path.name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_read_or_refused(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    files = round(FORMATS[name].share * request.config.getoption("--fuzz-files"))
    crashes = [path for path in CRASHES if path.name.startswith(f"{name}--")]
    report = attack(name, files=files, keep=tmp_path / "faults", replay=crashes)
    assert not report.faults, f"{report}; the files are in {tmp_path / 'faults'}: {report.faults}"
    assert report.read + report.refused == report.files * len(FORMATS[name].readers)
    assert (report.refused == 0) == FORMATS[name].tolerant


def test_a_number_always_makes_the_same_file() -> None:
    format_ = FORMATS["recipe"]
    seeds = format_.seeds()
    first, second = ([damaged(format_, seeds, index) for index in range(20)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 15

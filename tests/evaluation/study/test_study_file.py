"""The file of a study that somebody sent: what it may hold, and what is refused with one sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sounddesk.cli.main import main
from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.study.study_file import StudyFile
from sounddesk.evaluation.study.study_report import report_study
from tests.evaluation.study.conftest import Clock
from tests.private_paths import files_that_say


def rated_by(study: StudyFile, clock: Clock, *, listeners: int) -> None:
    for number in range(listeners):
        code = study.add_listener(now=clock())
        for step in range(len(study.samples)):
            listener = study.listener_of(code)
            assert listener is not None
            assert listener.present is not None
            study.show(listener, now=clock())
            clock.now += 100
            criteria = study.samples[listener.present].criteria
            ratings = {name: 1 + (step * (number + 2) + place) % 5 for place, name in enumerate(criteria)}
            assert study.answer(listener, listener.present, ratings, now=clock()) is None


def harmed(folder: Path, sql: str) -> None:
    db = sqlite3.connect(folder / "study.sqlite")
    db.execute("PRAGMA journal_mode = DELETE")
    db.executescript(sql)
    db.close()


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM answers; END",
        "DROP TABLE terms; CREATE VIEW terms AS WITH RECURSIVE r AS (SELECT 1 UNION SELECT 2 FROM r) SELECT 1",
        "CREATE TABLE more (a)",
        "DROP TABLE terms; CREATE TABLE terms (x, data AS (1))",
    ],
)
def test_what_could_act_by_itself_is_refused_and_left_alone(study_folder: Path, planted: str) -> None:
    harmed(study_folder, planted)
    before = (study_folder / "study.sqlite").read_bytes()
    with pytest.raises(BadInputError, match="never makes: make the study again"):
        StudyFile(study_folder)
    assert (study_folder / "study.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM terms",
        "UPDATE terms SET data = '[1]'",
        "UPDATE samples SET data = 7",
        """UPDATE samples SET data = '{"number": 1, "clip": "a", "system": "noise control", "text": "", '
           || '"has_picture": false, "has_object": false}'""",
        "UPDATE listeners SET samples = '7'",
        "UPDATE listeners SET samples = '[1, 99]'",
        "UPDATE listeners SET samples = '[1, 1]'",
        "UPDATE answers SET rating = 9",
        "UPDATE answers SET rating = 'good'",
        "UPDATE answers SET criterion = 'XYZ'",
        "UPDATE answers SET seconds = 9e999",
        "UPDATE answers SET sample = 99",
    ],
)
def test_values_that_are_none_are_one_sentence(
    study_folder: Path, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    with StudyFile(study_folder) as study:
        rated_by(study, clock, listeners=1)
    # One criterion a sample, so that the others are not in the way of a change of all.
    harmed(study_folder, f"DELETE FROM answers WHERE criterion != 'OVL' OR sample > 1; {harm}")
    assert main(["study", "report", str(study_folder), "--out", str(tmp_path / "report")]) == 2
    assert "make the study again" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_a_link_is_not_followed(study_folder: Path, tmp_path: Path) -> None:
    (study_folder / "study.sqlite").rename(tmp_path / "hers.sqlite")
    (study_folder / "study.sqlite").symlink_to(tmp_path / "hers.sqlite")
    with pytest.raises(Exception, match="is a link"):
        StudyFile(study_folder)


def test_two_listeners_make_a_report(study_folder: Path, clock: Clock, tmp_path: Path) -> None:
    """With so few the noncentral t of SciPy is not a number."""
    with StudyFile(study_folder) as study:
        rated_by(study, clock, listeners=2)
        made = report_study(study, tmp_path / "report", control_limit=5)
    assert made.began == 2
    # Page, figures, answers as CSV, and the study itself with its media, which are handed on.
    assert files_that_say(tmp_path.name, tmp_path / "report") == files_that_say(tmp_path.name, study_folder) == []
    assert all(each.found_from is not None and each.found_from >= 0 for each in made.tests)

"""Fifty listeners whose opinions are known answer over the pages; the report has to find them again."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.measures.sounds import listeners_of
from sounddesk.evaluation.sounds import sounds
from sounddesk.evaluation.study.study_design import CONTROL
from sounddesk.evaluation.study.study_file import StudyFile
from sounddesk.evaluation.study.study_report import report_study
from sounddesk.evaluation.study.study_server import create_app
from tests.evaluation.study.conftest import Clock
from tests.evaluation.study.conftest import new_study
from tests.evaluation.study.conftest import write_material
from tests.page_reader import PageReader

LISTENERS = 50
CHEATERS = (7, 20, 33, 41, 50)
SURE = 0.9
TRUTH = {"good": (4, 5), "bad": (2, 3), CONTROL: (1, 1)}


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory):
    """The folder of a study that all have rated, and the true rating of each sample."""
    folder = write_material(tmp_path_factory.mktemp("rated"))
    made = new_study(folder, controls=3)
    truth = {each.number: TRUTH[each.system][int(each.clip[1]) % 2] for each in made.samples}
    clock = Clock()
    with StudyFile(folder / "study") as study:
        app = create_app(study, clock=clock)
        for listener in range(1, LISTENERS + 1):
            rng = np.random.default_rng(listener)
            client = app.test_client()
            client.post("/begin")
            for _ in made.samples:
                page = client.get("/sample").get_data(as_text=True)
                number = int(re.search(r'name="sample" value="(\d+)"', page)[1])
                clock.now += 90 + 20 * rng.random()
                ratings = {}
                for name in study.samples[number].criteria:
                    knows = listener not in CHEATERS and rng.random() < SURE
                    ratings[name] = truth[number] if knows else int(rng.integers(1, 6))
                assert client.post("/sample", data={"sample": number, **ratings}).status_code == 303
    return folder, truth


@pytest.mark.slow
def test_the_report_finds_order_agreement_and_cheaters(rated) -> None:
    folder, truth = rated
    with StudyFile(folder / "study") as study:
        made = report_study(study, folder / "report", first="good")
        samples = study.samples
    assert set(CHEATERS) <= set(made.left_out)
    assert len(made.counted) >= LISTENERS - len(CHEATERS) - 2
    for system, rows in made.means.items():
        for name, mean in rows.items():
            asked = [truth[n] for n, each in samples.items() if each.system == system and name in each.criteria]
            # Who does not know guesses 3 on average.
            expected = SURE * np.mean(asked) + (1 - SURE) * 3
            assert mean.low - 0.1 < expected < mean.high + 0.1, (system, name)
    assert all(each.difference > 1.5 and each.p_listeners < 1e-6 for each in made.tests)
    # Of the outlined object only two clips say something.
    assert {each.criterion: each.verdict for each in made.tests if each.criterion != "REO"} == {
        "OVL": "good",
        "RET": "good",
        "REI": "good",
    }
    # Two who know agree by the true ratings' share, else by chance: as simulated here, without the report's code.
    values = [truth[number] for number in sorted(samples)]
    marginal = SURE * np.array([values.count(level) / len(values) for level in range(1, 6)]) + (1 - SURE) / 5
    observed = SURE**2 + 2 * SURE * (1 - SURE) / 5 + (1 - SURE) ** 2 / 5
    expected_kappa = (observed - marginal @ marginal) / (1 - marginal @ marginal)
    cohen, weighted, fleiss = made.kappas["OVL"]
    assert cohen == pytest.approx(expected_kappa, abs=0.06)
    assert fleiss == pytest.approx(expected_kappa, abs=0.06)
    assert weighted > cohen
    assert made.seconds_median == pytest.approx(100, abs=3)
    page = (folder / "report" / "index.html").read_text()
    assert PageReader(page).problems == []
    assert json.loads((folder / "report" / "figures.json").read_text())["systems"] == ["good", "bad"]
    rows = list(csv.DictReader((folder / "report" / "answers.csv").open()))
    assert len(rows) == LISTENERS * sum(len(each.criteria) for each in samples.values())
    assert {row["counted"] for row in rows if row["listener"] == "7"} == {"0"}


def test_an_unfinished_study_says_what_it_can(study_folder: Path, clock: Clock, tmp_path: Path) -> None:
    with StudyFile(study_folder) as study:
        with pytest.raises(BadInputError, match="nobody has rated anything"):
            report_study(study, tmp_path / "report")
        code = study.add_listener(now=clock())
        who = study.listener_of(code)
        study.show(who, now=clock())
        clock.now += 100
        ratings = dict.fromkeys(study.samples[who.present].criteria, 4)
        assert study.answer(who, who.present, ratings, now=clock()) is None
        made = report_study(study, tmp_path / "report")
        assert made.left_out == {1: "met no control yet"}
        assert made.counted == () and made.tests == ()
        with pytest.raises(BadInputError, match="there is no system 'nix'"):
            report_study(study, tmp_path / "report", first="nix")
    assert (tmp_path / "report" / "index.html").is_file()


def test_ratings_are_rows_of_the_report_on_sounds(study_folder: Path, clock: Clock) -> None:
    systems = [f"good={study_folder.parent / 'good'}"]
    with pytest.raises(BadInputError, match="nobody has rated anything"):
        listeners_of(study_folder, systems)
    with StudyFile(study_folder) as study:
        for spoiled in (0, 1):
            who = study.listener_of(study.add_listener(now=clock()))
            for number in who.samples:
                study.show(study.listeners()[-1], now=clock())
                clock.now += 100
                sample = study.samples[number]
                rating = {"good": 5, "bad": 2}.get(sample.system, 1) - spoiled * (sample.system == "good")
                assert study.answer(who, number, dict.fromkeys(sample.criteria, rating), now=clock()) is None
    made = listeners_of(study_folder, systems)
    assert list(made.cells) == ["Noise", "bad", "good"]
    good = made.cells["good"]["OVL"]
    assert (good.value, good.clips) == (4.5, 8)
    assert good.low < 4.5 < good.high
    assert "2 counted" in made.notes[0] and made.notes[1] == "bad was rated and is not measured here"
    report = sounds.run(
        system=systems,
        manifest=study_folder.parent / "clips.jsonl",
        out=study_folder.parent / "report",
        metrics=["fad"],
        models=study_folder.parent / "none",
        examples=0,
        listeners=made,
    )
    assert "OVL (listeners, higher is better): Noise 1.00" in "\n".join(report.details())
    page = (study_folder.parent / "report" / "index.html").read_text()
    assert "What listeners said" in page and PageReader(page).problems == []
    told = json.loads((study_folder.parent / "report" / "figures.json").read_text())["listeners"]
    assert told["systems"]["good"]["OVL"]["value"] == 4.5

"""The judge that ships has heard nothing that the starter was made of."""

from __future__ import annotations

import csv

from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.evaluation.judge.independent_judge import JUDGE_RESOURCE
from sounddesk.evaluation.judge.independent_judge import IndependentJudge
from sounddesk.evaluation.judge.judge_learning import random_questions
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.resources_folder import resource


def test_it_learned_from_nothing_that_the_starter_heard() -> None:
    judge = IndependentJudge.load()
    with find_bundle("starter").document("sources.csv").open(encoding="utf-8", newline="") as file:
        recordings = [row for row in csv.DictReader(file) if row["role"] == "recording"]
    heard = {row["sha256"] for row in recordings if row["split"] == "train"}
    origins = {(row["source"], row["member"].partition("#")[0]) for row in recordings if row["split"] == "train"}
    learned = [row for row in recordings if row["sha256"] in judge.learned_from]
    assert len(learned) == len(judge.learned_from) == 91
    assert not heard & set(judge.learned_from)
    assert not origins & {(row["source"], row["member"].partition("#")[0]) for row in learned}


def test_its_kinds_are_the_starters_and_its_ceiling_is_what_its_card_says() -> None:
    judge = IndependentJudge.load()
    assert set(judge.kinds) <= {kind.name for kind in read_bundle_kinds(find_bundle("starter"))}
    ceiling = judge.ceiling(random_questions(judge.kinds))
    assert ceiling is not None
    card = (resource(JUDGE_RESOURCE) / "card.md").read_text(encoding="utf-8")
    assert f"**{ceiling.share:.3f}** (95 % interval {ceiling.low:.3f} to {ceiling.high:.3f}" in card
    assert (ceiling.recordings, ceiling.kinds) == (373, 78)

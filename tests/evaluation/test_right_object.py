from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from sounddesk.domain.errors import EngineError
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation import right_object
from sounddesk.evaluation.evaluation_scenes import draw_scene
from sounddesk.evaluation.judge.independent_judge import Ceiling
from sounddesk.evaluation.picture_folder import PictureFolder
from sounddesk.evaluation.right_object import RightObjectResult
from sounddesk.evaluation.right_object import Verdict
from sounddesk.evaluation.right_object import judge_takes
from sounddesk.evaluation.right_object import scene_request
from sounddesk.evaluation.sound_classifier import SoundJudge

QUICK = SamplingSettings(preset="fast", steps=2)


def result(*verdicts: Verdict) -> RightObjectResult:
    return RightObjectResult(
        bundle="b",
        bundle_sha256="0",
        scenes=2,
        seed=0,
        seconds=10.0,
        sampling=SamplingSettings(),
        known_kinds=5,
        verdicts=verdicts,
        pictures=PictureFolder(cut_outs={"dog": []}, skipped_kinds={}, skipped_pictures={}),
    )


def verdict(kind: str, among: str, chosen: str | None, chosen_of_all: str | None = None) -> Verdict:
    return Verdict(kind=kind, among=tuple(among.split()), chosen=chosen, chosen_of_all=chosen_of_all or chosen)


def test_figures_of_a_known_case():
    measured = result(
        verdict("dog", "dog car", "dog", "wolf"),
        verdict("car", "dog car", "car"),
        verdict("sea", "sea car dog siren", "dog"),
        verdict("car", "sea car dog siren", "car"),
        verdict("dog", "sea car dog siren", None),
        verdict("siren", "sea car dog siren", "siren"),
    )
    assert (measured.accuracy.hits, measured.accuracy.trials) == (4, 6)
    assert measured.accuracy_of_all.hits == 3
    assert measured.chance == pytest.approx((2 / 2 + 4 / 4) / 6)
    assert measured.silent == 1
    assert (measured.of_count(4).hits, measured.of_count(4).trials) == (2, 4)
    data = measured.to_json()
    assert data["by_kind"] == {"car": [2, 2], "dog": [1, 2], "sea": [0, 1], "siren": [1, 1]}
    assert data["wrong"] == [["sea", "dog", "dog"], ["dog", None, None]]
    assert data["confusion"] == [
        {"kind": "sea", "trials": 1, "taken_for": {"dog": 1}, "silent": 0},
        {"kind": "dog", "trials": 2, "taken_for": {}, "silent": 1},
    ]
    assert [row["taken_for"] for row in data["confusion_of_all_kinds"]] == [{"wolf": 1}, {"dog": 1}]
    assert set(data["by_object_count"]) == {"2", "4"}
    assert "\n" not in measured.line()
    assert measured.line().startswith("right object 0.667 (4 of 6")


def test_the_ceiling_stands_beside_the_figure():
    ceiling = Ceiling(share=0.8, low=0.7, high=0.9, recordings=30, kinds=12)
    measured = replace(result(verdict("dog", "dog car", "dog")), ceiling=ceiling, ceiling_of_all=ceiling)
    assert "ceiling 0.800 (95 % interval 0.700 to 0.900, 30 real recordings of 12 kinds" in measured.line()
    assert measured.to_json()["ceiling"]["interval_95"] == [0.7, 0.9]
    # A classifier of one's own has no ceiling that is known.
    assert "ceiling" not in result(verdict("dog", "dog car", "dog")).line()


def take(waveform: np.ndarray, rate=16_000) -> GeneratedTake:
    return GeneratedTake(
        name="dog",
        kind="object",
        waveform=waveform.astype(np.float32),
        sample_rate_hz=rate,
        recipe={},
        notes=(),
        patch_weights=np.zeros(9, dtype=np.float32),
    )


def test_silent_take_is_wrong_and_choice_stays_among_the_scene(tiny_classifier):
    judge = SoundJudge.load(tiny_classifier)
    noise = np.random.default_rng(0).standard_normal(16_000) * 0.1
    verdicts = judge_takes(judge, [take(noise), take(np.zeros(16_000))], ["dog", "sea"])
    assert verdicts[0].chosen in ("dog", "sea")
    assert verdicts[0].chosen_of_all in judge.kinds
    assert verdicts[1].chosen is None
    assert not verdicts[1].right


def test_judge_hears_the_same_at_another_rate(tiny_classifier):
    judge = SoundJudge.load(tiny_classifier)
    t = np.arange(48_000) / 48_000
    tone = (0.3 * np.sin(2 * np.pi * 440 * t) * (1 + np.sin(2 * np.pi * 3 * t))).astype(np.float32)
    at_48k = judge.log_probabilities(tone, sample_rate_hz=48_000)
    at_16k = judge.log_probabilities(tone[::3].copy(), sample_rate_hz=16_000)
    assert np.abs(at_48k - at_16k).max() < 0.05


def test_judge_refuses_kinds_it_does_not_know(tiny_classifier):
    judge = SoundJudge.load(tiny_classifier)
    with pytest.raises(ValueError, match="unicorn"):
        judge.choose(np.zeros(5, dtype=np.float32), ["dog", "unicorn"])


def test_probability_among_a_few(tiny_classifier):
    judge = SoundJudge.load(tiny_classifier)
    scores = np.log(np.array([0.4, 0.1, 0.2, 0.2, 0.1], dtype=np.float32))
    assert judge.choose(scores, ["car", "sea"]) == "sea"
    assert judge.probability(scores, "dog", ["dog", "car"]) == pytest.approx(0.8)


def test_takes_of_a_scene_have_their_own_seeds():
    square = np.full((20, 20, 4), 255, dtype=np.uint8)
    scene = draw_scene({k: [square] for k in "abcd"}, counts=(4,), seed=3, index=0)
    make = lambda index: scene_request(scene, seed=3, index=index, seconds=2.0, sampling=QUICK)  # noqa: E731
    seeds = [t.seed for t in make(0).takes]
    assert seeds == [t.seed for t in make(0).takes]
    assert len({*seeds, *(t.seed for t in make(1).takes)}) == 8


@pytest.mark.slow
def test_real_session_end_to_end(bundle_with_kinds, coloured_pictures, tiny_classifier):
    reports = []
    options = {
        "bundle": bundle_with_kinds,
        "classifier": tiny_classifier,
        "scenes": 3,
        "seconds": 1.5,
        "sampling": QUICK,
    }
    measured = right_object.run(coloured_pictures, progress=reports.append, **options)
    assert sum(1 / len(v.among) for v in measured.verdicts) == pytest.approx(3)
    # 'engine' is known to the bundle but not to the classifier, 'unicorn' to neither.
    assert set(measured.pictures.skipped_kinds) == {"engine", "unicorn"}
    assert {v.kind for v in measured.verdicts} <= {"dog", "car", "sea", "siren"}
    assert (reports[-1].done, reports[-1].total) == (3, 3)
    data = json.loads(json.dumps(measured.to_json()))
    assert data == right_object.run(coloured_pictures, **options).to_json()
    assert data["accuracy"]["trials"] == len(measured.verdicts) >= 6


@pytest.mark.parametrize(("change", "message"), [({"scenes": 0}, "scenes is 0"), ({"seconds": 0.2}, "length is 0.2 s")])
def test_values_out_of_range_are_refused(coloured_pictures, bundle_with_kinds, tiny_classifier, change, message):
    with pytest.raises(ValueError, match=message):
        right_object.run(coloured_pictures, bundle=bundle_with_kinds, classifier=tiny_classifier, **change)


def test_missing_classifier_is_named(tmp_path, coloured_pictures, bundle_with_kinds):
    with pytest.raises(EngineError, match="sound classifier in .*cannot be loaded"):
        right_object.run(coloured_pictures, bundle=bundle_with_kinds, classifier=tmp_path / "none")


def test_preset_is_part_of_the_result():
    measured = replace(result(verdict("dog", "dog car", "dog")), sampling=SamplingSettings(preset="paper"))
    assert measured.to_json()["preset"] == "paper"
    assert "preset paper" in measured.line()

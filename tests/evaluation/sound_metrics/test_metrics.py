"""Every metric on cases whose answer is known, and what every entry promises."""

from __future__ import annotations

from typing import get_type_hints

import numpy as np
import pytest
from scipy import linalg

from sounddesk.engine.catalogue.entries import load_catalogue
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.judge.independent_judge import IndependentJudge
from sounddesk.evaluation.metrics.classifier_divergence import kl_of
from sounddesk.evaluation.metrics.classifier_divergence import sigmoid_kl_of
from sounddesk.evaluation.metrics.frechet import frechet_distance
from sounddesk.evaluation.sound_metrics.class_labels import EXCLUDED
from sounddesk.evaluation.sound_metrics.class_labels import class_names
from sounddesk.evaluation.sound_metrics.class_labels import class_places
from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.evaluation.sound_networks.registry import SeeingNetwork

RNG = np.random.default_rng(0)


def evidence(heard, *, real=None, seen=None, labels=None, objects=None) -> list[ClipEvidence]:
    return [
        ClipEvidence(
            clip=EvaluationClip(id=str(i), labels=labels[i] if labels else (), object=objects[i] if objects else ""),
            heard=each,
            heard_key=str(i),
            real=real[i] if real else None,
            seen=seen[i] if seen else None,
        )
        for i, each in enumerate(heard)
    ]


def figure(name: str, told: list[ClipEvidence]) -> float:
    return METRICS.get(name).prepare(told).figure(np.arange(len(told)))


def logits_of(*hot: dict[str, float], rest: float = -30.0) -> list[dict[str, np.ndarray]]:
    """One sound each, with these logits at classes by name."""
    rows = []
    for classes in hot:
        row = np.full(527, rest, dtype=np.float32)
        for label, value in classes.items():
            row[class_places()[label]] = value
        rows.append({"logits": row})
    return rows


@pytest.mark.parametrize("entry", METRICS, ids=lambda entry: entry.name)
def test_a_metric_says_what_it_is(entry: SoundMetric) -> None:
    network = NETWORKS.get(entry.network)
    assert entry.title and entry.summary[-1] not in ".?"
    # Told by the type of what is loaded, so that nothing needs to be installed here.
    assert "image" not in entry.needs or get_type_hints(network.load)["return"] is SeeingNetwork
    # What ships is ours, what is installed the paper's.
    assert (entry.origin == "paper") == bool(network.model_ids)


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_a_network_can_be_installed(entry: NetworkEntry) -> None:
    assert set(entry.model_ids) <= set(load_catalogue())


def test_the_classes_of_audioset() -> None:
    names = class_names()
    assert len(names) == 527
    assert (names[0], names[74], names[526]) == ("Speech", "Dog", "Field recording")
    assert class_places()["/m/0bt9lr"] == 74
    assert set(class_places()) >= EXCLUDED


def test_acc_by_hand() -> None:
    labels = [("Dog", "Speech", "unheard of"), ("/m/0bt9lr", "Bark"), ("Music",)]
    heard = logits_of({"dog": 0.0, "speech": 9.0}, {"dog": 30.0, "bark": -30.0}, {"music": 9.0})
    told = evidence(heard, labels=labels)
    # 1/2 at Dog, since Speech does not count; the mean of 1 and 0; and nothing left.
    assert METRICS.get("acc").prepare(told).values == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)
    assert figure("acc", told) == pytest.approx(0.5)
    two = evidence(logits_of({"dog": 5.0, "bark": 5.0}), labels=[("Dog",)])
    assert figure("acc-softmax", two) == pytest.approx(0.5, abs=1e-6)


def test_kl_by_hand() -> None:
    sure, torn = logits_of({"dog": 30.0}, {"dog": 5.0, "cat": 5.0})
    assert figure("kl", evidence([torn], real=[sure])) == pytest.approx(np.log(2), abs=1e-5)
    # The other way round: ln(1/2) at Dog, and Cat where there is next to none.
    expected = np.log(0.5) - 0.5 * np.log(1e-6)
    assert figure("kl", evidence([sure], real=[torn])) == pytest.approx(expected, abs=1e-3)
    assert figure("kl", evidence([sure], real=[sure])) == pytest.approx(0.0, abs=1e-5)


def test_sigmoid_kl_by_hand() -> None:
    p, q = np.array([[0.0, 40.0]]), np.array([[40.0, 0.0]])
    expected = 0.5 * np.log(0.5) + np.log(2.0)
    assert sigmoid_kl_of(p, q)[0] == pytest.approx(expected, abs=1e-5)
    assert figure("kl-sigmoid", evidence([{"logits": q[0]}], real=[{"logits": p[0]}])) == pytest.approx(
        expected, abs=1e-5
    )
    assert kl_of(p, q).shape == (1,)


def test_inception_score_of_sure_and_of_equal_sounds() -> None:
    names = class_names()
    varied = evidence(logits_of(*({names[10 + i % 4].casefold(): 30.0} for i in range(400))))
    assert figure("is", varied) == pytest.approx(4.0, abs=0.15)
    assert figure("is", evidence(logits_of(*({"dog": 30.0},) * 20))) == pytest.approx(1.0)
    assert METRICS.get("is").least_clips == 10


@pytest.mark.parametrize("name", ["fad", "fd"])
def test_a_shift_is_the_square_of_its_length(name: str) -> None:
    feature = {"fad": "windows", "fd": "embedding"}[name]
    shape = (5, 4) if name == "fad" else (4,)
    real = [{feature: RNG.standard_normal(shape)} for _ in range(30)]
    made = [{feature: each[feature] + np.array([3.0, 0, 4.0, 0])} for each in real]
    assert figure(name, evidence(made, real=real)) == pytest.approx(25.0)
    assert figure(name, evidence(real, real=real)) == pytest.approx(0.0, abs=1e-9)


def test_windows_of_long_sounds_count_more() -> None:
    real = [{"windows": RNG.standard_normal((n, 2))} for n in (3, 40)]
    made = [{"windows": RNG.standard_normal((n, 2)) + 1} for n in (50, 2)]
    expected = frechet_distance(
        np.concatenate([each["windows"] for each in real]), np.concatenate([each["windows"] for each in made])
    )
    assert figure("fad", evidence(made, real=real)) == pytest.approx(expected)


@pytest.mark.parametrize("rows", [12, 200], ids=["fewer rows than dimensions", "more"])
def test_the_distance_is_that_of_the_toolbox(rows: int) -> None:
    """scipy's root of the product of covariances, as audioldm_eval and pytorch-fid take it."""
    a, b = RNG.standard_normal((2, rows, 20)) * RNG.uniform(0.5, 2.0, (2, 1, 20)) + [[[0.0]], [[0.3]]]
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    difference = a.mean(axis=0) - b.mean(axis=0)
    root = linalg.sqrtm(cov_a @ cov_b).real
    expected = difference @ difference + np.trace(cov_a) + np.trace(cov_b) - 2 * np.trace(root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "scale"), [("avc", 1.0), ("ib", 1.0), ("clip-score", 100.0)])
def test_cosines_whatever_the_lengths(name: str, scale: float) -> None:
    heard = [{"embedding": np.array(v, dtype=np.float32)} for v in ([20.0, 0], [0, 3.0], [1.0, 1.0], [0, 0])]
    seen = [{"embedding": np.array(v, dtype=np.float32)} for v in ([5.0, 0], [4.0, 0], [2.0, 0], [1.0, 0])]
    values = METRICS.get(name).prepare(evidence(heard, seen=seen)).values
    assert values == pytest.approx(np.array([1, 0, np.sqrt(0.5), 0]) * scale, rel=1e-6, abs=1e-9)


def test_realism_of_the_same_and_of_others() -> None:
    real = [{"embedding": RNG.standard_normal(6)} for _ in range(60)]
    alike = [{"embedding": RNG.standard_normal(6)} for _ in range(60)]
    other = [{"embedding": RNG.standard_normal(6) + 3} for _ in range(60)]
    objects = [f"kind {i % 6}" for i in range(60)]
    assert figure("realism", evidence(alike, real=real, objects=objects)) == pytest.approx(0.5, abs=0.15)
    assert figure("realism", evidence(other, real=real, objects=objects)) > 0.97
    assert (
        figure("effects-distance", evidence(other, real=real))
        > 10
        > figure("effects-distance", evidence(alike, real=real))
    )


def test_the_judge_knows_its_kinds_and_none_else() -> None:
    judge = IndependentJudge.load()
    tensors = judge._tensors
    # Vectors in the middle of a kind.
    vectors = [tensors["directions"][k] * tensors["scale"] + tensors["mean"] for k in (0, 1, 2)]
    heard = [{"embedding": vector.astype(np.float32)} for vector in (*vectors, vectors[0])]
    told = evidence(
        heard, objects=[judge.kinds[0].upper(), judge.kinds[5], "a thing that it never met", judge.kinds[0]]
    )
    known = next(iter(judge.learned_from))
    told[3] = ClipEvidence(clip=told[3].clip, heard=told[3].heard, heard_key=known)
    values = METRICS.get("judge").prepare(told).values
    # Right, wrong, unknown, and a recording that it has learned from.
    assert values == pytest.approx([1.0, 0.0, np.nan, np.nan], nan_ok=True)


def test_matching_is_the_chance_of_one_kind() -> None:
    judge = IndependentJudge.load()
    tensors = judge._tensors
    vector = (tensors["directions"][3] * tensors["scale"] + tensors["mean"]).astype(np.float32)
    heard = np.exp(judge.of_embeddings(vector[None])[0])
    seen = np.zeros((3, len(judge.kinds)), dtype=np.float32)
    seen[0, 3] = 0.5
    seen[1, 4] = 1.0
    told = evidence([{"embedding": vector}] * 3, seen=[{"kinds": row} for row in seen])
    values = METRICS.get("matching").prepare(told).values
    # Whatever the recogniser leaves to other things, and nothing where it knows none of them.
    assert values == pytest.approx([heard[3], heard[4], np.nan], nan_ok=True, rel=1e-5)
    assert heard[3] == heard.max()

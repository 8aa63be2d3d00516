"""The independent judge: it learns from what the bundle did not hear, and knows its ceiling."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.engine.perception.sound_effects import SoundEffectsEncoder
from sounddesk.engine.verified_files import hash_file
from sounddesk.evaluation.judge import judge_learning
from sounddesk.evaluation.judge.independent_judge import IndependentJudge
from sounddesk.evaluation.judge.judge_learning import learn
from sounddesk.evaluation.judge.judge_learning import random_questions
from sounddesk.evaluation.judge.judge_learning import variants
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.evaluation.sound_classifier import SoundJudge
from tests.evaluation.conftest import TABLE_HEADER
from tests.evaluation.conftest import tell_sources
from tests.evaluation.conftest import write_sound

KINDS = ("dog", "siren", "sea")


@pytest.fixture(scope="module")
def embedder() -> SoundEmbedder:
    torch.manual_seed(0)
    return SoundEmbedder(SoundEffectsEncoder(width=16).eval())


def sound_of(kind: str, number: int, seconds: float = 0.4) -> np.ndarray:
    """Barks are clicks, a siren is a tone, the sea is noise; random weights tell such textures apart."""
    rng = np.random.default_rng(number)
    t = np.arange(round(seconds * 16_000)) / 16_000
    if kind == "siren":
        return 0.3 * np.sin(2 * np.pi * (900 + 20 * number) * t)
    noise = rng.standard_normal(len(t)) * 0.2
    return noise if kind == "sea" else noise * ((t * 8) % 1 < 0.1)


@pytest.fixture(scope="module")
def told_bundle(bundle_with_kinds: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle that says what it heard, and the set: of each kind two recordings that it heard and two others."""
    data, bundle = tmp_path_factory.mktemp("set"), tmp_path_factory.mktemp("told") / "tiny"
    rows = [TABLE_HEADER]
    for kind in KINDS:
        for number, split in enumerate(("train", "train", "test", "test")):
            path = f"recordings/{kind}/{number}.wav"
            digest = hash_file(write_sound(data / path, sound_of(kind, number))).sha256
            rows.append(
                f"{kind},recording,{number},{path},{split},s,p,1,{kind}{number}.ogg,x,{digest},MIT,me,0.4,16000"
            )
    # Heard, but cut from what the judge learns from: it says nothing about the judge.
    digest = hash_file(write_sound(data / "recordings/sea/9.wav", sound_of("sea", 9))).sha256
    rows.append(f"sea,recording,9,recordings/sea/9.wav,train,s,p,1,sea2.ogg#4-5,x,{digest},MIT,me,0.4,16000")
    (data / "table.csv").write_text("\n".join(rows) + "\n")
    return tell_sources(bundle_with_kinds, data / "table.csv", bundle), data


def test_it_learns_from_what_the_bundle_never_heard(
    told_bundle: tuple[Path, Path], embedder: SoundEmbedder, tmp_path: Path
) -> None:
    bundle, data = told_bundle
    made = judge_learning.run(out=tmp_path / "judge", reference=data, bundle=bundle, embedder=embedder)
    assert made.learned == 6
    assert (made.ceiling.recordings, made.ceiling.kinds) == (6, 3)
    with (data / "table.csv").open() as file:
        heard = {row["sha256"] for row in csv.DictReader(file) if row["split"] == "train"}
    assert len(made.judge.learned_from) == 6
    assert not heard & set(made.judge.learned_from)
    assert made.ceiling_of_all.share == 1.0
    judge = IndependentJudge.load(tmp_path / "judge", embedder=embedder)
    assert judge.kinds == ("dog", "sea", "siren")
    sound = sound_of("siren", 7).astype(np.float32)
    scores = judge.log_probabilities(sound)
    assert judge.kinds[int(scores.argmax())] == "siren"
    assert np.exp(scores).sum() == pytest.approx(1.0, abs=1e-3)
    # Its level says nothing.
    assert judge.log_probabilities(sound * 0.01) == pytest.approx(scores, abs=0.05)
    asked = SoundJudge(judge)
    assert asked.choose(asked.log_probabilities(sound, sample_rate_hz=16_000), ["dog", "siren"]) == "siren"
    assert asked.log_probabilities(sound * 0, sample_rate_hz=16_000) is None


def test_a_bundle_that_says_nothing_has_no_independent_judge(bundle_with_kinds: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not say what it heard"):
        judge_learning.run(out=tmp_path / "out", reference=tmp_path, bundle=bundle_with_kinds)


def known_judge() -> IndependentJudge:
    """Of three kinds along two axes; of its four held-out recordings one dog is taken for a car."""
    vectors = np.array([[0, 0], [0.1, 0], [4, 0], [4.1, 0], [0, 4], [0.1, 4]], dtype=np.float32)
    held_out = np.array([[0.2, 0.1], [3.9, 0.1], [4.2, 0], [0, 3.8]], dtype=np.float32)
    return learn(
        vectors,
        ["dog", "dog", "car", "car", "sea", "sea"],
        held_out=held_out,
        held_out_kinds=["dog", "dog", "car", "sea"],
        learned_from={"0": "dog/0"},
    )


def test_the_ceiling_answers_the_same_questions() -> None:
    judge = known_judge()
    both = judge.ceiling([("dog", ("dog", "sea")), ("car", ("car", "sea"))])
    assert both is not None
    # Taken for a car, the second dog is still nearer to a dog than to the sea.
    assert (both.share, both.recordings, both.kinds) == (1.0, 3, 2)
    harder = judge.ceiling([("dog", ("dog", "car")), ("car", ("dog", "car"))])
    assert harder is not None
    assert harder.share == pytest.approx(0.75)
    assert harder.low <= 0.75 <= harder.high
    assert judge.ceiling([("bee", ("bee", "dog"))]) is None


def test_questions_are_of_two_to_four_kinds_and_ask_for_each() -> None:
    questions = random_questions(["a", "b", "c", "d", "e"], count=50)
    assert {len(among) for _, among in questions} == {2, 3, 4}
    assert all(kind in among for kind, among in questions)


def test_short_sounds_are_also_learned_repeated() -> None:
    short, long = np.ones(4000, dtype=np.float32), np.ones(30_000, dtype=np.float32)
    assert [len(each) for each in variants(short)] == [4000, 4348, 3670, 40_960]
    assert len(variants(long)) == 3


def test_damage_is_named(tmp_path: Path) -> None:
    known_judge().save(tmp_path)
    file = tmp_path / "judge.safetensors"
    file.write_bytes(file.read_bytes()[:-2] + b"xx")
    with pytest.raises(EngineError, match="sha256 of judge.safetensors"):
        IndependentJudge.load(tmp_path)
    with pytest.raises(EngineError, match="install sounddesk again"):
        IndependentJudge.load(tmp_path / "none")

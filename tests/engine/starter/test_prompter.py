"""The starter finds things by words: which names a word means, wholes before their parts, and a scene of two things."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.segmenters.protocol import box_of_mask
from sounddesk.engine.starter.prompter import thing_score
from sounddesk.engine.starter.prompter import wholes
from sounddesk.engine.starter.word_match import read_class_names
from sounddesk.engine.starter.word_match import read_people_classes
from sounddesk.engine.starter.word_match import same_names
from sounddesk.engine.starter.word_match import shows_people
from sounddesk.engine.starter.word_match import spoken_for

NAMES = ("dog", "tiger shark", "great white shark", "shark net", "dogsled", "glass")


@pytest.mark.parametrize(
    ("thing", "meant"),
    [
        ("dog", ["dog"]),
        ("Dogs", ["dog"]),
        ("brown dog", ["dog"]),
        ("shark", ["tiger shark", "great white shark"]),
        ("tiger shark", ["tiger shark"]),
        ("glass", ["glass"]),
        ("zebra", []),
        ("net", ["shark net"]),
    ],
)
def test_names_that_a_word_means(thing: str, meant: list[str]) -> None:
    assert [name for name, weight in zip(NAMES, same_names(thing, NAMES), strict=True) if weight] == meant


def test_names_speak_for_what_is_like_them_and_against_what_is_not() -> None:
    names = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.2], [0.0, 1.0], [-1.0, 0.0]]), dim=-1)
    weights = spoken_for(torch.tensor([1.0, 0.0]), names)
    assert weights[0] > weights[1] > weights[2] > weights[3]
    assert weights[1] > 0 > weights[3]
    assert float(weights.sum()) == pytest.approx(0.0, abs=1e-9)
    assert float(np.linalg.norm(weights)) == pytest.approx(1.0)


def test_people_are_looked_for_by_what_they_wear() -> None:
    assert shows_people("person")
    assert shows_people("old Woman")
    assert not shows_people("man hole")
    assert "suit" in read_people_classes() <= set(read_class_names())


def test_the_published_classes_have_their_names() -> None:
    names = read_class_names()
    assert (len(names), names[0], len(set(names)) > 990) == (1000, "tench", True)


def suggestion(rows: slice, columns: slice, *, score: float) -> FoundThing:
    mask = np.zeros((40, 60), dtype=np.float32)
    mask[rows, columns] = 1.0
    return FoundThing(box=box_of_mask(mask >= 0.5), score=score, probability=mask)


def test_a_whole_stands_for_its_part_and_other_things_stay() -> None:
    head = suggestion(slice(4, 10), slice(20, 26), score=0.9)
    dog = suggestion(slice(4, 30), slice(5, 27), score=0.5)
    scene = suggestion(slice(0, 40), slice(0, 40), score=0.2)
    other = suggestion(slice(4, 20), slice(45, 58), score=0.7)
    found = wholes([scene, other, dog, head])
    assert [(each.box, each.score) for each in found] == [((5, 4, 27, 30), 0.9), ((45, 4, 58, 20), 0.7)]


def test_a_doubtful_object_has_to_look_much_more_like_the_thing() -> None:
    assert thing_score(0.4, object_score=0.9) > thing_score(0.8, object_score=0.5)
    assert thing_score(0.9, object_score=0.8) > thing_score(0.2, object_score=0.95)
    # What the segmenter gives up is not lost where nothing else looks like it.
    assert thing_score(0.5, object_score=0.0) > thing_score(0.0, object_score=1.0)

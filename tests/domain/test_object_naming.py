"""Who names an object, and when a guess does."""

from __future__ import annotations

import pytest

from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.domain.object_naming import with_next_guess
from sounddesk.domain.object_naming import with_recognised_object
from sounddesk.domain.object_naming import with_typed_name
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask

DOG = NameGuess(name="dog", prompt="a dog barking", confidence=0.9)
WOLF = NameGuess(name="wolf", prompt="a wolf howling", confidence=0.06)
FOX = NameGuess(name="fox", prompt="a fox barking", confidence=0.02)
SURE = RecognisedObject(guesses=(DOG, WOLF, FOX), least_confidence=0.6)
UNSURE = RecognisedObject(guesses=(DOG, WOLF, FOX), least_confidence=0.95)


def project_with(*names: str) -> Project:
    """Objects with masks, named by numbers."""
    project = Project()
    for name in names:
        project, _ = project.with_new_object(name=name, mask=TiledMask.empty(width=4, height=4), named_by="number")
    return project


def first(project: Project) -> SceneObject:
    return project.objects[0]


def test_a_confident_guess_names_the_object_and_proposes_a_prompt() -> None:
    project = project_with("object 1")
    named = first(with_recognised_object(project, first(project).id, SURE))
    assert (named.name, named.named_by, named.guess) == ("dog", "guess", 0)
    assert (named.proposed_prompt, named.hint) == ("a dog barking", "")


def test_below_the_threshold_the_name_stays() -> None:
    project = project_with("object 1")
    assert with_recognised_object(project, first(project).id, UNSURE) is project


def test_two_dogs_have_two_names_and_are_not_numbered_anew() -> None:
    project = project_with("object 1", "object 2")
    for each in project.objects:
        project = with_recognised_object(project, each.id, SURE)
    assert [each.name for each in project.objects] == ["dog", "dog 2"]
    assert with_recognised_object(project, project.objects[1].id, SURE) is project


@pytest.mark.parametrize("change", [{"named_by": "user"}, {"locked": True}])
def test_a_name_of_the_user_is_never_overwritten(change: dict[str, object]) -> None:
    project = project_with("Rex")
    project = project.with_changed_object(first(project).id, **change)
    assert with_recognised_object(project, first(project).id, SURE) is project


def test_an_object_that_is_no_longer_recognised_keeps_its_name() -> None:
    project = project_with("object 1")
    project = with_recognised_object(project, first(project).id, SURE)
    assert with_recognised_object(project, first(project).id, UNSURE) is project


def test_the_next_guess_goes_round_and_is_the_users_own() -> None:
    project = project_with("object 1")
    project = with_recognised_object(project, first(project).id, SURE)
    names = []
    for _ in range(3):
        project = with_next_guess(project, first(project).id)
        names.append(first(project).name)
    assert names == ["wolf", "fox", "dog"]
    assert first(project).proposed_prompt == "a dog barking"
    cat = RecognisedObject(guesses=(NameGuess(name="cat", prompt="", confidence=0.99),), least_confidence=0.5)
    assert with_recognised_object(project, first(project).id, cat) is project


def test_the_first_guess_of_an_object_that_was_not_named() -> None:
    project = project_with("object 1")
    named = first(with_next_guess(project, first(project).id, UNSURE.guesses))
    assert (named.name, named.named_by) == ("dog", "user")
    with pytest.raises(ValueError, match="nothing is known of what 'object 1' may be"):
        with_next_guess(project, first(project).id)


def test_a_typed_name_has_no_guess_behind_it() -> None:
    project = project_with("object 1")
    project = with_recognised_object(project, first(project).id, SURE)
    typed = first(with_typed_name(project, first(project).id, "Rex"))
    assert (typed.name, typed.named_by, typed.guess, typed.proposed_prompt) == ("Rex", "user", None, "")


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="confidence in 'dog' is 1.5"):
        NameGuess(name="dog", prompt="", confidence=1.5)
    with pytest.raises(ValueError, match="guess of 'dog' is 3: it has 1"):
        SceneObject(id="o1", name="dog", mask=TiledMask.empty(width=4, height=4), seed=0, guesses=(DOG,), guess=3)
    with pytest.raises(ValueError, match="'dog' has 4 guesses"):
        SceneObject(id="o1", name="dog", mask=TiledMask.empty(width=4, height=4), seed=0, guesses=(DOG,) * 4)

"""Objects are named by what they show: one undo step, never over what the user typed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.objects.object_inspector import ObjectInspector
from sounddesk.app.objects.object_naming import ObjectNaming
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.settings import Settings
from sounddesk.app.workers.naming_worker import NamingWorker
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.domain.object_naming import with_typed_name
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage
from tests.app.conftest import wait_until

HEIGHT, WIDTH = 24, 32


class BySize:
    """Large things are dogs, small ones are hardly anything."""

    def __init__(self) -> None:
        self.asked = 0

    def recognise(self, image: RgbImage, mask: FloatMask | BoolMask) -> RecognisedObject:
        del image
        self.asked += 1
        sure = 0.9 if (mask >= 0.5).sum() > 50 else 0.2
        guesses = (
            NameGuess(name="dog", prompt="a dog barking", confidence=sure),
            NameGuess(name="wolf", prompt="a wolf howling", confidence=0.05),
        )
        return RecognisedObject(guesses=guesses, least_confidence=0.5)


@dataclasses.dataclass
class Desk:
    document: Document
    selection: SelectionModel
    actions: CommandRegistry
    recogniser: BySize
    messages: list[str]

    def add(self, *, size: int, named_by: str = "number") -> str:
        project = self.document.project
        project, object_id = project.with_new_object(name="object 1", mask=mask_of(size), named_by=named_by)  # type: ignore[arg-type]
        self.document.commit("Add object 1", project)
        self.selection.select_objects([object_id])
        return object_id

    def the(self, object_id: str) -> SceneObject:
        return self.document.project.object(object_id)


def mask_of(size: int) -> TiledMask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[2 : 2 + size, 2 : 2 + size] = 255
    return TiledMask.from_array(mask)


@pytest.fixture
def desk(document: Document, qapp: QApplication, told: list[str]) -> Iterator[Desk]:
    pixels = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    info = document.add_image(b"not read again", pixels, name="still.png")
    document.commit("Open", dataclasses.replace(document.project, image=info))
    settings = Settings()
    settings.name_objects = True
    recogniser, selection, actions = BySize(), SelectionModel(document), CommandRegistry()
    worker = NamingWorker(lambda: recogniser)
    naming = ObjectNaming(document, selection, actions, settings, worker)
    assert naming is not None
    yield Desk(document, selection, actions, recogniser, told)
    worker.close()


def test_a_mask_gets_a_name_which_one_undo_takes_back_for_good(desk: Desk) -> None:
    object_id = desk.add(size=12)
    wait_until(lambda: desk.the(object_id).name == "dog")
    assert desk.document.undo_stack.undoText() == "Name object 1 dog"
    desk.document.undo()
    assert desk.the(object_id).name == "object 1"
    # The user does not want it: a larger mask is not named either.
    desk.document.commit("Refine", desk.document.project.with_changed_object(object_id, mask=mask_of(14)))
    second = desk.add(size=12)
    wait_until(lambda: desk.the(second).name == "dog")
    assert desk.the(object_id).name == "object 1" and desk.recogniser.asked == 2


def test_below_the_threshold_it_stays_a_number_until_the_key_is_pressed(desk: Desk) -> None:
    object_id = desk.add(size=4)
    wait_until(lambda: desk.recogniser.asked == 1)
    desk.actions["objects.next_guess"].trigger()
    wait_until(lambda: desk.the(object_id).name == "dog")
    desk.actions["objects.next_guess"].trigger()
    assert desk.the(object_id).name == "wolf"
    assert "guess 2 of 2, 5 % sure" in desk.messages[-1]


def test_what_the_user_typed_is_not_asked_about(desk: Desk) -> None:
    object_id = desk.add(size=12)
    wait_until(lambda: desk.the(object_id).name == "dog")
    desk.document.commit("Rename", with_typed_name(desk.document.project, object_id, "Rex"))
    desk.document.commit("Refine", desk.document.project.with_changed_object(object_id, mask=mask_of(14)))
    imported = desk.add(size=12, named_by="user")
    last = desk.add(size=13)
    wait_until(lambda: desk.the(last).name == "dog")
    assert desk.the(object_id).name == "Rex" and desk.the(imported).named_by == "user"
    assert desk.recogniser.asked == 2


def test_the_inspector_marks_the_guess_and_hands_over_its_prompt(desk: Desk) -> None:
    inspector = ObjectInspector(desk.document, desk.selection)
    object_id = desk.add(size=12)
    wait_until(lambda: desk.the(object_id).name == "dog")
    assert inspector._guess.text() == "Recognised: [dog 90 %], wolf 5 %. F3: the next one"
    wolf = dataclasses.replace(desk.the(object_id).guesses[1], confidence=0.004)
    guesses = (desk.the(object_id).guesses[0], wolf)
    desk.document.commit("Doubt", desk.document.project.with_changed_object(object_id, guesses=guesses))
    assert inspector._guess.text() == "Recognised: [dog 90 %]. F3: the next one"
    assert inspector._hint.placeholderText() == "a dog barking (a guess)" and inspector._hint.text() == ""
    inspector._proposal.trigger()
    assert desk.the(object_id).hint == "a dog barking"


def test_a_recogniser_that_cannot_be_had_is_said_once(document: Document, qapp: QApplication, told: list[str]) -> None:
    def broken() -> BySize:
        raise ValueError("weights are damaged: install the bundle again")

    pixels = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    info = document.add_image(b"not read again", pixels, name="still.png")
    document.commit("Open", dataclasses.replace(document.project, image=info))
    settings = Settings()
    settings.name_objects = True
    worker, actions = NamingWorker(broken), CommandRegistry()
    naming = ObjectNaming(document, SelectionModel(document), actions, settings, worker)
    for _ in range(2):
        project, _ = document.project.with_new_object(name="object 1", mask=mask_of(12), named_by="number")
        document.commit("Add", project)
        naming._ask_due()
    wait_until(lambda: any("weights are damaged" in text.casefold() for text in told))
    worker.close()
    assert sum("weights are damaged" in text.casefold() for text in told) == 1

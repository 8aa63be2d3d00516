"""The recogniser that ships: it names what it knows, and is loaded while nothing else is constructed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.images.demo_scene import demo_masks
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_formats import read_one_mask
from sounddesk.engine.models import construction
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.starter import recogniser as recogniser_module
from sounddesk.engine.starter.recogniser import StarterRecogniser
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.resources_folder import resource


@pytest.fixture(scope="module")
def recogniser() -> StarterRecogniser:
    made = StarterRecogniser.from_bundle(find_bundle(SHIPPED_BUNDLE))
    assert made is not None
    return made


def test_animals_of_the_demo_are_named_and_what_is_nothing_is_not(recogniser: StarterRecogniser) -> None:
    image = load_image(resource("demo/scene.webp")).pixels
    named = {}
    for name, path in demo_masks(resource("demo")).items():
        mask = read_one_mask(path, part=None, wanted_name=name, image_size=(image.shape[1], image.shape[0]))
        guess = recogniser.recognise(image, mask).name
        named[name] = None if guess is None else guess.name
    assert {name: named[name] for name in ("cow", "sheep", "dog")} == {"cow": "cow", "sheep": "sheep", "dog": "dog"}
    noise = np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8)
    assert recogniser.recognise(noise, mask).name is None


def test_a_bundle_without_names_has_none(bundle_folder: Path) -> None:
    assert StarterRecogniser.from_bundle(Bundle.open(bundle_folder)) is None


def test_an_empty_mask_is_refused(recogniser: StarterRecogniser) -> None:
    with pytest.raises(EmptySelectionError, match="mask is empty"):
        recogniser.recognise(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), bool))


def test_its_networks_are_constructed_while_no_other_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is constructed inside another one's `init_empty_weights` has no weights."""
    others: list[bool] = []

    def try_to_construct() -> None:
        others.append(construction._LOCK.acquire(blocking=False))
        if others[-1]:
            construction._LOCK.release()

    real = recogniser_module.component_class

    def component_class(role: str, class_name: str, folder: Path) -> Any:
        thread = threading.Thread(target=try_to_construct)
        thread.start()
        thread.join()
        return real(role, class_name, folder)

    monkeypatch.setattr(recogniser_module, "component_class", component_class)
    StarterRecogniser.from_bundle(find_bundle(SHIPPED_BUNDLE))
    assert others == [False, False]
